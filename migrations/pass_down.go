package migrations

import (
	"context"
	"fmt"
	"strings"

	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/internal/schema"
)

// thereAndBack runs each migration, its way back and itself again: after the way back the schema and the rows are to be what they were, and
// after the second way up what they were after the first. One without a way back is run and counted.
func (p *passing) thereAndBack(ctx context.Context) error {
	called := newCallers(p.in.Engine.Name(), p.in.Schema)
	before, err := p.s.Schema(ctx)
	if err != nil {
		return err
	}
	for i := range p.plan.migrations {
		m := &p.plan.migrations[i]
		p.doing = "trying the way back of " + m.Label() + " on a clone"
		p.progress("try the way back of "+m.Label(), i+1, len(p.plan.migrations))
		for _, st := range m.statements {
			_ = called.reach(st.Text) // what it makes, the way back may call
		}
		back, err := p.wayBack(m, called)
		if err != nil {
			return err
		}
		if before, err = p.roundTrip(ctx, i, back, before); err != nil {
			return err
		}
	}
	return nil
}

// wayBack reads it; nil where there is none, or one that is not to be run here.
func (p *passing) wayBack(m *planned, called *callers) (*planned, error) {
	back, err := p.src.back(m.Migration, p.in.Engine)
	if err != nil || back == nil {
		return nil, err
	}
	for j, st := range back.statements {
		does := reachOf(p.in.Engine.Name(), st.Text)
		if does == "" {
			does = called.reach(st.Text)
		}
		if does != "" {
			p.gap(p.address(m.Migration), "its way back is not tried: "+back.position(j)+" of "+back.Up+" "+does, elsewhere)
			return nil, nil
		}
	}
	return back, nil
}

// roundTrip is one migration's. It gives the schema after it.
func (p *passing) roundTrip(ctx context.Context, i int, back *planned, before *schema.Database) (*schema.Database, error) {
	m := &p.plan.migrations[i]
	var was contents
	var err error
	tables := p.concerned(before, m, back)
	if back != nil {
		if was, err = readContents(ctx, p.db, before, tables); err != nil {
			return nil, err
		}
	}
	if err := p.up(ctx, m); err != nil {
		return nil, err
	}
	up, err := p.s.Schema(ctx)
	if err != nil {
		return nil, err
	}
	if back == nil {
		p.did.Without++
		return up, nil
	}
	p.did.Tried++
	if at, undone, err := p.run(ctx, back); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		p.find(back, at, nil, finding.Finding{Rule: "down-failed", Change: finding.Failed, Message: "the way back of " + m.Label() + " fails: " + errorText(err) + "; " + back.position(at), Hint: hintAfter(&failure{statement: at, err: err})})
		if !undone {
			return nil, p.leave(i, "the way back")
		}
		return up, nil
	}
	again, err := p.s.Schema(ctx)
	if err != nil {
		return nil, err
	}
	is, err := readContents(ctx, p.db, again, tables)
	if err != nil {
		return nil, err
	}
	p.findLosses(m, back, is.since(was, again, stillTimes(m, back)))
	return p.upAgain(ctx, i, back, before, again, up)
}

// upAgain runs the migration a second time, and tells of both ways what they leave otherwise.
func (p *passing) upAgain(ctx context.Context, i int, back *planned, before, down, up *schema.Database) (*schema.Database, error) {
	m := &p.plan.migrations[i]
	text := ""
	if left := p.unlike(before, down); len(left) > 0 {
		text = m.Label() + " and its way back leave another schema: " + enumerate(left)
	}
	at, undone, err := p.run(ctx, m)
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil && text == "":
		text = m.Label() + " does not go up again after its way back: " + errorText(err) + "; " + m.position(at)
	case err != nil:
		text += "; so it does not go up again: " + errorText(err)
	}
	after := down
	if err == nil {
		if after, err = p.s.Schema(ctx); err != nil {
			return nil, err
		}
		if other := p.unlike(up, after); len(other) > 0 && text == "" {
			text = m.Label() + " makes another schema when it goes up again: " + enumerate(other)
		}
	} else if !undone || i+1 < len(p.plan.migrations) {
		p.find(back, -1, nil, finding.Finding{Rule: "down-incomplete", Change: finding.Failed, Message: text})
		return nil, p.leave(i, "the way back")
	}
	if text != "" {
		p.find(back, -1, nil, finding.Finding{Rule: "down-incomplete", Change: finding.Failed, Message: text})
	}
	return after, nil
}

// findLosses tells what neither way brings back, and which statement takes it away.
func (p *passing) findLosses(m, back *planned, list []loss) {
	if len(list) == 0 {
		return
	}
	file, at := m, m.blamed(list[0])
	if at < 0 {
		file, at = back, back.blamed(list[0])
	}
	text := "after " + m.Label() + " and its way back " + lossesText(list)
	if at >= 0 {
		text += "; by " + file.position(at) + " of " + file.Up
	}
	p.find(file, at, nil, finding.Finding{Rule: "down-loses-data", Change: finding.Failed, Message: text})
}

// unlike names what two schemas of one database do not share, the order of columns aside: ALTER TABLE puts a column that comes back last.
func (r *rehearsal) unlike(before, after *schema.Database) []string {
	was, is := inAnyOrder(before), inAnyOrder(after)
	had, has := r.present(was), r.present(is)
	list := changesBetween(was, is)
	inside := map[schema.Name]bool{}
	for _, x := range list {
		inside[x.name] = inside[x.name] || x.kind == "column"
	}
	var out []string
	for _, x := range list {
		name := x.text()
		switch {
		case had[name] && has[name] && x.kind == "table" && inside[x.name]: // its columns say what
		case had[name] && has[name]:
			out = append(out, name+" differs")
		case has[name]:
			out = append(out, name+" is left")
		default:
			out = append(out, name+" is gone")
		}
	}
	return sortedText(out)
}

// text is a changed object as people call it: "column users.country".
func (x changed) text() string {
	return strings.TrimSpace(x.kind + " " + strings.Join(x.name.Idents(x.more...), "."))
}

// present are the objects of a schema, named as changed ones are.
func (r *rehearsal) present(db *schema.Database) map[string]bool {
	have := map[string]bool{}
	for _, x := range changesBetween(&schema.Database{Engine: db.Engine}, db) {
		have[x.text()] = true
	}
	for i := range db.Tables {
		t := &db.Tables[i]
		for kind, parts := range map[string]map[string]part{"column": columnParts(t), "constraint": constraintParts(t), "index": indexParts(t)} {
			for key := range parts {
				have[changed{kind: kind, name: t.Name, more: []string{key}}.text()] = true
			}
		}
	}
	return have
}

// inAnyOrder is a schema whose tables have their columns in the order of their names.
func inAnyOrder(db *schema.Database) *schema.Database {
	out := *db
	out.Tables = make([]schema.Table, len(db.Tables))
	for i, t := range db.Tables {
		t.Columns = sortedColumns(t.Columns)
		out.Tables[i] = t
	}
	return &out
}

func enumerate(list []string) string {
	if len(list) > maxOthers {
		return fmt.Sprintf("%s, and %d more", strings.Join(list[:maxOthers], ", "), len(list)-maxOthers)
	}
	return strings.Join(list, ", ")
}
