package migrations

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/internal/schema"
	"github.com/envdiff/envdiff/snapshot"
)

// What a deploy does not do, people do after one that went wrong: go the way back, or run the file once more. Each of these passes has a clone of the copy
// as it was before the replay, and runs after it, so that what the replay measured is of the deploy alone.

// pass is an optional part of a rehearsal.
type pass struct {
	name  string // as in envdiff.yaml
	try   func(*passing, context.Context) error
	clone engine.Target
}

// passing is one pass on its clone.
type passing struct {
	*rehearsal
	db  engine.DB
	s   engine.Session
	did *finding.Pass
}

// errLeft ends a pass whose clone is not what later migrations expect.
var errLeft = errors.New("the clone is left in a state that no deploy has")

// clonePasses clones the copy for the passes that are asked for. What was cloned is dropped by dropPasses, also after an error.
func (r *rehearsal) clonePasses(ctx context.Context, copy engine.Target) ([]pass, error) {
	var list []pass
	if r.in.Down {
		list = append(list, pass{name: "down", try: (*passing).thereAndBack})
	}
	if r.in.Twice {
		list = append(list, pass{name: "twice", try: (*passing).twice})
	}
	if len(list) == 0 {
		return nil, nil
	}
	if r.in.Spec.Command != "" {
		r.gapPasses("a command runs the migrations, and neither the way back nor a second run is known to it")
		return nil, nil
	}
	r.doing = "cloning the copy"
	db, err := r.in.Engine.Open(ctx, copy, engine.Scratch)
	if err != nil {
		return nil, err
	}
	for i := range list {
		if list[i].clone, err = db.Clone(ctx, r.in.ScratchBase, r.in.ScratchDir); err != nil {
			return list[:i], errors.Join(err, db.Close())
		}
	}
	return list, db.Close()
}

func (r *rehearsal) dropPasses(list []pass) {
	for _, p := range list {
		r.drop(p.clone)
	}
}

// gapPasses says why none was tried.
func (r *rehearsal) gapPasses(why string) {
	var names []string
	if r.in.Down {
		names = append(names, "down")
	}
	if r.in.Twice {
		names = append(names, "twice")
	}
	if len(names) > 0 {
		r.gap(snapshot.At(r.in.Scope, "migration", "passes").String(), "not tried: "+strings.Join(names, " and ")+"; "+why, "remove them from databases.NAME.rehearsal, or rehearse without")
	}
}

// tryPasses runs them. What they find is about the migrations that all passed.
func (r *rehearsal) tryPasses(ctx context.Context, list []pass) error {
	for _, p := range list {
		start := r.in.Now()
		p := p
		did := finding.Pass{Name: p.name}
		db, err := r.in.Engine.Open(ctx, p.clone, engine.Scratch)
		if err != nil {
			return err
		}
		err = (scratch{p.clone}).like(r.in.Engine, r.in.Schema).use(ctx, r.in.Engine, func(s engine.Session) error {
			return p.try(&passing{r, db, s, &did}, ctx)
		})
		if errors.Is(err, errLeft) {
			err = nil
		}
		if err := errors.Join(err, db.Close()); err != nil {
			return err
		}
		did.Seconds = r.in.Now().Sub(start).Seconds()
		r.out.Database.Passes = append(r.out.Database.Passes, did)
	}
	return nil
}

// run runs one file with the tool's transaction semantics; at is the statement that failed. undone says that nothing of a failed file stays.
func (p *passing) run(ctx context.Context, m *planned) (at int, undone bool, err error) {
	tx := newTransaction(p.s, p.in.Engine.Name(), p.in.Spec, m)
	if err := tx.begin(ctx); err != nil {
		return -1, true, err
	}
	for j, st := range m.statements {
		if _, err := tx.exec(ctx, st.replayed()); err != nil {
			tx.rollback(context.WithoutCancel(ctx))
			return j, tx.wrapped || j == 0, err
		}
	}
	if err := tx.commit(ctx); err != nil {
		tx.rollback(context.WithoutCancel(ctx))
		return len(m.statements), true, err
	}
	return 0, false, nil
}

// up runs a migration as the replay did, which passed.
func (p *passing) up(ctx context.Context, m *planned) error {
	if _, _, err := p.run(ctx, m); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		p.gap(p.address(m.Migration), m.Label()+" passes in the replay and not on a clone of the same copy: "+errorText(err), "look for what depends on time or chance in it")
		return errLeft
	}
	return nil
}

// leave ends the pass behind a migration, with a gap where others follow.
func (p *passing) leave(i int, what string) error {
	if rest := len(p.plan.migrations) - i - 1; rest > 0 {
		next := &p.plan.migrations[i+1]
		p.gap(p.address(next.Migration), what+" is not tried: "+p.plan.migrations[i].Label()+" left the clone half-way", "correct that one first")
	}
	return errLeft
}

// concerned are the tables of a schema that files can change the rows of: those that they name, and those whose rows go with theirs by a foreign key.
func (p *passing) concerned(sch *schema.Database, files ...*planned) []schema.Name {
	words := map[string]bool{}
	var out []schema.Name
	for _, m := range files {
		if m == nil {
			continue
		}
		for _, st := range m.statements {
			if x, ok := quiet(st.Text); ok && x.kind != "column" || indexAlone.MatchString(withoutComments(st.Text)) {
				continue
			}
			for w := range wordsOf(st.Text) {
				words[w] = true
			}
			out = append(out, st.writes...)
		}
	}
	for i := range sch.Tables {
		if t := &sch.Tables[i]; words[strings.ToLower(t.Name.Name)] && !isVersionTable(t) && t.Name != p.out.Pending.Applied.Table {
			out = append(out, t.Name)
		}
	}
	for more := true; more; {
		more = false
		for i := range sch.Tables {
			t := &sch.Tables[i]
			if !slices.Contains(out, t.Name) && slices.ContainsFunc(t.ForeignKeys, func(k schema.ForeignKey) bool { return k.OnDelete != "no action" && slices.Contains(out, k.RefTable) }) {
				out, more = append(out, t.Name), true
			}
		}
	}
	return sortedNames(out)
}

// blame is the statement of a file that a loss is due to; -1 where none is plain.
func (m *planned) blamed(l loss) int {
	for j, st := range m.statements {
		words := wordsOf(st.Text)
		if !words[strings.ToLower(l.table.Name)] {
			continue
		}
		if _, ok := quiet(st.Text); ok {
			continue
		}
		if l.column == "" && movesRows.MatchString(withoutComments(st.Text)) || l.column != "" && words[strings.ToLower(l.column)] {
			return j
		}
	}
	return -1
}

// stillTimes leaves out dates and times that no statement names: a trigger or the server keeps them.
func stillTimes(files ...*planned) func(*schema.Table, string) bool {
	return func(t *schema.Table, column string) bool {
		if !isMoment(t, column) {
			return false
		}
		for _, m := range files {
			for _, st := range m.statements {
				if wordsOf(st.Text)[strings.ToLower(column)] {
					return false
				}
			}
		}
		return true
	}
}
