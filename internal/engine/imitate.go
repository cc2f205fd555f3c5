package engine

import (
	"context"
	"strings"

	"github.com/envdiff/envdiff/internal/schema"
)

// Imitator is an engine whose scratch sessions can behave as those on another server do.
type Imitator interface {
	// Imitate is t with the settings that a session on production begins with, as far as a session can have them: they hold for Session and for a
	// Library's connections. What the scratch server refuses stays its own. Settings of the role that looked at production are left out: migrations run as another.
	Imitate(t Target, production *schema.Database) Target
	// Differences are what a scratch server has otherwise than production and no session can change.
	Differences(ctx context.Context, scratch DB, production *schema.Database) ([]Difference, error)
}

// Difference is one of them.
type Difference struct {
	Text string
	// Decides says that what passes there proves nothing for production.
	Decides bool
}

// SettingDifferences compares some settings of two servers. Those that decide are in front of "|" in names, which are divided by spaces.
func SettingDifferences(scratch, production *schema.Database, names string) []Difference {
	value := func(db *schema.Database, name string) (string, bool) {
		for _, s := range db.Settings {
			if s.Name == name {
				return s.Value, true
			}
		}
		return "", false
	}
	var out []Difference
	decides := true
	for _, name := range strings.Fields(names) {
		if name == "|" {
			decides = false
			continue
		}
		there, ok := value(production, name)
		if here, has := value(scratch, name); ok && has && here != there {
			out = append(out, Difference{name + " is " + here + ", and " + there + " in production", decides})
		}
	}
	return out
}
