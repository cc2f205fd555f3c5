package enginetest

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/envdiff/envdiff/internal/engine"
)

// scratch checks the databases that envdiff makes for itself.
func (h Harness) scratch(t *testing.T) {
	t.Run("a clone is independent", h.cloneIsIndependent)
	t.Run("only what envdiff made is dropped", h.dropRefuses)
	t.Run("what is dropped is gone", h.dropped)
	t.Run("what a run that is gone left is swept", h.swept)
	t.Run("what is kept is found again and cloned", h.kept)
	t.Run("other programs' code is let into scratch databases only", h.libraries)
	t.Run("targets print without their secrets", h.safeDisplay)
}

func (h Harness) cloneIsIndependent(t *testing.T) {
	original := h.with(t, selectionRows)
	clone := h.clone(t, original)
	h.apply(t, original, "DELETE FROM s; CREATE TABLE only_original (a INTEGER)")
	h.apply(t, clone, "UPDATE s SET name = 'changed'")
	if got := h.value(t, h.open(t, clone, engine.ReadOnly), "SELECT count(*) FROM s WHERE name = 'changed'"); got != "5" {
		t.Errorf("the clone has %s rows, want 5", got)
	}
	if got := h.value(t, h.open(t, original, engine.ReadOnly), "SELECT count(*) FROM s"); got != "0" {
		t.Errorf("the original has %s rows, want 0", got)
	}
	if n := len(h.capture(t, clone).Tables); n != 1 {
		t.Errorf("the clone has %d tables, want 1", n)
	}
}

func (h Harness) clone(t *testing.T, target engine.Target) engine.Target {
	t.Helper()
	db := h.open(t, target, engine.Scratch)
	defer db.Close()
	clone, err := db.Clone(h.context(t), h.Base, t.TempDir())
	if err != nil {
		t.Fatalf("clone: %v", err)
	}
	t.Cleanup(func() { h.drop(t, clone) })
	return clone
}

func (h Harness) dropRefuses(t *testing.T) {
	foreign := h.Foreign(t)
	if err := h.Engine.DropScratch(h.context(t), foreign); err == nil {
		t.Fatal("a database that envdiff did not make was dropped")
	}
	if _, err := h.open(t, foreign, engine.ReadOnly).Identity(h.context(t)); err != nil {
		t.Errorf("the foreign database is gone: %v", err)
	}
}

func (h Harness) libraries(t *testing.T) {
	lib, ok := h.Engine.(engine.Library)
	if !ok {
		t.Fatal("the engine lets no library in")
	}
	if db, err := lib.SQL(h.Foreign(t)); err == nil {
		db.Close()
		t.Error("a library was let into a database that envdiff did not make")
	}
	at := h.empty(t)
	db, err := lib.SQL(at)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(h.context(t), "CREATE TABLE theirs (a INTEGER); CREATE TABLE too (a INTEGER)"); err != nil {
		t.Fatalf("a whole file: %v", err)
	}
	if n := len(h.capture(t, at).Tables); n != 2 {
		t.Errorf("the library made %d tables, want 2", n)
	}
	_, err = db.ExecContext(h.context(t), "SELECT 'planted' FROM nowhere")
	var refusal *engine.Error
	if said := lib.Refused(at, err); said == nil || strings.Contains(said.Error(), "planted") || h.Engine.Name() != "sqlite" && (!errors.As(said, &refusal) || refusal.Code != h.Codes.NoSuchTable) {
		t.Errorf("the refusal is %v", said)
	}
}

