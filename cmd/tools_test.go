package cmd

import (
	"slices"
	"testing"

	"github.com/envdiff/envdiff/cmd/config"
	"github.com/envdiff/envdiff/migrations"
)

func TestConfigurationKnowsTheMigrationTools(t *testing.T) {
	if want := migrations.ToolNames(); !slices.Equal(config.MigrationTools, want) {
		t.Errorf("config.MigrationTools are %q, the tools are %q", config.MigrationTools, want)
	}
}
