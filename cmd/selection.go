package cmd

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/envdiff/envdiff/cmd/config"
)

// checkSelection refuses --only and --skip that leave nothing to look at: a
// misspelt scope must not pass for "no findings".
func (s *session) checkSelection(c *config.Config, environments ...string) error {
	if len(s.opt.only) == 0 && len(s.opt.skip) == 0 || len(environments) == 0 {
		return nil
	}
	scopes := map[string]bool{}
	for _, name := range environments {
		for role := range c.Environments[name].Hosts {
			scopes[role] = true
		}
		for db := range c.Environments[name].Databases {
			scopes[db] = true
		}
		for endpoint := range c.Environments[name].Endpoints {
			scopes[endpoint] = true
		}
		for scope := range c.Environments[name].Exec {
			scopes[scope] = true
		}
	}
	names := slices.Sorted(maps.Keys(scopes))
	if len(names) == 0 || slices.ContainsFunc(names, func(scope string) bool { return s.selection().MayTake(scope + ":*") }) {
		return nil
	}
	return hinted(fmt.Errorf("--only and --skip leave nothing of %s to look at", strings.Join(environments, ", ")),
		"addresses begin with a role, database or endpoint, here %s: --only '%s:*'", strings.Join(names, ", "), names[0])
}
