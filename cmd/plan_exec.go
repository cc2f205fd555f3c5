package cmd

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/envdiff/envdiff/cmd/config"
	"github.com/envdiff/envdiff/internal/transport"
	"github.com/envdiff/envdiff/snapshot"
)

// execType is the type of what programs print, and of scopes that have nothing but a program.
const execType = "exec"

// programs lists the programs of an environment that run here.
func (s *session) programs(c *config.Config, name string) []snapshot.DumpTarget {
	env := c.Environments[name]
	var targets []snapshot.DumpTarget
	for _, scope := range slices.Sorted(maps.Keys(env.Exec)) {
		p := env.Exec[scope]
		p.Command = slices.Clone(p.Command)
		if strings.Contains(p.Command[0], "/") {
			p.Command[0] = c.Path(p.Command[0])
		}
		want := programWant(name, scope, p)
		targets = append(targets, snapshot.DumpTarget{Type: execType, Scope: scope, Instance: "local", Spec: programSpec(p),
			Fetch: func(ctx context.Context) (snapshot.Dump, error) {
				here := transport.Local()
				defer here.Close()
				got, err := here.Fetch(ctx, []transport.Want{want})
				if err != nil {
					return snapshot.Dump{}, fmt.Errorf("the program %s: %w", p.Title(), err)
				}
				return programOutput(p, got[want.ID])
			}})
	}
	return targets
}

// programsOn lists the programs of a role that each of its hosts runs.
func programsOn(c *config.Config, name, role string) []snapshot.HostDump {
	var dumps []snapshot.HostDump
	for _, p := range c.Roles[role].Exec {
		dumps = append(dumps, snapshot.HostDump{Type: execType, Scope: role, Spec: programSpec(p), Want: programWant(name, role, p),
			Read: func(got transport.Section) (snapshot.Dump, error) { return programOutput(p, got) }})
	}
	return dumps
}

func programSpec(p config.Program) snapshot.DumpSpec {
	return snapshot.DumpSpec{Name: p.Title(), Facts: p.Facts}
}

// programWant runs a program through env, which tells it what it speaks of.
func programWant(env, scope string, p config.Program) transport.Want {
	return transport.Want{ID: "program", Doc: "the program " + p.Title(), MaxBytes: snapshot.MaxProgramOutput,
		Command: append([]string{"env", "ENVDIFF_SCOPE=" + scope, "ENVDIFF_ENVIRONMENT=" + env}, p.Command...)}
}

// The exit statuses with which env says that it could not run the program.
const (
	statusNotExecutable = 126
	statusNoProgram     = 127
)

func programOutput(p config.Program, got transport.Section) (snapshot.Dump, error) {
	err := sectionError(got)
	switch {
	case err != nil:
	case got.Status == statusNoProgram:
		err = errors.New("there is no such program")
	case got.Status == statusNotExecutable:
		err = errors.New("it may not be executed")
	case got.Status != 0:
		err = fmt.Errorf("it failed with exit status %d, and its output was not used", got.Status)
	}
	if err != nil {
		return snapshot.Dump{}, fmt.Errorf("the program %s: %w", p.Title(), err)
	}
	return snapshot.Dump{Text: got.Output}, nil
}
