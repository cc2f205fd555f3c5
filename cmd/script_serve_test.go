package cmd

import (
	"net/http"
	"net/http/httptest"
	"path"

	"github.com/rogpeppe/go-internal/testscript"
)

// serve DIR VARIABLE: a web server of the files of a directory, until the script ends; its URL is in the variable.
func serve(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: serve DIR VARIABLE")
	}
	files := http.FileServer(http.Dir(ts.MkAbs(args[0])))
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if path.Ext(r.URL.Path) == ".json" && r.Header.Get("Authorization") != "Bearer "+ts.Getenv("TOKEN") {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		files.ServeHTTP(w, r)
	}))
	ts.Defer(s.Close)
	ts.Setenv(args[1], s.URL)
}
