package compare

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/envdiff/envdiff/snapshot"
	"github.com/klauspost/compress/zstd"
)

// digestFile is a row digest attachment in memory.
type digestFile []byte

func (d digestFile) Open() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(d)), nil }
func (d digestFile) Size() int64                  { return int64(len(d)) }

// rowsOf writes the digests of a table with the key "code": code → row, both as small numbers.
func rowsOf(t *testing.T, columns string, rows map[int]int) digestFile {
	t.Helper()
	var b bytes.Buffer
	z, err := zstd.NewWriter(&b)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(z, `{"format":"envdiff.rows/4","form":"rows","buckets":"digest","key":["code"],"columns":[%s],"rows":%d}`+"\n", columns, len(rows))
	for _, code := range slices.Sorted(func(yield func(int) bool) {
		for c := range rows {
			if !yield(c) {
				return
			}
		}
	}) {
		cells := fmt.Sprintf("%08x%08x", code, rows[code])[:8*(1+strings.Count(columns, ","))]
		fmt.Fprintf(z, "%032x\t%032x\t%s\t[\"c%d\"]\n", code, rows[code], cells, code)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return digestFile(b.Bytes())
}

func (e *env) rows(digest string, count int, instance string, file digestFile) {
	e.set("main:rows/countries#digest", digest, instance).set("main:rows/countries#count", count, instance)
	e.attach[snapshot.RowsAttachment("main", instance, "countries")] = file
}

func TestRowsThatDifferAreCounted(t *testing.T) {
	staging, production := pair()
	staging.rows("a", 3, "primary", rowsOf(t, `"code","name"`, map[int]int{1: 1, 2: 2, 3: 3}))
	production.rows("b", 4, "primary", rowsOf(t, `"code","name"`, map[int]int{1: 1, 2: 9, 4: 4, 5: 5}))
	r := compareEnvs(t, Options{}, staging, production)
	if got := lines(r); !slices.Equal(got, []string{"rows-different high changed main:rows/countries"}) {
		t.Fatalf("got %q", got)
	}
	if m := r.Findings[0].Message; !strings.HasPrefix(m, "rows of countries: 2 added, 1 removed, 1 changed in production against staging, in name (c2; c3 removed; c4 added; c5 added)") {
		t.Errorf("message %q", m)
	}
	if v := r.Findings[0].Values; len(v) != 2 || string(v[0].Value) != "3" || string(v[1].Value) != "4" {
		t.Errorf("values are not the counts: %+v", v)
	}
}

func TestRowsOfAReplicaAreComparedWithItsPeers(t *testing.T) {
	_, production := pair()
	production.instances("main", "database", "replica1", "replica2")
	production.unset("main:table/*").unset("main:column/*").unset("main:index/*").unset("main:setting/*")
	for _, instance := range []string{"primary", "replica1"} {
		production.rows("a", 1, instance, rowsOf(t, `"code"`, map[int]int{1: 1}))
	}
	production.rows("b", 0, "replica2", rowsOf(t, `"code"`, nil))
	r := compareEnvs(t, Options{}, production)
	if got := lines(r); !slices.Equal(got, []string{"rows-different high odd main:rows/countries"}) {
		t.Fatalf("got %q", got)
	}
	if m := r.Findings[0].Message; !strings.Contains(m, "1 removed in replica2 against primary") {
		t.Errorf("message %q", m)
	}
}

func TestDamagedDigestsAreAGap(t *testing.T) {
	staging, production := pair()
	staging.rows("a", 1, "primary", rowsOf(t, `"code"`, map[int]int{1: 1}))
	production.rows("b", 1, "primary", digestFile("not zstd"))
	r := compareEnvs(t, Options{}, staging, production)
	if len(r.Findings) != 0 || len(r.Gaps) != 1 || r.Gaps[0].Address != "main:rows/countries" {
		t.Errorf("findings %q, gaps %+v", lines(r), r.Gaps)
	}
}

func TestRowsOverOtherColumnsSaySo(t *testing.T) {
	staging, production := pair()
	staging.rows("a", 1, "primary", rowsOf(t, `"code"`, map[int]int{1: 1}))
	production.rows("b", 1, "primary", rowsOf(t, `"code","name"`, map[int]int{1: 1}))
	r := compareEnvs(t, Options{}, staging, production)
	if len(r.Findings) != 0 || len(r.Warnings) != 1 || !strings.Contains(r.Warnings[0], "compared without name") {
		t.Errorf("findings %q, warnings %q", lines(r), r.Warnings)
	}
}
