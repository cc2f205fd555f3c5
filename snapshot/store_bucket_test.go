package snapshot_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"github.com/envdiff/envdiff/internal/objectstore"
	"github.com/envdiff/envdiff/snapshot"
)

// cutter is an S3 server whose answers can be cut.
type cutter struct {
	http.Handler
	backend *s3mem.Backend
	cut     atomic.Bool // what is read of objects ends in the middle
	writes  atomic.Bool // what is written does not arrive
}

func (c *cutter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case c.writes.Load() && r.Method == http.MethodPut:
		io.CopyN(io.Discard, r.Body, 100)
		panic(http.ErrAbortHandler)
	case c.cut.Load() && r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, ".zip"):
		answer := httptest.NewRecorder()
		c.Handler.ServeHTTP(answer, r)
		for name, values := range answer.Header() {
			w.Header()[name] = values
		}
		w.Header().Set("Content-Length", fmt.Sprint(answer.Body.Len()))
		w.Write(answer.Body.Bytes()[:answer.Body.Len()/2])
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
	c.Handler.ServeHTTP(w, r)
}

func bucketStore(t *testing.T) (st *snapshot.Store, server *cutter, temp string) {
	t.Helper()
	backend := s3mem.New()
	if err := backend.CreateBucket("ops"); err != nil {
		t.Fatal(err)
	}
	server = &cutter{Handler: gofakes3.New(backend).Server(), backend: backend}
	listener := httptest.NewServer(server)
	t.Cleanup(listener.Close)
	b, err := objectstore.Open(objectstore.Location{Bucket: "ops", Prefix: "envdiff"}, objectstore.Access{Endpoint: listener.URL, KeyID: "k", Secret: "s"})
	if err != nil {
		t.Fatal(err)
	}
	temp = t.TempDir()
	return snapshot.BucketStore(b, temp), server, temp
}

func onEveryStore(t *testing.T, story func(*testing.T, *snapshot.Store)) {
	t.Run("directory", func(t *testing.T) { story(t, openStore(t)) })
	t.Run("bucket", func(t *testing.T) {
		st, _, _ := bucketStore(t)
		story(t, st)
	})
}

func TestASnapshotComesBackFromABucketAsFromADirectory(t *testing.T) {
	want := at(t, "production", "2026-11-01T02:00:00Z")
	onEveryStore(t, func(t *testing.T, st *snapshot.Store) {
		save(t, st, want)
		got, e, err := st.Open(context.Background(), snapshot.Ref{Environment: "production", Stored: true, Latest: true})
		if err != nil {
			t.Fatal(err)
		}
		defer got.Close()
		if diff := cmp.Diff(want.Lines, got.Lines, cmp.AllowUnexported(snapshot.Value{})); diff != "" || e.Name != "production/2026-11-01T02-00-00Z.snapshot" {
			t.Errorf("%s: %s", e.Name, diff)
		}
		for name, a := range want.Attachments {
			if content(t, got.Attachments[name]) != content(t, a) {
				t.Errorf("%s is another one", name)
			}
		}
	})
}

func content(t *testing.T, a snapshot.Attachment) string {
	t.Helper()
	r, err := a.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestACutTransferIsNeverASnapshot(t *testing.T) {
	ctx := context.Background()
	st, server, temp := bucketStore(t)
	server.writes.Store(true)
	if name, err := st.Save(ctx, at(t, "production", "2026-11-01T02:00:00Z")); err == nil {
		t.Errorf("%s was stored by a cut upload", name)
	}
	server.writes.Store(false)
	if entries, err := st.List(ctx, "production"); err != nil || len(entries) != 0 {
		t.Errorf("%v, %v", entries, err)
	}
	save(t, st, at(t, "production", "2026-11-02T02:00:00Z"))
	server.cut.Store(true)
	if _, _, err := st.Open(ctx, snapshot.Ref{Environment: "production", Stored: true, Latest: true}); err == nil || !strings.Contains(err.Error(), "cut after") {
		t.Errorf("%v", err)
	}
	if left, err := os.ReadDir(temp); err != nil || len(left) != 0 {
		t.Errorf("left in the temporary directory: %v, %v", left, err)
	}
}

func TestRetentionOfABucketKeepsTheLastGoodOneAndGivesUpWhenItCannotKnow(t *testing.T) {
	ctx := context.Background()
	st, server, _ := bucketStore(t)
	for _, day := range []string{"01", "02", "03"} {
		save(t, st, at(t, "production", "2026-11-"+day+"T02:00:00Z"))
	}
	broken := "envdiff/production/2026-11-03T02-00-00Z.snapshot.zip"
	if _, err := server.backend.PutObject("ops", broken, map[string]string{}, strings.NewReader("half"), 4, nil); err != nil {
		t.Fatal(err)
	}
	now := time.Date(2027, 11, 1, 0, 0, 0, 0, time.UTC)
	keep := snapshot.Retention{Age: time.Hour, Last: 1}
	gone, err := st.Expired(ctx, "production", keep, now)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range gone {
		names = append(names, filepath.Base(e.Name))
	}
	// the shop's snapshot has gaps, so that the newest readable one is not the last word: all are read, and one is kept
	if diff := cmp.Diff([]string{"2026-11-01T02-00-00Z.snapshot"}, names); diff != "" {
		t.Error(diff)
	}
	server.cut.Store(true)
	if gone, err := st.Expired(ctx, "production", keep, now); err == nil || len(gone) != 0 {
		t.Errorf("nothing can be read, and these go: %v, %v", gone, err)
	}
}

func TestNotesOfManyRunsAtTheSameTimeLoseNoLine(t *testing.T) {
	ctx := context.Background()
	onEveryStore(t, func(t *testing.T, st *snapshot.Store) {
		if _, err := st.ReadNote(ctx, "history.jsonl"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%v", err)
		}
		save(t, st, at(t, "production", "2026-11-01T02:00:00Z"))
		var wg sync.WaitGroup
		const n = 8
		for i := range n {
			wg.Go(func() {
				if err := st.AppendNote(ctx, "history.jsonl", fmt.Appendf(nil, "run %d\n", i)); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		text, err := st.ReadNote(ctx, "history.jsonl")
		if err != nil || bytes.Count(text, []byte("\n")) != n {
			t.Errorf("%q, %v", text, err)
		}
		for i := range n { // each of them adds a key to what the others have left
			wg.Go(func() {
				if err := st.ChangeNote(ctx, "pending.json", func(text []byte) ([]byte, error) {
					kept := map[string]int{}
					if len(text) > 0 {
						if err := json.Unmarshal(text, &kept); err != nil {
							return nil, err
						}
					}
					kept[fmt.Sprint("pair ", i)] = len(kept)
					return json.Marshal(kept)
				}); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		kept := map[string]int{}
		if text, err := st.ReadNote(ctx, "pending.json"); err != nil || json.Unmarshal(text, &kept) != nil || len(kept) != n {
			t.Errorf("%q, %v", text, err)
		}
		if err := st.ChangeNote(ctx, "pending.json", func([]byte) ([]byte, error) { return nil, nil }); err != nil {
			t.Error(err)
		}
		if again, err := st.ReadNote(ctx, "pending.json"); err != nil || len(again) == 0 {
			t.Errorf("left alone, the note is %q: %v", again, err)
		}
		for range 2 {
			if err := st.WriteNote(ctx, "last", []byte("report")); err != nil {
				t.Fatal(err)
			}
		}
		if envs, err := st.Environments(ctx); err != nil || len(envs) != 1 {
			t.Errorf("a note is an environment: %v, %v", envs, err)
		}
	})
}
