package sanitize

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/engine/sqlite"
	"github.com/envdiff/envdiff/internal/keys"
	"github.com/envdiff/envdiff/internal/schema"
)

func TestACopyNeedsAKey(t *testing.T) {
	src, sch := openSource(t, makeDatabase(t, "CREATE TABLE a (id INTEGER PRIMARY KEY)"))
	plan, err := NewPlan(mustPolicy(t, "tables: {a: {columns: {id: {keep: true}}}}"), sch, Rehearsal, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Copy(context.Background(), src, nil, sch, plan, keys.Key{}, CopyOptions{}); err == nil {
		t.Error("copied without a key")
	}
}

func TestSetDropAndAfter(t *testing.T) {
	src, sch := openSource(t, makeDatabase(t, `
		CREATE TABLE a (id INTEGER PRIMARY KEY, api_key TEXT NOT NULL, gone TEXT DEFAULT 'x', note TEXT);
		INSERT INTO a VALUES (1, 'raw key of a partner', 'raw text', 'raw note'), (2, 'other', NULL, NULL);`))
	policy := mustPolicy(t, `
tables: {a: {columns: {id: {keep: true}, api_key: {set: ""}, gone: {drop: true}, note: {set: null}}}}
after: ["UPDATE a SET note = 'after' WHERE id = 2"]`)
	for use, want := range map[Use]string{Rehearsal: "[1||x|NULL 2||x|NULL]", Keepable: "[1||x|NULL 2||x|after]"} {
		plan, err := NewPlan(policy, sch, use, nil)
		if err != nil {
			t.Fatal(err)
		}
		built, err := Build(context.Background(), src, engine.Target{}, t.TempDir(), sch, plan, testKey(t), CopyOptions{})
		if err != nil {
			t.Fatal(err)
		}
		dst := openDatabase(t, built.Target, engine.ReadOnly)
		if got := fmt.Sprint(query(t, dst, "SELECT * FROM a ORDER BY id")); got != want {
			t.Errorf("use %d: got %s, want %s", use, got, want)
		}
		dst.Close()
	}
}

func TestStorageClassesSurvive(t *testing.T) {
	src, sch := openSource(t, makeDatabase(t, `
		CREATE TABLE mixed (id INTEGER PRIMARY KEY, v);
		INSERT INTO mixed (v) VALUES (NULL), (''), (0), (12345678), (-1.5), (9223372036854775807), (x'00ff00ff00ff00ff'), (x''), ('text with words'), (1e300), ('ünïcödé 😀😀😀😀'), (CAST(x'4dfc6c6c6572' AS TEXT));`))
	plan, err := NewPlan(mustPolicy(t, "tables: {mixed: {columns: {id: {keep: true}, v: {mask: text}}}}"), sch, Rehearsal, nil)
	if err != nil {
		t.Fatal(err)
	}
	built, err := Build(context.Background(), src, engine.Target{}, t.TempDir(), sch, plan, testKey(t), CopyOptions{})
	if err != nil {
		t.Fatal(err)
	}
	dst := openDatabase(t, built.Target, engine.ReadOnly)
	defer dst.Close()
	const shape = "SELECT typeof(v), length(v), length(CAST(v AS BLOB)) FROM mixed WHERE typeof(v) <> 'real' ORDER BY id"
	if got, want := query(t, dst, shape), query(t, src, shape); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v\nwant %v", got, want)
	}
	for _, f := range built.Report.Features {
		if f.Source && !f.Copy {
			t.Errorf("the copy lacks %s in %s", f.Feature, f.Column)
		}
	}
}

