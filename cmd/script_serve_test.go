package cmd

import (
	"net/http"
	"net/http/httptest"
	"path"

	"github.com/rogpeppe/go-internal/testscript"
)

// serve DIR VARIABLE: a web server of the files of a directory, until the script ends; its URL is in the variable. JSON is for who has the
// token that $TOKEN is when it starts.
func serve(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: serve DIR VARIABLE")
	}
	bearer := "Bearer " + ts.Getenv("TOKEN")
	files := http.FileServer(http.Dir(ts.MkAbs(args[0])))
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if path.Ext(r.URL.Path) == ".json" && r.Header.Get("Authorization") != bearer {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		files.ServeHTTP(w, r)
	}))
	ts.Defer(s.Close)
	ts.Setenv(args[1], s.URL)
}
