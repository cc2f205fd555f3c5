package snapshot_test

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/envdiff/envdiff/snapshot"
	"github.com/envdiff/envdiff/snapshot/benchworld"
)

var update = flag.Bool("update", false, "rewrite golden files")

// text is an attachment in memory.
type text string

func (t text) Open() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(string(t))), nil }
func (t text) Size() int64                  { return int64(len(t)) }

// shop is a small snapshot with every kind of value and awkward text.
func shop() *snapshot.Snapshot {
	b := snapshot.NewBuilder(snapshot.Selection{})
	kinds := []snapshot.Kind{{Pattern: "package/*"}, {Pattern: "config/*"}}
	for _, in := range []string{"web1", "web2", "web3"} {
		b.Instance("web", "role", "", in)
		var r snapshot.Result
		r.Add(snapshot.At("web", "package", "deb/openssl").Attr("version"), snapshot.String("3.0.11-1~deb12u2"), "/var/lib/dpkg/status:17")
		r.Add(snapshot.At("web", "config", "etc/a b/\x1b[31m:*#%.ini").Path("sec.tion", "käy"), snapshot.String("\"quoted\"\\ \u2028 <&> \xff\x00"), "/etc/a b:3")
		r.Add(snapshot.At("web", "config", "etc/x").Path("n"), snapshot.Int(1<<60), "")
		r.Add(snapshot.At("web", "config", "etc/x").Path("f"), snapshot.Float(0.1), "")
		r.Add(snapshot.At("web", "config", "etc/x").Path("z"), snapshot.Null(), "")
		r.Add(snapshot.At("web", "config", "etc/x").Path("list"), snapshot.List(snapshot.String("a,]\"}"), snapshot.Null(), snapshot.Bool(true)), "")
		r.Add(snapshot.At("web", "config", "etc/x").Path("empty"), snapshot.List(), "")
		r.Add(snapshot.At("web", "config", "etc/x").Path("pw"), snapshot.Secret("0123456789abcdef0123"), "")
		if in != "web2" {
			r.Add(snapshot.At("web", "config", "etc/x").Path("odd"), snapshot.String("per host "+in), in+":1")
		}
		if in == "web3" {
			r.Looked = []string{"package/*"}
			r.Missing(snapshot.At("web", "config", "etc/secret"), "permission denied", "sudo: true", "web:config/etc/secret#*")
		}
		r.Notes = []snapshot.Note{{Kind: "conffile outside /etc", Count: 2}}
		b.Add("web", in, r, kinds)
	}
	b.Instance("main", "database", "sqlite", "primary")
	b.Gap(snapshot.Gap{Address: snapshot.At("main", "database", "reachable"), Instance: "primary", Reason: "file not found", Covers: []string{"main:*"}})
	s := b.Finish(snapshot.Manifest{Environment: "production", CapturedAt: time.Date(2026, 11, 1, 2, 0, 0, 0, time.FixedZone("x", 3600)), Version: "0.1.0", RedactKey: "abcdef01"})
	s.Attachments["rows/main/primary/countries.tsv.zst"] = text("not really zstd")
	return s
}

// tree is the content of every file below path, or of every entry of a zip.
func tree(t *testing.T, path string) map[string]string {
	t.Helper()
	files := map[string]string{}
	if strings.HasSuffix(path, ".zip") {
		z, err := zip.OpenReader(path)
		if err != nil {
			t.Fatal(err)
		}
		defer z.Close()
		for _, f := range z.File {
			r, err := f.Open()
			if err != nil {
				t.Fatal(err)
			}
			b, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			files[f.Name] = string(b)
		}
		return files
	}
	err := filepath.WalkDir(path, func(p string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if d.IsDir() {
			if info.Mode().Perm() != 0o700 {
				t.Errorf("%s has mode %v", p, info.Mode())
			}
			return nil
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", p, info.Mode())
		}
		b, err := os.ReadFile(p)
		rel, _ := filepath.Rel(path, p)
		files[filepath.ToSlash(rel)] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestWriteThenReadGivesTheSameSnapshot(t *testing.T) {
	for _, name := range []string{"shop.snapshot", "shop.zip"} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), name)
			want := shop()
			if err := snapshot.Write(path, want); err != nil {
				t.Fatal(err)
			}
			got, err := snapshot.Read(path)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(want.Lines, got.Lines, cmp.AllowUnexported(snapshot.Value{})); d != "" {
				t.Errorf("lines:\n%s", d)
			}
			if d := cmp.Diff(want.Gaps, got.Gaps); d != "" {
				t.Errorf("gaps:\n%s", d)
			}
			if d := cmp.Diff(want.Notes, got.Notes); d != "" {
				t.Errorf("notes:\n%s", d)
			}
			if d := cmp.Diff(want.Manifest.Scopes, got.Manifest.Scopes); d != "" {
				t.Errorf("scopes:\n%s", d)
			}
			if !got.Manifest.CapturedAt.Equal(want.Manifest.CapturedAt) {
				t.Errorf("captured at %s", got.Manifest.CapturedAt)
			}
			r, err := got.Attachments["rows/main/primary/countries.tsv.zst"].Open()
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			if b, err := io.ReadAll(r); err != nil || string(b) != "not really zstd" {
				t.Errorf("attachment %q, %v", b, err)
			}
			again := filepath.Join(t.TempDir(), name)
			if err := snapshot.Write(again, got); err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tree(t, path), tree(t, again)); d != "" {
				t.Errorf("what was read writes other bytes:\n%s", d)
			}
		})
	}
}

