package cmd

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	"github.com/rogpeppe/go-internal/testscript"
)

// bucket NAME: an S3 server over HTTP with an empty bucket, until the script ends, and the variables that lead to it. bucket refuse makes it
// refuse every write from then on, bucket accept no more.
func bucket(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: bucket NAME|refuse|accept")
	}
	refuses, _ := ts.Value("bucket refuses").(*atomic.Bool)
	if refuses == nil {
		ts.Fatalf("no switch")
	}
	if args[0] == "refuse" || args[0] == "accept" {
		refuses.Store(args[0] == "refuse")
		return
	}
	backend := s3mem.New()
	ts.Check(backend.CreateBucket(args[0]))
	h := gofakes3.New(backend).Server()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if refuses.Load() && r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprint(w, "<Error><Code>AccessDenied</Code></Error>")
			return
		}
		h.ServeHTTP(w, r)
	}))
	ts.Defer(s.Close)
	ts.Setenv("AWS_ENDPOINT_URL", s.URL)
	ts.Setenv("AWS_ACCESS_KEY_ID", "key")
	ts.Setenv("AWS_SECRET_ACCESS_KEY", "do-not-print-me")
}

// notemp: no run has left a private directory behind.
func notemp(ts *testscript.TestScript, _ bool, _ []string) {
	left, err := filepath.Glob(filepath.Join(ts.Getenv("TMPDIR"), "envdiff-*"))
	ts.Check(err)
	for _, dir := range left {
		if out, _ := exec.Command("find", dir, "-type", "f", "-size", "+0").Output(); strings.TrimSpace(string(out)) != "" {
			ts.Fatalf("left behind: %s", out)
		}
	}
}