func TestWhatHoldsNothingToMaskIsNoLeak(t *testing.T) {
	src, sch := openSource(t, makeDatabase(t, `
		CREATE TABLE a (id INTEGER PRIMARY KEY, doc TEXT, link TEXT, size NUMERIC, born TEXT, note TEXT, net TEXT, status TEXT);
		INSERT INTO a VALUES (1, '{"dark": true, "x": [null, {}]}', 'http://localhost:3000/', 9223372036854775807, '9999-12-31', '–––––––––––', '0.0.0.0/0', 'standard'),
			(2, '[]', 'http://localhost/', '-Infinity', '0000-00-00 00:00:00', 'standard', '::/0', 'standard'), (3, NULL, NULL, NULL, NULL, NULL, NULL, 'standard'), (4, NULL, NULL, NULL, NULL, NULL, NULL, 'standard');`))
	plan, err := NewPlan(mustPolicy(t, "tables: {a: {columns: {id: {keep: true}, doc: {mask: json}, link: {mask: url}, size: {mask: number}, born: {mask: birth-date}, note: {mask: text}, net: {mask: ip}, status: {keep: true}}}}"), sch, Rehearsal, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Build(context.Background(), src, engine.Target{}, t.TempDir(), sch, plan, testKey(t), CopyOptions{}); err != nil {
		t.Error(err)
	}
}

func TestACancelledCopyEndsAndIsDropped(t *testing.T) {
	source := makeDatabase(t, shopSchema)
	fillShop(t, source, 3000)
	src, sch := openSource(t, source)
	plan, err := NewPlan(mustPolicy(t, shopPolicy), sch, Rehearsal, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	started := time.Now()
	_, err = Build(ctx, src, engine.Target{}, t.TempDir(), sch, plan, testKey(t), CopyOptions{Progress: func(string, int64) { cancel() }})
	if !errors.Is(err, context.Canceled) || time.Since(started) > 20*time.Second {
		t.Errorf("after %v: %v", time.Since(started), err)
	}
}

// failing is a destination that refuses rows: a full disk.
type failing struct{ engine.DB }

func (failing) CopyIn(context.Context, schema.Name, []string, func() (engine.Row, error)) (int64, error) {
	return 0, errors.New("the disk is full")
}

func TestAnErrorNamesTheTableAndNoValue(t *testing.T) {
	source := makeDatabase(t, shopSchema)
	fillShop(t, source, 2000)
	src, sch := openSource(t, source)
	plan, err := NewPlan(mustPolicy(t, shopPolicy), sch, Rehearsal, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Copy(context.Background(), src, failing{src}, sch, plan, testKey(t), CopyOptions{})
	if err == nil || !strings.Contains(err.Error(), ": the disk is full") || strings.Contains(err.Error(), "@") {
		t.Errorf("got %v", err)
	}
}

// Values of less than 64 bits and richer ones have a bound each; what is remembered is found, and what is found was remembered.
func TestTheLeakSetForgetsEvenlyWhenItIsFull(t *testing.T) {
	for _, test := range []struct {
		form  string
		count int
	}{{"n-%d-value", 40000}, {"value number %07d", 40000}} {
		s := newLeakSet(1000)
		id := s.column(place{schema.Name{Name: "t"}, "c"}, &ColumnPlan{Mask: "text"})
		col := &outColumn{plan: &ColumnPlan{Mask: "text"}, id: id, masker: testColumn(t, "text", faithful)}
		l := s.lane()
		for i := range test.count {
			v := fmt.Sprintf(test.form, i)
			l.add(col, engine.Cell{Type: engine.CellText, Data: []byte(v)}, []byte("masked"))
		}
		l.flush()
		s.seal()
		if s.share() == 1 || s.share() < 1.0/256 || len(s.table) > 2048 {
			t.Errorf("share %v of %d values in %d slots", s.share(), test.count, len(s.table))
		}
		found := int64(0)
		for i := range test.count {
			if _, ok := s.find(fmt.Appendf(nil, test.form, i)); ok {
				found++
			}
		}
		if want := s.columns[id].unique + int64(s.rich.used); found != want || found < 200 {
			t.Errorf("%s: %d found, %d remembered", test.form, found, want)
		}
		for i := range test.count {
			if _, ok := s.find(fmt.Appendf(nil, "other "+test.form, i)); ok {
				t.Fatalf("found what nobody has")
			}
		}
	}
}

// BenchmarkCopy compares a masked copy with a plain one of the same 200,000 rows.
func BenchmarkCopy(b *testing.B) {
	source := makeDatabase(b, shopSchema)
	fillShop(b, source, 66667)
	src, sch := openSource(b, source)
	ctx := context.Background()
	scratch := func() engine.DB {
		target, err := sqlite.New().CreateScratch(ctx, engine.Target{}, b.TempDir())
		if err != nil {
			b.Fatal(err)
		}
		before, _, err := sqlite.New().DDL(sch)
		if err != nil {
			b.Fatal(err)
		}
		db := openDatabase(b, target, engine.Scratch)
		if err := run(ctx, db, before); err != nil {
			b.Fatal(err)
		}
		return db
	}
	b.Run("plain", func(b *testing.B) {
		for b.Loop() {
			dst := scratch()
			for _, t := range sch.Tables {
				var columns []string
				for _, c := range t.Columns {
					if c.Generated == "" {
						columns = append(columns, c.Name)
					}
				}
				p := newPipe()
				go func() {
					p.finish(src.CopyOut(ctx, engine.Read{Table: t.Name, Columns: columns}, func(row engine.Row) error {
						for _, c := range row {
							at := len(p.batch.data)
							p.batch.data = append(p.batch.data, c.Data...)
							p.batch.cells = append(p.batch.cells, engine.Cell{Type: c.Type, Data: p.batch.data[at:]})
						}
						p.batch.ends = append(p.batch.ends, len(row))
						if len(p.batch.ends) == batchRows {
							return p.send(ctx)
						}
						return nil
					}))
				}()
				if _, err := dst.CopyIn(ctx, t.Name, columns, p.next); err != nil && err != io.EOF {
					b.Fatal(err)
				}
			}
			dst.Close()
		}
	})
	for _, use := range []struct {
		name string
		use  Use
	}{{"rehearsal", Rehearsal}, {"keepable", Keepable}} {
		b.Run(use.name, func(b *testing.B) {
			plan, err := NewPlan(mustPolicy(b, shopPolicy), sch, use.use, nil)
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				dst := scratch()
				if _, err := Copy(ctx, src, dst, sch, plan, testKey(b), CopyOptions{}); err != nil {
					b.Fatal(err)
				}
				dst.Close()
			}
		})
	}
}
