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

// create begins an attachment.
func (a *attachments) create(name string) (AttachmentWriter, error) {
	if !validFile(name) {
		return nil, fmt.Errorf("%q cannot be the name of an attachment", name)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return nil, errors.New("the capture is over")
	}
	a.n++
	f, err := os.OpenFile(filepath.Join(a.dir, strconv.Itoa(a.n)), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	return &attachmentFile{a: a, name: name, f: f}, nil
}

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
	a    *attachments
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
	w.a.mu.Lock()
	defer w.a.mu.Unlock()
	if w.a.closed {
		return errors.New("the capture is over")
	}
	if _, taken := w.a.files[w.name]; taken {
		return fmt.Errorf("there are two attachments called %q", w.name)
	}
	w.a.files[w.name] = fileAttachment{w.f.Name(), w.size}
	return nil
}

func (w *attachmentFile) Discard() {
	w.f.Close()
	os.Remove(w.f.Name())
}