func TestTheFormatIsTheGoldenOne(t *testing.T) {
	path := filepath.Join(t.TempDir(), "shop")
	if err := snapshot.Write(path, shop()); err != nil {
		t.Fatal(err)
	}
	golden := filepath.Join("testdata", "shop.snapshot")
	if *update {
		os.RemoveAll(golden)
		if err := os.CopyFS(golden, os.DirFS(path)); err != nil {
			t.Fatal(err)
		}
	}
	want := map[string]string{}
	for name := range tree(t, path) {
		b, err := os.ReadFile(filepath.Join(golden, name))
		if err != nil {
			t.Fatal(err)
		}
		want[name] = string(b)
	}
	if d := cmp.Diff(want, tree(t, path)); d != "" {
		t.Errorf("the format changed (go test -update rewrites it; a change that old readers refuse needs another major):\n%s", d)
	}
	if _, err := snapshot.Read(golden); err != nil {
		t.Errorf("the golden snapshot is not readable: %v", err)
	}
}

// seal puts a new seal on a manifest, as a forger who knows the format would.
func seal(manifest string) string {
	i := strings.LastIndex(manifest, `"seal": "`) + len(`"seal": "`)
	j := i + strings.Index(manifest[i:], `"`)
	sum := sha256.Sum256([]byte(manifest[:i] + manifest[j:]))
	return manifest[:i] + hex.EncodeToString(sum[:]) + manifest[j:]
}