func (h Harness) dropped(t *testing.T) {
	target, err := h.Engine.CreateScratch(h.context(t), h.Base, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	h.drop(t, target)
	if db, err := h.Engine.Open(h.context(t), target, engine.ReadOnly); err == nil {
		db.Close()
		t.Error("a dropped database can be opened")
	}
	if err := h.Engine.DropScratch(h.context(t), target); err != nil {
		t.Errorf("dropping it twice: %v", err)
	}
}

// swept: an engine in files has no server where anything could stay.
func (h Harness) swept(t *testing.T) {
	tenant, ok := h.Engine.(engine.Tenant)
	if !ok {
		if h.Base.DSN != "" {
			t.Fatal("scratch databases stand on a server, and nobody can tell whose they are")
		}
		return
	}
	ctx := h.context(t)
	place, err := tenant.Occupy(ctx, h.Base, "the test of "+t.Name())
	if err != nil {
		t.Fatal(err)
	}
	defer place.Close()
	made, err := h.Engine.CreateScratch(ctx, place.Target(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	db := h.open(t, made, engine.Scratch)
	clone, err := db.Clone(ctx, place.Target(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	db.Close()
	nobodys := h.empty(t)
	if left, err := tenant.Sweep(ctx, h.Base); err != nil || len(left) > 0 {
		t.Fatalf("beside a living run: swept %v, %v", left, err)
	}
	place.Close()
	var swept []string
	for range 100 { // the server notices the end of a session in its own time
		left, err := tenant.Sweep(ctx, h.Base)
		if err != nil {
			t.Fatal(err)
		}
		if swept = append(swept, left...); len(swept) >= 2 {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	for _, gone := range []engine.Target{made, clone} {
		if db, err := h.Engine.Open(ctx, gone, engine.ReadOnly); err == nil {
			db.Close()
			t.Errorf("%s is still there; swept %v", gone, swept)
		}
	}
	h.open(t, nobodys, engine.ReadOnly)
}

// kept databases outlive the run that made them, and no sweep takes them.
func (h Harness) kept(t *testing.T) {
	keeper, ok := h.Engine.(engine.Keeper)
	if !ok {
		t.Fatal("the engine keeps no copies")
	}
	ctx, base, dir := h.context(t), h.Base, t.TempDir()
	tenant, hasServer := h.Engine.(engine.Tenant)
	var place engine.Place
	var err error
	if hasServer {
		if place, err = tenant.Occupy(ctx, base, "the test of "+t.Name()); err != nil {
			t.Fatal(err)
		}
		defer place.Close()
		base = place.Target()
	}
	made, err := h.Engine.CreateScratch(ctx, base, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	h.apply(t, made, selectionRows)
	want := engine.Kept{Key: "k" + t.Name(), MadeAt: time.Now().UTC().Truncate(time.Second), Until: time.Now().Add(time.Hour).UTC().Truncate(time.Second), Note: []byte(`{"a":"it's \\ \"so\""}`)}
	at, err := keeper.Keep(ctx, made, dir, want)
	if err != nil {
		t.Fatal(err)
	}
	defer h.drop(t, at)
	if hasServer {
		place.Close()
		time.Sleep(200 * time.Millisecond)
		if _, err := tenant.Sweep(ctx, h.Base); err != nil {
			t.Fatal(err)
		}
	}
	all, err := keeper.Kept(ctx, h.Base, dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range all {
		if k.Key != want.Key {
			continue
		}
		if !k.MadeAt.Equal(want.MadeAt) || !k.Until.Equal(want.Until) || string(k.Note) != string(want.Note) {
			t.Errorf("kept %+v, want %+v", k, want)
		}
		if got := h.value(t, h.open(t, h.clone(t, k.Target), engine.ReadOnly), "SELECT count(*) FROM s"); got != "5" {
			t.Errorf("the clone has %s rows, want 5", got)
		}
		return
	}
	t.Errorf("it is not among %v", all)
}

func (h Harness) safeDisplay(t *testing.T) {
	target := h.empty(t)
	if target.Engine != h.Engine.Name() || target.String() == "" {
		t.Errorf("target %v of engine %q", target, target.Engine)
	}
	if said := fmt.Sprintf("%v %+v %#v %s", target, target, target, target); target.DSN != "" && target.DSN != target.Path && strings.Contains(said, target.DSN) {
		t.Error("a target prints its DSN")
	}
}
