package migrations

import (
	"context"
	"io"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
)

// A command is one step: the tool decides what is pending, by the version table that the copy has from production. What it demands of rows is
// told by the schema before and after it on an empty clone; what it reads and writes is not known, so production's answers to that hold only if
// the command changes nothing about them.

// commandVersion stands for the version of what a command runs, whose own versions are the tool's to know.
const commandVersion = "command"

// prepareCommand takes the command for the one pending step; a tool whose files are known tells whether it has anything to do.
func (r *rehearsal) prepareCommand(ctx context.Context) (bool, error) {
	var err error
	if r.in.Schema == nil {
		if r.in.Schema, err = r.in.Production.Schema(ctx); err != nil {
			return false, err
		}
	}
	r.redact = newRedactor(r.in.Schema)
	r.src = &Source{Spec: r.in.Spec}
	step := Migration{Version: commandVersion, key: commandVersion}
	r.out.Pending.Migrations, r.out.Pending.Replayable = []Migration{step}, true
	if r.in.Spec.Dir != "" && r.in.Spec.Tool != "" {
		known, err := r.pendingFiles(ctx)
		if err != nil || len(known) == 0 {
			return false, err
		}
		r.out.Database.Pending = known
	} else {
		r.out.Database.Pending = []string{commandVersion}
	}
	r.plan = &plan{migrations: []planned{{Migration: step, statements: []plannedStatement{{Statement: engine.Statement{Text: r.in.Spec.Command, Line: 1}}}}}}
	return true, nil
}

// pendingFiles are the versions that the tool's files have beyond the version table, which the report names; findings about them are reported.
func (r *rehearsal) pendingFiles(ctx context.Context) ([]string, error) {
	src, err := ReadSource(r.in.Spec)
	if err != nil {
		return nil, err
	}
	applied, err := ReadApplied(ctx, r.versions(), r.in.Schema, r.in.Spec)
	if err != nil {
		return nil, err
	}
	p := PendingOf(r.in.Scope, r.in.Environment, r.in.Environments, src, applied)
	r.out.Pending.Applied, r.out.Pending.Findings = p.Applied, p.Findings
	r.out.Findings = append(r.out.Findings, p.Findings...)
	r.out.Database.AppliedVersion = p.Applied.Version
	return p.Versions(), nil
}

// aim lets the command run against a database.
func (r *rehearsal) aim(t engine.Target) {
	if r.in.Spec.Command == "" {
		return
	}
	for i := range r.plan.migrations {
		r.plan.migrations[i].run = func(ctx context.Context) error { return r.in.Run(ctx, t) }
	}
}

// readyForCommand gives the empty clone production's version tables, by which the tool knows what is pending.
func (r *rehearsal) readyForCommand(ctx context.Context, c scratch) error {
	if r.in.Spec.Command == "" {
		return nil
	}
	r.aim(c.Target)
	db, err := r.in.Engine.Open(ctx, c.Target, engine.Scratch)
	if err != nil {
		return err
	}
	defer db.Close()
	for i := range r.in.Schema.Tables {
		if t := &r.in.Schema.Tables[i]; isVersionTable(t) {
			if err := r.copyVersions(ctx, db, t); err != nil {
				return err
			}
		}
	}
	return nil
}

// isVersionTable recognises the tables of all known tools.
func isVersionTable(t *schema.Table) bool {
	return recognise(&schema.Database{Tables: []schema.Table{*t}}, nil, "") != "" || t.Name.Name == defaultTable && hasColumns(t, "version")
}

func (r *rehearsal) copyVersions(ctx context.Context, to engine.DB, t *schema.Table) error {
	var columns []string
	for _, c := range t.Columns {
		if c.Generated == "" {
			columns = append(columns, c.Name)
		}
	}
	var rows []engine.Row
	err := r.in.Production.CopyOut(ctx, engine.Read{Table: t.Name, Columns: columns}, func(row engine.Row) error {
		kept := make(engine.Row, len(row))
		for i, c := range row {
			kept[i] = engine.Cell{Type: c.Type, Data: append([]byte(nil), c.Data...)}
		}
		rows = append(rows, kept)
		return nil
	})
	if err != nil {
		return err
	}
	_, err = to.CopyIn(ctx, t.Name, columns, func() (engine.Row, error) {
		if len(rows) == 0 {
			return nil, io.EOF
		}
		row := rows[0]
		rows = rows[1:]
		return row, nil
	})
	return err
}

// CommandError is a command that failed. What it printed may hold rows and is not kept.
type CommandError struct {
	Status int
	Why    string // "" is the exit status alone
}

func (e *CommandError) Error() string {
	if e.Why != "" {
		return e.Why
	}
	return "the command ended with exit status " + grouped(int64(e.Status))
}
