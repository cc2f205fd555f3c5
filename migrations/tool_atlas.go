package migrations

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
)

// atlas is Atlas with a file of SQL per version. Its hash of a file goes over all files before it, too: atlas.sum lists them, and the version
// table keeps the one of each applied file (ariga.io/atlas/sql/migrate).
var atlas = tool{name: "atlas", title: "Atlas", table: "atlas_schema_revisions", columns: []string{"version", "applied", "total", "error", "hash"}, older: refusesOlder, wrapped: true, chained: true,
	layout: layout{name: regexp.MustCompile(`^([0-9]+)_?(.*)\.sql$`), ignore: regexp.MustCompile(`^atlas\.sum$`)},
	row: func(v []string) appliedRow {
		r := appliedRow{key: v[0], failed: v[1] != v[2] || v[3] != "", sum: strings.TrimPrefix(v[4], "h1:")}
		if r.failed {
			r.progress = v[1] + " of its " + v[2] + " statements are applied"
		}
		return r
	},
	sums: func(src *Source, m Migration, _ []byte) []string {
		hashes, err := src.atlasHashes()
		if err != nil || hashes[m.Up] == "" {
			return []string{anySum}
		}
		return []string{hashes[m.Up]}
	},
	integrity: atlasSum,
	script: func(text, _ string) (script, error) {
		return script{text: text, noTx: strings.Contains(text, "-- atlas:txmode none")}, nil
	}}

// notSummed is the comment that leaves a file out; it counts on the first line alone.
var notSummed = regexp.MustCompile(`^[ -~]*atlas:sum +ignore\b`)

// atlasHashes are Atlas' hashes of the files of the directory, by name; files that are left out have none.
func (s *Source) atlasHashes() (map[string]string, error) {
	if s.hashes != nil {
		return s.hashes, nil
	}
	entries, err := fs.ReadDir(s.root(), ".")
	if err != nil {
		return nil, err
	}
	out, h := map[string]string{}, sha256.New()
	for _, e := range entries { // in the order of their names
		if e.IsDir() || !strings.HasSuffix(e.Name(), ".sql") {
			continue
		}
		text, err := readBounded(s.root(), e.Name())
		if err != nil {
			return nil, err
		}
		_, _ = h.Write([]byte(e.Name()))
		if notSummed.MatchString(text) {
			continue
		}
		_, _ = h.Write([]byte(text))
		out[e.Name()] = base64.StdEncoding.EncodeToString(h.Sum(nil))
	}
	s.hashes = out
	return out, nil
}

// atlasSum holds the directory against its atlas.sum; without that file there is nothing to hold it against. The first file that differs is told, for its hash
// is in all that follow.
func atlasSum(s *Source) {
	text, err := readBounded(s.root(), "atlas.sum")
	if errors.Is(err, fs.ErrNotExist) || err == nil && strings.TrimSpace(text) == "" {
		return
	}
	hashes, hashErr := s.atlasHashes()
	if err != nil || hashErr != nil {
		return // what cannot be read is told where it is needed
	}
	listed := map[string]string{}
	for _, line := range strings.Split(text, "\n") {
		if name, sum, ok := strings.Cut(strings.TrimSpace(line), " h1:"); ok {
			listed[name] = sum
		}
	}
	problem := func(file, message string) {
		name := file
		for _, m := range s.Migrations {
			if m.Up == file {
				name = m.id()
			}
		}
		s.Problems = append(s.Problems, Problem{File: file, Name: name, Message: message + ": Atlas refuses the directory", Hint: "restore the file; if the change is meant, atlas migrate hash"})
		s.Refused = "atlas.sum does not fit the files"
	}
	names := make([]string, 0, len(hashes))
	for name := range hashes {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		switch sum, ok := listed[name]; {
		case !ok:
			problem(name, fmt.Sprintf("%q is not in atlas.sum", name))
			return
		case sum != hashes[name]:
			problem(name, fmt.Sprintf("%q is another than atlas.sum says", name))
			return
		}
	}
	for name := range listed {
		if _, ok := hashes[name]; !ok {
			problem(name, fmt.Sprintf("%q is in atlas.sum and not in the directory", name))
			return
		}
	}
}
