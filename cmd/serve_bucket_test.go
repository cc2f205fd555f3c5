package cmd

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
)

func TestServeShowsABucket(t *testing.T) {
	backend := s3mem.New()
	if err := backend.CreateBucket("ops"); err != nil {
		t.Fatal(err)
	}
	bucket := httptest.NewServer(gofakes3.New(backend).Server())
	t.Cleanup(bucket.Close)
	server, dir := servedFrom(t, "", "s3://ops/shop", map[string]string{"AWS_ENDPOINT_URL": bucket.URL, "AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "do-not-print-me"})
	for path, holds := range map[string]string{
		"/": "production@20",
		"/shop/compare?from=staging@latest&to=production@latest": "config-value",
		"/shop/history.atom": "http://www.w3.org/2005/Atom",
	} {
		request, err := http.NewRequest("GET", server.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if status, body, _ := get(t, request); status != 200 || !strings.Contains(body, holds) {
			t.Errorf("%s: %d %.300s", path, status, body)
		}
	}
	if files := tree(t, dir); strings.Contains(files, ".envdiff") {
		t.Errorf("a store beside the bucket: %s", files)
	}
	bucket.Close()
	request, err := http.NewRequest("GET", server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	if status, body, _ := get(t, request); status != 200 || !strings.Contains(body, "the store cannot be read") || strings.Contains(body, "127.0.0.1:") {
		t.Errorf("without its bucket: %d %.300s", status, body)
	}
}
