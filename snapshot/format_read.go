package snapshot

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/envdiff/envdiff/internal/atomicfile"
)

// The limits of what Read accepts, far above what 10,000 hosts need. They keep a forged snapshot from filling memory.
const (
	maxManifest = 64 << 20
	maxLine     = 64 << 20
	maxFacts    = 4 << 30
	maxSide     = 256 << 20 // gaps.jsonl and coverage.jsonl
	maxFiles    = 100_000
)

// Read reads the snapshot at path, a directory or a zip. It verifies the size and digest of every file, and
// refuses what is truncated, altered, incomplete, of another major format, unsorted or not canonical. Attachments
// are verified and then opened on demand.
func Read(path string) (*Snapshot, error) {
	s, err := read(path)
	if err != nil {
		return nil, fmt.Errorf("snapshot %s: %w", path, err)
	}
	return s, nil
}

// ReadManifest reads only what describes the snapshot at path. The other files are not looked at.
func ReadManifest(path string) (*Manifest, error) {
	c, err := openContainer(path)
	if err != nil {
		return nil, fmt.Errorf("snapshot %s: %w", path, err)
	}
	defer c.Close()
	m, err := readManifest(c)
	if err != nil {
		return nil, fmt.Errorf("snapshot %s: %w", path, err)
	}
	return m, nil
}

