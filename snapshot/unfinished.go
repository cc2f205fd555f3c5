package snapshot

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/envdiff/envdiff/internal/atomicfile"
)

// Unfinished keeps what a capture has finished with of long work, a file per table's row digests, until the run that it belongs to has ended: a run that takes over from one
// that was killed does not read those tables again. A nil one keeps nothing.
type Unfinished struct {
	Store       string // a directory; where it is not there, nothing is kept
	Environment string
	Resume      bool             // take what is there
	Now         func() time.Time // for how old something is
}

// maxUnfinished is how old what is taken over may be: later, the tables have moved on too far.
const maxUnfinished = 24 * time.Hour

// kept is the first line of a file. What it holds follows.
type kept struct {
	Format string            `json:"format"`
	At     time.Time         `json:"at"` // when its capture began to read it
	About  map[string]string `json:"about"`
}

const keptFormat = "envdiff.unfinished/1"

func (u *Unfinished) dir() string { return filepath.Join(u.Store, UnfinishedDir, u.Environment) }

// place is the file of a piece of work. Whatever decides what it would come to is part of its name: of another key, or another shape of the table, nothing is found.
func (u *Unfinished) place(work ...string) string {
	text, _ := json.Marshal(work)
	sum := sha256.Sum256(text)
	return filepath.Join(u.dir(), hex.EncodeToString(sum[:16]))
}

// Keep stores a piece of work.
func (u *Unfinished) Keep(at time.Time, about map[string]string, fill func(io.Writer) error, work ...string) error {
	if u == nil {
		return nil
	}
	if _, err := os.Stat(u.Store); err != nil {
		return err
	}
	if err := os.MkdirAll(u.dir(), 0o700); err != nil {
		return err
	}
	return atomicfile.WriteMode(u.place(work...), 0o600, func(w io.Writer) error {
		line, err := json.Marshal(kept{keptFormat, at.UTC(), about})
		if err == nil {
			_, err = w.Write(append(line, '\n'))
		}
		if err != nil {
			return err
		}
		return fill(w)
	})
}

// Take hands over what an interrupted run kept of a piece of work, and says when that was and what Keep was told about it, which is nil where there is none.
func (u *Unfinished) Take(to io.Writer, work ...string) (at time.Time, about map[string]string, err error) {
	if u == nil || !u.Resume {
		return at, nil, nil
	}
	f, err := os.Open(u.place(work...))
	if errors.Is(err, os.ErrNotExist) {
		return at, nil, nil
	}
	if err != nil {
		return at, nil, err
	}
	defer f.Close()
	r := bufio.NewReaderSize(f, 64<<10)
	line, err := r.ReadSlice('\n')
	var head kept
	if err != nil || json.Unmarshal(line, &head) != nil || head.Format != keptFormat || u.Now().Sub(head.At) > maxUnfinished {
		return at, nil, nil
	}
	_, err = io.Copy(to, r)
	return head.At, head.About, err
}

// Forget removes all that is kept: the run has ended, or a new one begins.
func (u *Unfinished) Forget() error {
	if u == nil {
		return nil
	}
	if err := os.RemoveAll(u.dir()); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// UnfinishedDir is the directory of unfinished work within a store that is a directory. No environment is called so.
const UnfinishedDir = ".unfinished"