// forged makes a snapshot whose file name holds body, with right digests and seal.
func forged(t *testing.T, name, body string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "forged")
	if err := snapshot.Write(dir, shop()); err != nil {
		t.Fatal(err)
	}
	old, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	digest := func(b string) string { s := sha256.Sum256([]byte(b)); return hex.EncodeToString(s[:]) }
	m, err := os.ReadFile(filepath.Join(dir, "manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	text := string(m)
	at := strings.Index(text, digest(string(old)))
	sizeAt := strings.LastIndex(text[:at], `"bytes": `)
	text = text[:sizeAt] + `"bytes": ` + itoa(len(body)) + ",\n      \"sha256\": \"" + digest(body) + text[at+64:]
	write(t, filepath.Join(dir, name), body)
	write(t, filepath.Join(dir, "manifest.json"), seal(text))
	return dir
}

func itoa(n int) string { return snapshot.Int(int64(n)).JSON() }

func write(t *testing.T, path, body string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(body), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestReadRefusesWhatIsNotWhole(t *testing.T) {
	const line = `{"a":"web:package/deb/a#version","v":[{"v":"1","on":["web1","web2"]}]}`
	replace := func(old, new string) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			p := filepath.Join(dir, "manifest.json")
			b, err := os.ReadFile(p)
			if err != nil || !bytes.Contains(b, []byte(old)) {
				t.Fatalf("%v: no %q in %s", err, old, b)
			}
			write(t, p, strings.Replace(string(b), old, new, 1))
		}
	}
	resealed := func(old, new string) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			replace(old, new)(t, dir)
			p := filepath.Join(dir, "manifest.json")
			b, _ := os.ReadFile(p)
			write(t, p, seal(string(b)))
		}
	}
	for _, c := range []struct {
		name, want string
		facts      string // forged facts.jsonl
		damage     func(t *testing.T, dir string)
	}{
		{name: "facts truncated", want: "facts.jsonl", damage: func(t *testing.T, dir string) { os.Truncate(filepath.Join(dir, "facts.jsonl"), 100) }},
		{name: "facts altered in place", want: "facts.jsonl: its digest", damage: func(t *testing.T, dir string) {
			p := filepath.Join(dir, "facts.jsonl")
			b, _ := os.ReadFile(p)
			write(t, p, strings.Replace(string(b), "3.0.11", "3.0.12", 1))
		}},
		{name: "gaps removed", want: `"gaps.jsonl" is missing`, damage: func(t *testing.T, dir string) { os.Remove(filepath.Join(dir, "gaps.jsonl")) }},
		{name: "attachment altered", want: "countries.tsv.zst", damage: func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, "rows/main/primary/countries.tsv.zst"), "not really zstD")
		}},
		{name: "a file more", want: `"extra.jsonl" is not in the manifest`, damage: func(t *testing.T, dir string) { write(t, filepath.Join(dir, "extra.jsonl"), "") }},
		{name: "a link in place of a file", want: "not a regular file", damage: func(t *testing.T, dir string) {
			p := filepath.Join(dir, "gaps.jsonl")
			os.Rename(p, dir+".gaps")
			os.Symlink(dir+".gaps", p)
		}},
		{name: "no manifest", want: "manifest.json is missing", damage: func(t *testing.T, dir string) { os.Remove(filepath.Join(dir, "manifest.json")) }},
		{name: "manifest truncated", want: "manifest.json", damage: func(t *testing.T, dir string) { os.Truncate(filepath.Join(dir, "manifest.json"), 50) }},
		{name: "manifest altered", want: "altered", damage: replace(`"production"`, `"staging"`)},
		{name: "another major", want: `"envdiff.snapshot/2"`, damage: resealed("snapshot/1", "snapshot/2")},
		{name: "another format", want: `"envdiff.report/1"`, damage: resealed("snapshot/1", "report/1")},
		{name: "a file outside", want: "not in the manifest", damage: resealed(`"gaps.jsonl"`, `"../gaps.jsonl"`)},
		{name: "an absurd size", want: "bytes", damage: resealed(`"bytes": `, `"bytes": 9`)},
		{name: "no facts in the manifest", want: "facts.jsonl is not in the manifest", damage: resealed(`"facts.jsonl"`, `"f.jsonl"`)},

		{name: "unsorted addresses", want: "not sorted", facts: strings.Replace(line, "deb/a", "deb/b", 1) + "\n" + line + "\n"},
		{name: "an address twice", want: "not sorted", facts: line + "\n" + line + "\n"},
		{name: "the last line cut", want: "line 1 has no end", facts: line},
		{name: "an empty line", want: "line 1", facts: "\n"},
		{name: "white space", want: "line 1", facts: strings.Replace(line, `,"v"`, `, "v"`, 1) + "\n"},
		{name: "an unknown scope", want: `scope "db"`, facts: strings.Replace(line, `"web:`, `"db:`, 1) + "\n"},
		{name: "an unknown instance", want: `instance "web9"`, facts: strings.Replace(line, "web2", "web9", 1) + "\n"},
		{name: "instances unsorted", want: "not sorted", facts: strings.Replace(line, `"web1","web2"`, `"web2","web1"`, 1) + "\n"},
		{name: "no instance", want: "no instance", facts: strings.Replace(line, `"web1","web2"`, ``, 1) + "\n"},
		{name: "an instance with two values", want: "two values", facts: strings.Replace(line, `}]}`, `},{"v":"2","on":["web2"]}]}`, 1) + "\n"},
		{name: "a value twice", want: "twice", facts: strings.Replace(line, `}]}`, `},{"v":"1","on":["web3"]}]}`, 1) + "\n"},
		{name: "values out of order", want: "order", facts: strings.Replace(line, `{"v":"1"`, `{"v":"0","on":["web3"]},{"v":"1"`, 1) + "\n"},
		{name: "a nested list", want: "line 1", facts: strings.Replace(line, `"v":"1"`, `"v":[["1"]]`, 1) + "\n"},
		{name: "an object", want: "line 1", facts: strings.Replace(line, `"v":"1"`, `"v":{"a":1}`, 1) + "\n"},
		{name: "a number that is not canonical", want: "canonical", facts: strings.Replace(line, `"v":"1"`, `"v":1.0`, 1) + "\n"},
		{name: "an address that is not canonical", want: "canonical", facts: strings.Replace(line, `version"`, `\u0076ersion"`, 1) + "\n"},
		{name: "something behind the line", want: "line 1", facts: line + "x\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var dir string
			if c.facts != "" {
				dir = forged(t, "facts.jsonl", c.facts)
			} else {
				dir = filepath.Join(t.TempDir(), "s")
				if err := snapshot.Write(dir, shop()); err != nil {
					t.Fatal(err)
				}
				c.damage(t, dir)
			}
			s, err := snapshot.Read(dir)
			if err == nil {
				t.Fatalf("read %d lines", len(s.Lines))
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("%q is not in: %v", c.want, err)
			}
		})
	}
	t.Run("a forged line that is well made is read", func(t *testing.T) {
		if _, err := snapshot.Read(forged(t, "facts.jsonl", line+"\n")); err != nil {
			t.Error(err)
		}
	})
}

