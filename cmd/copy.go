package cmd

import (
	"context"
	"errors"

	"github.com/envdiff/envdiff/cmd/config"
	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
	"github.com/envdiff/envdiff/migrations"
)

type schemaObligation = schema.Obligation
type copier struct{ schema *schema.Database }

func (s *session) newCopier(ctx context.Context, c *config.Config, env, db string, source engine.DB) (*copier, error) {
	return &copier{}, nil
}
func (c *copier) build(ctx context.Context, base engine.Target, dir string, demands []schemaObligation) (migrations.CopyResult, error) {
	return migrations.CopyResult{}, errors.New("later")
}
func scanCommand() command { return command{name: "scan"} }
