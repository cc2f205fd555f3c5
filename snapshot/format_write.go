package snapshot

import (
	"archive/zip"
	"bufio"
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	"github.com/envdiff/envdiff/internal/atomicfile"
)

// The files of a snapshot; attachments stand beside them.
const (
	manifestFile = "manifest.json"
	factsFile    = "facts.jsonl"
	gapsFile     = "gaps.jsonl"
	coverageFile = "coverage.jsonl"
	zipSuffix    = ".zip"
)

// Write writes s to path: one zip when path ends in .zip, else a directory, 0600 and 0700. The same
// snapshot gives the same bytes. Whatever happens meanwhile, path is as it was or complete. What is at path
// already is replaced only if it is a snapshot.
func Write(path string, s *Snapshot) error {
	path = filepath.Clean(path)
	if err := atomicfile.Recover(path); err != nil {
		return err
	}
	if err := replaceable(path); err != nil {
		return err
	}
	if strings.HasSuffix(path, zipSuffix) {
		return atomicfile.Write(path, func(w io.Writer) error { return writeZip(w, s) })
	}
	return atomicfile.Dir(path, func(dir string) error { return writeFiles(s, dirSink{dir}) })
}

// writeZip writes s as a zip.
func writeZip(w io.Writer, s *Snapshot) error {
	b := bufio.NewWriterSize(w, 1<<20)
	z := zip.NewWriter(b)
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.BestSpeed) })
	if err := writeFiles(s, zipSink{z}); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	return b.Flush()
}

// replaceable reports why path must not be overwritten: something is there that no snapshot is.
func replaceable(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("writing snapshot %s: %w", path, err)
	}
	if IsSnapshot(path) && info.IsDir() != strings.HasSuffix(path, zipSuffix) {
		return nil
	}
	return fmt.Errorf("writing snapshot %s: something else is there already; choose another path or remove it", path)
}

// IsSnapshot reports whether a snapshot seems to be at path, whole or not.
func IsSnapshot(path string) bool {
	info, err := os.Lstat(path)
	if err != nil {
		return false
	}
	if info.IsDir() {
		m, err := os.Lstat(filepath.Join(path, manifestFile))
		return err == nil && m.Mode().IsRegular()
	}
	if !info.Mode().IsRegular() {
		return false
	}
	z, err := zip.OpenReader(path)
	if err != nil {
		return false
	}
	defer z.Close()
	return slices.ContainsFunc(z.File, func(f *zip.File) bool { return f.Name == manifestFile })
}

// sink receives the files of a snapshot one after the other.
type sink interface {
	create(name string, fill func(io.Writer) error) error
}

type dirSink struct{ dir string }

func (d dirSink) create(name string, fill func(io.Writer) error) error {
	path := filepath.Join(d.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return atomicfile.New(path, func(w io.Writer) error {
		b := bufio.NewWriterSize(w, 1<<20)
		if err := fill(b); err != nil {
			return err
		}
		return b.Flush()
	})
}

type zipSink struct{ z *zip.Writer }

func (z zipSink) create(name string, fill func(io.Writer) error) error {
	h := &zip.FileHeader{Name: name, Method: zip.Deflate}
	if strings.HasSuffix(name, ".zst") {
		h.Method = zip.Store
	}
	h.SetMode(0o600)
	w, err := z.z.CreateHeader(h)
	if err != nil {
		return err
	}
	return fill(w)
}

// writeFiles writes everything; the manifest comes last, because it holds the digests of the rest.
func writeFiles(s *Snapshot, to sink) error {
	m := s.Manifest
	m.Format, m.CapturedAt, m.Seal = Format, m.CapturedAt.UTC(), ""
	m.Files = map[string]File{}
	add := func(name string, fill func(io.Writer) error) error {
		if !validFile(name) {
			return fmt.Errorf("%q cannot be a file of a snapshot", name)
		}
		d := digester{hash: sha256.New()}
		err := to.create(name, func(w io.Writer) error {
			d.to = w
			return fill(&d)
		})
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		m.Files[name] = d.file()
		return nil
	}
	if err := add(factsFile, s.writeFacts); err != nil {
		return err
	}
	if err := add(gapsFile, s.writeGaps); err != nil {
		return err
	}
	if err := add(coverageFile, s.writeNotes); err != nil {
		return err
	}
	names := make([]string, 0, len(s.Attachments))
	for name := range s.Attachments {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		if _, taken := m.Files[name]; taken {
			return fmt.Errorf("%q cannot be an attachment", name)
		}
		err := add(name, func(w io.Writer) error {
			r, err := s.Attachments[name].Open()
			if err != nil {
				return err
			}
			defer r.Close()
			_, err = io.Copy(w, r)
			return err
		})
		if err != nil {
			return err
		}
	}
	text, err := sealed(m)
	if err != nil {
		return err
	}
	return to.create(manifestFile, func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	})
}