func read(path string) (*Snapshot, error) {
	if err := atomicfile.Recover(path); err != nil {
		return nil, err
	}
	c, err := openContainer(path)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	m, err := readManifest(c)
	if err != nil {
		return nil, err
	}
	if err := sameFiles(c, m); err != nil {
		return nil, err
	}
	s := &Snapshot{Manifest: *m, Attachments: map[string]Attachment{}}
	for _, name := range slices.Sorted(maps.Keys(m.Files)) {
		var parse func(io.Reader) error
		limit := int64(maxSide)
		switch name {
		case factsFile:
			parse, limit = s.readFacts, maxFacts
		case gapsFile:
			parse = s.readGaps
		case coverageFile:
			parse = s.readNotes
		default:
			s.Attachments[name] = c.attachment(name, m.Files[name].Bytes)
			parse, limit = func(io.Reader) error { return nil }, 1<<50
		}
		if err := readFile(c, name, m.Files[name], limit, parse); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return s, nil
}

// sameFiles reports a file that only the manifest or only the container has.
func sameFiles(c container, m *Manifest) error {
	for _, name := range []string{factsFile, gapsFile, coverageFile} {
		if _, ok := m.Files[name]; !ok {
			return fmt.Errorf("%s is not in the manifest", name)
		}
	}
	there := c.files()
	for _, name := range slices.Sorted(maps.Keys(there)) {
		if _, ok := m.Files[name]; !ok && name != manifestFile {
			return fmt.Errorf("%q is not in the manifest: somebody added it", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(m.Files)) {
		size, ok := there[name]
		if !validFile(name) || !ok {
			return fmt.Errorf("%q is missing", name)
		}
		if want := m.Files[name].Bytes; size != want {
			return fmt.Errorf("%s has %d bytes, the manifest says %d: it is truncated or altered", name, size, want)
		}
	}
	return nil
}

func readManifest(c container) (*Manifest, error) {
	size, ok := c.files()[manifestFile]
	if !ok {
		return nil, fmt.Errorf("%s is missing: this is no snapshot", manifestFile)
	}
	if size > maxManifest {
		return nil, fmt.Errorf("%s is larger than %d bytes", manifestFile, maxManifest)
	}
	r, err := c.open(manifestFile)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", manifestFile, err)
	}
	defer r.Close()
	text, err := io.ReadAll(io.LimitReader(r, maxManifest+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", manifestFile, err)
	}
	m, err := parseManifest(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", manifestFile, err)
	}
	return m, nil
}

// parseManifest accepts members that it does not know, so that a later minor format stays readable.
func parseManifest(text []byte) (*Manifest, error) {
	var m Manifest
	d := json.NewDecoder(bytes.NewReader(text))
	if err := d.Decode(&m); err != nil {
		return nil, errors.New("it is not complete JSON: it is truncated or altered")
	}
	name, major, _ := strings.Cut(m.Format, "/")
	if wantName, wantMajor, _ := strings.Cut(Format, "/"); name != wantName {
		return nil, fmt.Errorf("format %q is not %s", m.Format, Format)
	} else if major != wantMajor {
		return nil, fmt.Errorf("format %q is not one that this envdiff reads (%s); use the version that wrote it", m.Format, Format)
	}
	i := bytes.LastIndex(text, []byte(sealStart+m.Seal+`"`))
	if len(m.Seal) != 2*sha256.Size || i < 0 {
		return nil, errors.New("its seal is missing: it is truncated or altered")
	}
	at := i + len(sealStart)
	d256 := digester{hash: sha256.New(), to: io.Discard}
	d256.Write(slices.Concat(text[:at], text[at+len(m.Seal):]))
	if d256.file().SHA256 != m.Seal {
		return nil, errors.New("its seal is not that of its content: it is altered")
	}
	for name, s := range m.Scopes {
		if !ValidScope(name) {
			return nil, fmt.Errorf("%q cannot be a scope", name)
		}
		if !slices.IsSorted(s.Instances) {
			return nil, fmt.Errorf("the instances of scope %s are not sorted", name)
		}
	}
	if len(m.Files) > maxFiles {
		return nil, fmt.Errorf("it names more than %d files", maxFiles)
	}
	return &m, nil
}

// readFile passes a file through its digest into parse, and reads on to the end whatever parse leaves.
func readFile(c container, name string, want File, limit int64, parse func(io.Reader) error) error {
	if want.Bytes < 0 || want.Bytes > limit {
		return fmt.Errorf("%d bytes are more than a snapshot can have here", want.Bytes)
	}
	r, err := c.open(name)
	if err != nil {
		return err
	}
	defer r.Close()
	d := digester{hash: sha256.New(), from: io.LimitReader(r, want.Bytes+1)}
	parseErr := parse(&d)
	if _, err := io.Copy(io.Discard, &d); err != nil {
		return fmt.Errorf("reading: %w", err)
	}
	if d.file() != want {
		return errors.New("its digest is not the manifest's: it is truncated or altered")
	}
	return parseErr
}

// eachLine calls fn for every line without its newline; the last one must have its newline. fn must not keep the line.
func eachLine(r io.Reader, fn func(line []byte) error) error {
	b := bufio.NewReaderSize(r, 1<<20)
	var long []byte
	for n := 1; ; n++ {
		long = long[:0]
		part, err := b.ReadSlice('\n')
		for err == bufio.ErrBufferFull {
			if long = append(long, part...); len(long) > maxLine {
				return fmt.Errorf("line %d is longer than %d bytes", n, maxLine)
			}
			part, err = b.ReadSlice('\n')
		}
		if len(long) > 0 {
			long = append(long, part...)
			part = long
		}
		if err == io.EOF && len(part) == 0 {
			return nil
		}
		if err == io.EOF {
			return fmt.Errorf("line %d has no end", n)
		}
		if err != nil {
			return err
		}
		if err := fn(part[:len(part)-1]); err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
	}
}

func (s *Snapshot) readFacts(r io.Reader) error {
	lines := newLineReader(s.Manifest.Scopes)
	return eachLine(r, func(b []byte) error {
		l, err := lines.read(b)
		if err == nil {
			s.Lines = append(s.Lines, l)
		}
		return err
	})
}

func (s *Snapshot) readGaps(r io.Reader) error {
	return eachLine(r, func(b []byte) error {
		var g gapLine
		if err := json.Unmarshal(b, &g); err != nil {
			return errShape
		}
		a, err := ParseAddress(g.Address)
		if err != nil {
			return err
		}
		s.Gaps = append(s.Gaps, Gap{a, g.Instance, g.Reason, g.Hint, g.Covers})
		return nil
	})
}

func (s *Snapshot) readNotes(r io.Reader) error {
	return eachLine(r, func(b []byte) error {
		var n Note
		if err := json.Unmarshal(b, &n); err != nil {
			return errShape
		}
		s.Notes = append(s.Notes, n)
		return nil
	})
}
