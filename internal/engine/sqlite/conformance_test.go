package sqlite

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/engine/enginetest"
)

func TestConformance(t *testing.T) {
	enginetest.Run(t, enginetest.Harness{
		Engine:         New(),
		StorageClasses: true,
		Foreign: func(t *testing.T) engine.Target {
			e := New()
			scratch, err := e.CreateScratch(t.Context(), engine.Target{}, t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(t.TempDir(), "shop.db")
			if err := os.Rename(scratch.Path, path); err != nil {
				t.Fatal(err)
			}
			return engine.Target{Engine: "sqlite", Path: path}
		},
		Codes: enginetest.Codes{
			NotNull: "SQLITE_CONSTRAINT_NOTNULL", Unique: "SQLITE_CONSTRAINT_UNIQUE", ForeignKey: "SQLITE_CONSTRAINT_FOREIGNKEY", Check: "SQLITE_CONSTRAINT_CHECK",
			NoSuchTable: "SQLITE_ERROR", Syntax: "SQLITE_ERROR",
		},
	})
}