// sealed is the manifest's text with its own digest in it.
func sealed(m Manifest) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(m); err != nil {
		return nil, err
	}
	text := b.Bytes()
	i := bytes.LastIndex(text, []byte(sealEmpty))
	if i < 0 {
		return nil, errors.New("the manifest has no seal")
	}
	sum := sha256.Sum256(text)
	return slices.Concat(text[:i], []byte(sealStart+hex.EncodeToString(sum[:])+`"`), text[i+len(sealEmpty):]), nil
}

// The seal's member as the manifest spells it; it is the last member.
const (
	sealStart = `"seal": "`
	sealEmpty = sealStart + `"`
)

func (s *Snapshot) writeFacts(w io.Writer) error {
	var b []byte
	var lists listWriter
	members := memberCheck{scopes: s.Manifest.Scopes}
	last := ""
	for i := range s.Lines {
		l := &s.Lines[i]
		address := l.Address.String()
		if i > 0 && address <= last {
			return fmt.Errorf("address %q is not sorted after %q", address, last)
		}
		last = address
		if err := members.check(l); err != nil {
			return fmt.Errorf("address %q: %w", address, err)
		}
		b = append(appendLine(b[:0], l, &lists), '\n')
		if len(b) > maxLine {
			return fmt.Errorf("address %q has more values than a line can hold", address)
		}
		if _, err := w.Write(b); err != nil {
			return err
		}
	}
	return nil
}

// memberCheck sees to it that nothing is written that Read would refuse: every instance is one of the line's scope.
type memberCheck struct {
	scopes map[string]Scope
	scope  string
	last   *string
	length int
}

func (c *memberCheck) check(l *Line) error {
	if len(l.Values) == 0 {
		return errors.New("it has no value")
	}
	for _, h := range l.Values {
		if len(h.On) == 0 {
			return errors.New("a value is held by no instance")
		}
		if c.last == &h.On[0] && c.length == len(h.On) && c.scope == l.Address.Scope {
			continue // the same list as before
		}
		members := c.scopes[l.Address.Scope].Instances
		for _, name := range h.On {
			if _, ok := slices.BinarySearch(members, name); !ok {
				return fmt.Errorf("instance %q is not one of its scope", name)
			}
		}
		c.last, c.length, c.scope = &h.On[0], len(h.On), l.Address.Scope
	}
	return nil
}

// gapLine is a gap as gaps.jsonl has it.
type gapLine struct {
	Address  string   `json:"a"`
	Instance string   `json:"on,omitempty"`
	Reason   string   `json:"reason"`
	Hint     string   `json:"hint,omitempty"`
	Covers   []string `json:"covers,omitempty"`
}

func (s *Snapshot) writeGaps(w io.Writer) error {
	lines := make([]gapLine, len(s.Gaps))
	for i, g := range s.Gaps {
		lines[i] = gapLine{g.Address.String(), g.Instance, g.Reason, g.Hint, g.Covers}
	}
	return writeSorted(w, lines)
}

func (s *Snapshot) writeNotes(w io.Writer) error { return writeSorted(w, s.Notes) }

// writeSorted writes one JSON line per item, sorted by its text.
func writeSorted[T any](w io.Writer, items []T) error {
	lines := make([]string, len(items))
	for i, it := range items {
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		if err := e.Encode(it); err != nil {
			return err
		}
		lines[i] = b.String()
	}
	sort.Strings(lines)
	for _, l := range lines {
		if _, err := io.WriteString(w, l); err != nil {
			return err
		}
	}
	return nil
}

// validFile reports whether name can be a file of a snapshot on every system: relative, no
// dot elements, none of Windows' separators.
func validFile(name string) bool {
	return fs.ValidPath(name) && name != "." && name != manifestFile && len(name) <= 1024 &&
		!strings.ContainsAny(name, "\\\x00\n:") && !strings.Contains("/"+name, "/.")
}
