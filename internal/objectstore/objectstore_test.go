package objectstore_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"github.com/envdiff/envdiff/internal/objectstore"
)

// bucket is a bucket of a server over HTTP; before sees each request first and answers it by returning true.
func bucket(t *testing.T, before func(http.ResponseWriter, *http.Request) bool) (*objectstore.Bucket, *s3mem.Backend) {
	t.Helper()
	backend := s3mem.New()
	if err := backend.CreateBucket("ops"); err != nil {
		t.Fatal(err)
	}
	h := gofakes3.New(backend).Server()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if before == nil || !before(w, r) {
			h.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(server.Close)
	b, err := objectstore.Open(objectstore.Location{Bucket: "ops", Prefix: "envdiff/shop"}, objectstore.Access{Endpoint: server.URL, KeyID: "key", Secret: "secret"})
	if err != nil {
		t.Fatal(err)
	}
	return b, backend
}

func create(b *objectstore.Bucket, key string, body []byte) error {
	return b.Create(context.Background(), key, bytes.NewReader(body), int64(len(body)))
}

func read(t *testing.T, b *objectstore.Bucket, key string) (string, string) {
	t.Helper()
	body, version, err := b.Read(context.Background(), key, 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	return string(body), version
}

func names(t *testing.T, b *objectstore.Bucket, key string) string {
	t.Helper()
	var out []string
	if err := b.Files(context.Background(), key, func(f objectstore.File) { out = append(out, f.Name) }); err != nil {
		t.Fatal(err)
	}
	return strings.Join(out, " ")
}

func TestOfManyWritersOneCreatesAndTheOthersLearnIt(t *testing.T) {
	b, _ := bucket(t, nil)
	var made atomic.Int32
	var wg sync.WaitGroup
	for i := range 12 {
		wg.Go(func() {
			switch err := create(b, "production/a", []byte{byte('a' + i)}); {
			case err == nil:
				made.Add(1)
			case !errors.Is(err, objectstore.ErrTaken):
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if made.Load() != 1 {
		t.Errorf("%d writers created it", made.Load())
	}
}

func TestReplaceWantsTheVersionThatWasRead(t *testing.T) {
	ctx := context.Background()
	b, _ := bucket(t, nil)
	if _, _, err := b.Read(ctx, "log", 10); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("%v", err)
	}
	if err := b.Replace(ctx, "log", []byte("one"), ""); err != nil {
		t.Fatal(err)
	}
	if err := b.Replace(ctx, "log", []byte("other"), ""); !errors.Is(err, objectstore.ErrChanged) {
		t.Errorf("a second first one: %v", err)
	}
	_, version := read(t, b, "log")
	if err := b.Replace(ctx, "log", []byte("two"), version); err != nil {
		t.Fatal(err)
	}
	if err := b.Replace(ctx, "log", []byte("late"), version); !errors.Is(err, objectstore.ErrChanged) {
		t.Errorf("an old version: %v", err)
	}
	if text, _ := read(t, b, "log"); text != "two" {
		t.Errorf("%q", text)
	}
	if _, _, err := b.Read(ctx, "log", 2); err == nil {
		t.Error("more than the limit was read")
	}
}

func TestLargeFilesGoInPartsAndComeBackWhole(t *testing.T) {
	b, _ := bucket(t, nil)
	body := bytes.Repeat([]byte("0123456789abcdef"), 17<<20/16)
	if err := create(b, "production/large", body); err != nil {
		t.Fatal(err)
	}
	if text, _ := read(t, b, "production/large"); text != string(body) {
		t.Errorf("%d bytes came back of %d", len(text), len(body))
	}
	if err := create(b, "production/large", body); !errors.Is(err, objectstore.ErrTaken) {
		t.Errorf("a second one: %v", err)
	}
}

func TestAnUploadThatIsCutLeavesNothingUnderItsName(t *testing.T) {
	var parts, aborted atomic.Int32
	b, _ := bucket(t, func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodDelete && r.URL.Query().Get("uploadId") != "" {
			aborted.Add(1)
		}
		if r.URL.Query().Get("partNumber") != "2" {
			return false
		}
		parts.Add(1)
		panic(http.ErrAbortHandler) // the connection goes down in the middle of a part
	})
	if err := create(b, "production/large", make([]byte, 17<<20)); err == nil {
		t.Error("a cut upload ended well")
	}
	if got := names(t, b, "production"); got != "" || parts.Load() < 2 || aborted.Load() != 1 {
		t.Errorf("there is %q; the part was tried %d times, the upload forgotten %d times", got, parts.Load(), aborted.Load())
	}
}

func TestADownloadThatIsCutIsAnError(t *testing.T) {
	b, _ := bucket(t, func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodGet || !strings.HasSuffix(r.URL.Path, "/a") {
			return false
		}
		w.Header().Set("Content-Length", "100")
		w.Header().Set("ETag", `"x"`)
		w.Header().Set("Last-Modified", time.Unix(0, 0).UTC().Format(http.TimeFormat))
		w.Write(make([]byte, 40))
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	})
	var got bytes.Buffer
	if err := b.Download(context.Background(), "a", &got); err == nil || !strings.Contains(err.Error(), "cut after 40 of 100 bytes") {
		t.Errorf("%v", err)
	}
}

func TestAWriteWhoseAnswerIsLostIsNoOtherWriters(t *testing.T) {
	var backend http.Handler
	lost := map[string]bool{}
	b, s := bucket(t, func(w http.ResponseWriter, r *http.Request) bool {
		key := r.Method + r.URL.Query().Get("uploadId")
		if r.Method != http.MethodPut && r.URL.Query().Get("uploadId") == "" || r.URL.Query().Has("partNumber") || lost[key] {
			return false
		}
		lost[key] = true
		backend.ServeHTTP(httptest.NewRecorder(), r)
		panic(http.ErrAbortHandler)
	})
	backend = gofakes3.New(s).Server()
	if err := create(b, "small", []byte("x")); err != nil {
		t.Errorf("a write whose answer is lost: %v", err)
	}
	if len(lost) != 1 {
		t.Errorf("%v", lost)
	}
}

func TestNamesAreListedByDirectoryWithinThePrefix(t *testing.T) {
	ctx := context.Background()
	b, s := bucket(t, nil)
	s.PutObject("ops", "envdiff/shop2/x", nil, strings.NewReader("y"), 1, nil)
	for _, key := range []string{"production/b", "production/a", "production/a/deep", "staging/c", "history"} {
		if err := create(b, key, []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	dirs, err := b.Directories(ctx, "")
	if err != nil || strings.Join(dirs, " ") != "production staging" || names(t, b, "production") != "a b" || names(t, b, "") != "history" {
		t.Errorf("%v, %v, %q, %q", dirs, err, names(t, b, "production"), names(t, b, ""))
	}
	for range 2 {
		if err := b.Remove(ctx, "production/a"); err != nil {
			t.Fatal(err)
		}
	}
	if got := names(t, b, "production"); got != "b" {
		t.Errorf("%q", got)
	}
}

func TestTheCheckFindsAServerThatIgnoresConditions(t *testing.T) {
	ctx := context.Background()
	b, _ := bucket(t, nil)
	if err := b.Check(ctx); err != nil || names(t, b, "") != "" {
		t.Errorf("%v, %q", err, names(t, b, ""))
	}
	b, _ = bucket(t, func(_ http.ResponseWriter, r *http.Request) bool {
		r.Header.Del("If-None-Match")
		return false
	})
	if err := b.Check(ctx); err == nil || !strings.Contains(err.Error(), "ignores the condition") || names(t, b, "") != "" {
		t.Errorf("%v, %q", err, names(t, b, ""))
	}
}

func TestAProblemSaysWhatToDoAndNoSecret(t *testing.T) {
	ctx := context.Background()
	for code, want := range map[string]string{"AccessDenied": "s3:PutObject", "SignatureDoesNotMatch": "AWS_SECRET_ACCESS_KEY", "RequestTimeTooSkewed": "clock"} {
		b, _ := bucket(t, func(w http.ResponseWriter, r *http.Request) bool {
			w.WriteHeader(http.StatusForbidden)
			w.Write([]byte("<Error><Code>" + code + "</Code><Message>it was secret and AKIAEXAMPLE</Message></Error>"))
			return true
		})
		_, err := b.Directories(ctx, "")
		var p *objectstore.Problem
		if !errors.As(err, &p) || !strings.Contains(p.Hint, want) || strings.Contains(err.Error(), "AKIA") || !strings.Contains(err.Error(), "s3://ops/envdiff/shop") {
			t.Errorf("%s: %v", code, err)
		}
	}
	b, err := objectstore.Open(objectstore.Location{Bucket: "ops"}, objectstore.Access{Endpoint: "http://127.0.0.1:1", KeyID: "k", Secret: "s"})
	if err != nil {
		t.Fatal(err)
	}
	if err := create(b, "a", nil); err == nil || !strings.Contains(err.Error(), "refused") {
		t.Errorf("%v", err)
	}
}

func TestUploadsThatNobodyFinishedAreForgottenWhenTheyAreOld(t *testing.T) {
	ctx := context.Background()
	killed := true
	b, _ := bucket(t, func(w http.ResponseWriter, r *http.Request) bool {
		if killed && r.Method == http.MethodDelete {
			w.WriteHeader(http.StatusForbidden)
			return true
		}
		if r.URL.Query().Has("partNumber") {
			panic(http.ErrAbortHandler)
		}
		return false
	})
	if err := create(b, "production/large", make([]byte, 17<<20)); err == nil {
		t.Fatal("a cut upload ended well")
	}
	killed = false
	for _, c := range []struct {
		before time.Duration
		want   int
	}{{-24 * time.Hour, 0}, {time.Hour, 1}, {time.Hour, 0}} {
		if n, err := b.AbortUploads(ctx, time.Now().Add(c.before)); n != c.want || err != nil {
			t.Errorf("%d were forgotten, not %d: %v", n, c.want, err)
		}
	}
}

func TestParseURL(t *testing.T) {
	for text, want := range map[string]objectstore.Location{
		"s3://ops":                {Bucket: "ops"},
		"s3://ops/":               {Bucket: "ops"},
		"s3://ops.eu-1/envdiff/x": {Bucket: "ops.eu-1", Prefix: "envdiff/x"},
		"s3://ops/envdiff/":       {Bucket: "ops", Prefix: "envdiff"},
	} {
		if got, err := objectstore.ParseURL(text); err != nil || got != want {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "ops", "s3://", "s3://k:secret@ops/x", "s3://Ops", "s3://o", "s3://ops/a//b", "s3://ops/../x", "s3://ops/a?x=1", "https://ops/x"} {
		if got, err := objectstore.ParseURL(text); err == nil || strings.Contains(err.Error(), "secret@") {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
}

func FuzzParseURL(f *testing.F) {
	f.Add("s3://ops/envdiff")
	f.Fuzz(func(t *testing.T, text string) {
		at, err := objectstore.ParseURL(text)
		if err != nil {
			return
		}
		again, err := objectstore.ParseURL(at.String())
		if err != nil || again != at || strings.HasPrefix(at.Prefix, "/") || strings.Contains("/"+at.Prefix+"/", "/../") {
			t.Errorf("%q: %+v, %+v, %v", text, at, again, err)
		}
	})
}
