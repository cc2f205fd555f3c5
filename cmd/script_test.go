package cmd

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/envdiff/envdiff/ci"
	"github.com/envdiff/envdiff/internal/world"
	"github.com/envdiff/envdiff/testdata/worlds"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"envdiff": func() { os.Exit(Main()) }, "apply-sql": applySQL})
}

// TestScripts runs the stories of testdata/script: each is one user's run of the real program.
func TestScripts(t *testing.T) {
	t.Cleanup(func() {
		if dir, _ := builtShop(); dir != "" {
			os.RemoveAll(dir)
		}
	})
	testscript.Run(t, testscript.Params{
		Dir:                 "../testdata/script",
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("ENVDIFF_CONFIG", "")
			e.Setenv("NO_COLOR", "")
			e.Values["bucket refuses"] = new(atomic.Bool)
			e.Setenv("SOON", time.Now().AddDate(0, 2, 0).Format(time.DateOnly))
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"githubaction": githubAction, "gitlabjob": gitlabJob, "jenkinsfile": jenkinsfile, "cisnippet": ciSnippet, "nightly": nightly, "damage": damage,
			"exits": exits, "shop": shop, "validate": validate, "edit": edit, "same": same, "sql": runSQL, "answers": answers, "alike": alike,
			"serve": serve, "bucket": bucket, "notemp": notemp,
		},
	})
}

// exits N COMMAND…: the exact exit status; output is kept for stdout, stderr and cmp.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits STATUS COMMAND [ARGS]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		got = exit.ExitCode()
	case err != nil:
		ts.Fatalf("%v", err)
	}
	if got != want {
		ts.Fatalf("exit status %d, want %d", got, want)
	}
}

// builtShop is the web shop, built once for all scripts: its 200,000 rows take their time under the race detector.
var builtShop = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "envdiff-shop-")
	if err != nil {
		return "", err
	}
	src, err := fs.Sub(worlds.FS, "shop")
	if err != nil {
		return "", err
	}
	return dir, world.Build(context.Background(), src, dir)
})

// shop DIR copies the demo's web shop.
func shop(ts *testscript.TestScript, _ bool, args []string) {
	dir, err := builtShop()
	ts.Check(err)
	ts.Check(exec.Command("cp", "-a", dir+"/.", ts.MkAbs(args[0])).Run())
}

// validate FILE: the report matches its schema.
func validate(ts *testscript.TestScript, _ bool, args []string) {
	schema, err := jsonschema.UnmarshalJSON(bytes.NewReader(ci.ReportSchema))
	ts.Check(err)
	c := jsonschema.NewCompiler()
	ts.Check(c.AddResource("report.json", schema))
	compiled, err := c.Compile("report.json")
	ts.Check(err)
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(ts.ReadFile(args[0])))
	ts.Check(err)
	ts.Check(compiled.Validate(doc))
}

// edit FILE OLD NEW replaces text that must be there.
func edit(ts *testscript.TestScript, _ bool, args []string) {
	text := ts.ReadFile(args[0])
	if !strings.Contains(text, args[1]) {
		ts.Fatalf("%s does not hold %q", args[0], args[1])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.ReplaceAll(text, args[1], args[2])), 0o644))
}