func TestReadRefusesZipsThatAreNotWhole(t *testing.T) {
	whole := filepath.Join(t.TempDir(), "whole.zip")
	if err := snapshot.Write(whole, shop()); err != nil {
		t.Fatal(err)
	}
	body, err := os.ReadFile(whole)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "damaged.zip")
	for n := 0; n < len(body); n += 97 {
		write(t, path, string(body[:n]))
		if _, err := snapshot.Read(path); err == nil {
			t.Fatalf("read the first %d of %d bytes", n, len(body))
		}
	}
	files := tree(t, whole)
	pack := func(change func(w *zip.Writer)) {
		var b bytes.Buffer
		w := zip.NewWriter(&b)
		for name, body := range files {
			f, _ := w.Create(name)
			io.WriteString(f, body)
		}
		change(w)
		w.Close()
		write(t, path, b.String())
	}
	for _, c := range []struct {
		name, want string
		change     func(w *zip.Writer)
	}{
		{"a path that leaves", `"../x"`, func(w *zip.Writer) { w.Create("../x") }},
		{"an absolute path", `"/x"`, func(w *zip.Writer) { w.Create("/x") }},
		{"a backslash", `cannot be`, func(w *zip.Writer) { w.Create(`a\x`) }},
		{"an entry twice", "twice", func(w *zip.Writer) { w.Create("facts.jsonl") }},
		{"an entry more", "not in the manifest", func(w *zip.Writer) { w.Create("x.jsonl") }},
		{"a link", "not a regular file", func(w *zip.Writer) {
			h := &zip.FileHeader{Name: "x"}
			h.SetMode(os.ModeSymlink | 0o777)
			w.CreateHeader(h)
		}},
		{"an absurd size", "absurd", func(w *zip.Writer) {
			w.CreateRaw(&zip.FileHeader{Name: "absurd.zst", UncompressedSize64: 1 << 60})
		}},
		{"a bomb", "expands", func(w *zip.Writer) {
			f, err := w.CreateRaw(&zip.FileHeader{Name: "bomb.zst", Method: zip.Deflate, CompressedSize64: 1000, UncompressedSize64: 1 << 30})
			if err != nil {
				t.Fatal(err)
			}
			f.Write(make([]byte, 1000))
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			pack(c.change)
			_, err := snapshot.Read(path)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%q is not in: %v", c.want, err)
			}
		})
	}
	pack(func(*zip.Writer) {})
	if _, err := snapshot.Read(path); err != nil {
		t.Errorf("a zip that another tool packed from the same files: %v", err)
	}
}

func TestWriteReplacesSnapshotsAndNothingElse(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"s", "s.zip"} {
		path := filepath.Join(dir, name)
		for range 2 {
			if err := snapshot.Write(path, shop()); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := snapshot.Read(path); err != nil {
			t.Error(err)
		}
	}
	write(t, filepath.Join(dir, "notes.zip"), "mine")
	os.MkdirAll(filepath.Join(dir, "photos"), 0o700)
	write(t, filepath.Join(dir, "photos", "a.jpg"), "mine")
	os.MkdirAll(filepath.Join(dir, "empty"), 0o700)
	for _, name := range []string{"notes.zip", "photos", "empty"} {
		if err := snapshot.Write(filepath.Join(dir, name), shop()); err == nil {
			t.Errorf("%s was overwritten", name)
		}
	}
	if b, _ := os.ReadFile(filepath.Join(dir, "photos", "a.jpg")); string(b) != "mine" {
		t.Error("a file is gone")
	}
	names, _ := os.ReadDir(dir)
	if len(names) != 5 {
		t.Errorf("left behind: %v", names)
	}
}

func TestReadKeepsWhatRepeatsOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "big")
	if err := snapshot.Write(path, benchworld.Environment("production", 100, 500, 5)); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(path, "facts.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	s, err := snapshot.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if len(s.Lines) != 500 {
		t.Errorf("%d lines", len(s.Lines))
	}
	if kept := int64(after.HeapAlloc) - int64(before.HeapAlloc); kept > info.Size()/2 {
		t.Errorf("a file of %d bytes keeps %d", info.Size(), kept)
	}
	runtime.KeepAlive(s)
}
