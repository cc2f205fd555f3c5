package snapshot

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
)

// attachments are the files that collectors store during one capture, in a private temporary directory.
type attachments struct {
	dir string

	mu     sync.Mutex
	n      int
	files  map[string]Attachment
	closed bool
}

func newAttachments(dir string) *attachments {
	return &attachments{dir: dir, files: map[string]Attachment{}}
}

// batch is what one collector stores on one instance: all of it or nothing.
type batch struct {
	a         *attachments
	abandoned bool
	names     []string
}

// create begins an attachment.
func (b *batch) create(name string) (AttachmentWriter, error) {
	if !validFile(name) {
		return nil, fmt.Errorf("%q cannot be the name of an attachment", name)
	}
	b.a.mu.Lock()
	defer b.a.mu.Unlock()
	if b.a.closed || b.abandoned {
		return nil, errOver
	}
	b.a.n++
	f, err := os.OpenFile(filepath.Join(b.a.dir, strconv.Itoa(b.a.n)), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	return &attachmentFile{b: b, name: name, f: f}, nil
}

// abandon forgets what the collector stored, because its facts are not kept
// either, and refuses what it goes on to store.
func (b *batch) abandon() {
	b.a.mu.Lock()
	defer b.a.mu.Unlock()
	b.abandoned = true
	for _, name := range b.names {
		delete(b.a.files, name)
	}
}

var errOver = errors.New("the capture is over")

// kept are the committed attachments by name.
func (a *attachments) kept() map[string]Attachment {
	a.mu.Lock()
	defer a.mu.Unlock()
	kept := make(map[string]Attachment, len(a.files))
	for name, f := range a.files {
		kept[name] = f
	}
	return kept
}

// close removes the directory. Collectors that were left behind can store nothing more.
func (a *attachments) close() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.closed = true
	return os.RemoveAll(a.dir)
}

// attachmentFile is an attachment that is being written.
type attachmentFile struct {
	b    *batch
	name string
	f    *os.File
	size int64
}

func (w *attachmentFile) Write(p []byte) (int, error) {
	n, err := w.f.Write(p)
	w.size += int64(n)
	return n, err
}

func (w *attachmentFile) Commit() error {
	if err := w.f.Close(); err != nil {
		return err
	}
	a := w.b.a
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed || w.b.abandoned {
		return errOver
	}
	if _, taken := a.files[w.name]; taken {
		return fmt.Errorf("there are two attachments called %q", w.name)
	}
	a.files[w.name] = fileAttachment{w.f.Name(), w.size}
	w.b.names = append(w.b.names, w.name)
	return nil
}

func (w *attachmentFile) Discard() {
	w.f.Close()
	os.Remove(w.f.Name())
}
