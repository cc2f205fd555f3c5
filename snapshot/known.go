package snapshot

import (
	"slices"
	"sync"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
)

// KnownTables remembers the tables under exact as a capture read them, so that a second look at their rows asks no catalogue again: that of thousands of
// tables takes longer than the rows.
type KnownTables struct {
	mu  sync.Mutex
	got map[[2]string]*schema.Database // by scope and instance
}

// remember keeps the tables whose rows may be looked at again.
func (k *KnownTables) remember(t DatabaseTarget, db *schema.Database) {
	if k == nil || db == nil || len(t.Spec.Exact) == 0 {
		return
	}
	only := &schema.Database{Engine: db.Engine, Version: db.Version}
	for i := range db.Tables {
		if slices.Contains(t.Spec.Exact, Ident(db.Tables[i].Name.Idents()...)) {
			only.Tables = append(only.Tables, db.Tables[i])
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.got == nil {
		k.got = map[[2]string]*schema.Database{}
	}
	k.got[[2]string{t.Scope, t.Instance}] = only
}

// Of is a database whose schema, where it is known, is that of the capture with the tables under exact alone.
func (k *KnownTables) Of(t DatabaseTarget, db engine.DB) engine.DB {
	k.mu.Lock()
	defer k.mu.Unlock()
	if known := k.got[[2]string{t.Scope, t.Instance}]; known != nil {
		return &sharedSchema{DB: db, got: known}
	}
	return db
}
