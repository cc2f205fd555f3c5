package transport

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"path"
	"strings"
)

// Many small files are read by one tar rather than by a head each: on most hosts nothing costs as much as starting a program. What tar does not
// give as the listing announced it is asked for again, alone.

// The limits on one archive: its content, and what a file and its name take beyond.
const (
	maxArchive   = 8 << 20
	archiveSlack = 64 << 10
	fileSlack    = 4 << 10
)

// archivable reports whether a file may be read by tar: its size has to be known, and to be what there is to read, which it is not in /proc and
// /sys; and it must not be more than asked for, for tar does not stop in the midst of a file.
func (m *mirror) archivable(name string, limit int64) bool {
	n := m.nodes[name]
	top, _, _ := strings.Cut(name, "/")
	return n != nil && n.mode.IsRegular() && n.size > 0 && n.size < min(limit, maxArchive) && !m.alone[name] && m.about.has("tar") &&
		top != "proc" && top != "sys" && top != "dev"
}

// archive asks for files of one limit in as few archives as may be.
func (q *question) archive(m *mirror, names []string) {
	for len(names) > 0 {
		var n int
		var size int64
		for n < len(names) && n < maxBatch && (n == 0 || size+m.nodes[names[n]].size <= maxArchive) {
			size += m.nodes[names[n]].size + fileSlack + int64(2*len(names[n]))
			n++
		}
		q.call(paths(names[:n]), "a", size+archiveSlack, len(q.bodies))
		q.largest = max(q.largest, size+archiveSlack)
		for _, name := range names[:n] {
			q.archived[name] = true
		}
		q.bodies, names = append(q.bodies, names[:n]...), names[n:]
	}
}

// archive takes the files of an archive that tar ended well.
func (a *answer) archive() error {
	text, status, err := a.output(a.q.largest)
	if err != nil || status != 0 {
		return err
	}
	files, err := parseArchive(text)
	if err != nil {
		return nil // cut, or of a tar of its own kind: its files are asked for alone
	}
	for name, data := range files {
		if limit := a.q.needs.bodies[name]; a.q.archived[name] && int64(len(data)) < limit {
			a.mirror.bodies[name] = body{data: data, limit: limit}
		}
	}
	return nil
}

// parseArchive returns the regular files of an archive by their names without the leading slash. The second name of a file is in an archive as a link to its first.
func parseArchive(text []byte) (map[string][]byte, error) {
	files, left := map[string][]byte{}, int64(len(text))
	in := tar.NewReader(bytes.NewReader(text))
	for {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			return files, nil
		}
		if err != nil {
			return nil, err
		}
		name := archiveName(h.Name)
		switch h.Typeflag {
		case tar.TypeReg:
			if h.Size > left { // sparse files tell of more than they hold
				continue
			}
			left -= h.Size
			data := make([]byte, h.Size)
			if _, err := io.ReadFull(in, data); err != nil {
				return nil, err
			}
			files[name] = data
		case tar.TypeLink:
			if data, ok := files[archiveName(h.Linkname)]; ok {
				files[name] = data
			}
		}
	}
}

func archiveName(name string) string { return strings.TrimPrefix(path.Clean("/"+name), "/") }
