package transport

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

func TestLocalFilesAndCommands(t *testing.T) {
	l := &local{timeout: 300 * time.Millisecond}
	defer l.Close()
	ss, err := l.Fetch(context.Background(), []Want{
		{ID: "osrelease", Globs: []string{"/proc/sys/kernel/osrelease"}},
		{ID: "echo", Command: []string{"sh", "-c", "echo $LC_ALL; exit 3"}},
		{ID: "none", Command: []string{"envdiff-no-such-command"}},
		{ID: "hang", Command: []string{"sh", "-c", "sleep 60 & sleep 60"}},
		{ID: "flood", Command: []string{"sh", "-c", "while :; do echo xxxxxxxxxxxxxxxx; done"}, MaxBytes: 1000},
	})
	if err != nil {
		t.Fatal(err)
	}
	if s := ss["osrelease"]; len(s.Files) != 1 || len(s.Files[0].Body) == 0 || s.Files[0].Problem != OK {
		t.Errorf("a file of /proc, which has no size: %+v", s)
	}
	if s := ss["echo"]; string(s.Output) != "C\n" || s.Status != 3 || s.Problem != OK {
		t.Errorf("%+v", s)
	}
	if s := ss["none"]; s.Problem != NotFound {
		t.Errorf("%+v", s)
	}
	if s := ss["hang"]; s.Problem != Failed || !strings.Contains(s.Detail, "300ms") {
		t.Errorf("%+v", s)
	}
	if s := ss["flood"]; s.Problem != TooLarge {
		t.Errorf("%+v", s)
	}
}

func TestLocalCommandEndsWithTheContext(t *testing.T) {
	l := Local()
	defer l.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	began := time.Now()
	_, err := l.Fetch(ctx, []Want{{ID: "x", Command: []string{"sh", "-c", "sleep 60 & wait"}}})
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > 30*time.Second {
		t.Errorf("%v after %s", err, time.Since(began))
	}
}
