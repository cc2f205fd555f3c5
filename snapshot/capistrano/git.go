package capistrano

import (
	"bytes"
	"compress/zlib"
	"encoding/hex"
	"fmt"
	"io"
	"path"
	"regexp"
	"strconv"
	"strings"

	"github.com/envdiff/envdiff/internal/transport"
	"github.com/envdiff/envdiff/snapshot"
)

// repository is the host's copy of what is deployed from: a mirror (Capistrano 3) or a working copy (2).
type repository struct {
	origin string // its config file
	url    string
	head   string            // a ref, or a revision
	refs   map[string]string // ref → revision; files win over packed-refs
	packed map[string]string
	moved  int64 // when HEAD moved last, by the log that working copies have
}

// commit is what the commit that runs says of itself.
type commit struct {
	at  int64
	svn string
}

// git reads the repositories.
func (p *parser) git() {
	if !p.section("git") {
		return
	}
	p.r.Looked = append(p.r.Looked, "deployment/*#repository")
	for _, f := range p.in.Sections["git"].Files {
		dir, name := splitRepository(f.Path)
		d := p.found[dir]
		switch {
		case d == nil:
		case f.Problem != transport.OK:
			attribute := "repository_revision"
			if name == "config" {
				attribute = "repository"
			}
			a := p.at(dir).Attr(attribute)
			if n := len(p.r.Gaps); n == 0 || p.r.Gaps[n-1].Address != a {
				p.r.Missing(a, fmt.Sprintf("%s could not be read: %s", f.Path, f.Problem), "run envdiff as a user who may read it")
			}
		default:
			d.repo.read(f, name)
		}
	}
}

// splitRepository takes DIR/repo/NAME and DIR/shared/cached-copy/.git/NAME apart.
func splitRepository(file string) (dir, name string) {
	for _, mark := range []string{"/shared/cached-copy/.git/", "/repo/"} {
		if dir, name, ok := strings.Cut(file, mark); ok {
			return dir, name
		}
	}
	return path.Dir(file), ""
}

func (r *repository) read(f transport.File, name string) {
	switch {
	case name == "config":
		r.origin, r.url = f.Path, remoteURL(f.Body)
	case name == "HEAD":
		r.head = strings.TrimPrefix(strings.TrimSpace(string(f.Body)), "ref: ")
	case name == "packed-refs":
		r.packed = packedRefs(f.Body)
	case name == "logs/HEAD":
		r.moved = lastMove(f.Body)
	case strings.HasPrefix(name, "refs/"):
		if sha := strings.TrimSpace(string(f.Body)); object.MatchString(sha) {
			if r.refs == nil {
				r.refs = map[string]string{}
			}
			r.refs[name] = sha
		}
	}
}

var (
	object  = regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64})$`)
	section = regexp.MustCompile(`^\[remote "origin"\]`)
)

// remoteURL is the url of [remote "origin"] in a git config.
func remoteURL(src []byte) string {
	inside := false
	for line := range bytes.Lines(src) {
		text := strings.TrimSpace(string(line[:min(len(line), 4096)]))
		if strings.HasPrefix(text, "[") {
			inside = section.MatchString(text)
			continue
		}
		if key, value, ok := strings.Cut(text, "="); ok && inside && strings.TrimSpace(key) == "url" {
			return strings.Trim(strings.TrimSpace(value), `"`)
		}
	}
	return ""
}

// packedRefs reads packed-refs: REVISION REF, with comments and the objects behind tags.
func packedRefs(src []byte) map[string]string {
	refs := map[string]string{}
	for line := range bytes.Lines(src) {
		sha, ref, ok := strings.Cut(strings.TrimSpace(string(line)), " ")
		if ok && object.MatchString(sha) && len(ref) < 1000 {
			refs[ref] = sha
		}
	}
	return refs
}

// lastMove is the time of the last line of a reflog: OLD NEW NAME <MAIL> SECONDS ZONE, tab, message. Nothing else of it is kept.
func lastMove(src []byte) int64 {
	lines := bytes.Split(bytes.TrimSpace(src), []byte("\n"))
	before, _, _ := bytes.Cut(lines[len(lines)-1], []byte("\t"))
	_, stamp, ok := bytes.Cut(before, []byte("> "))
	seconds, _, _ := strings.Cut(string(stamp), " ")
	at, err := strconv.ParseInt(seconds, 10, 64)
	if !ok || err != nil || at < 0 || at > maxTime {
		return 0
	}
	return at
}

// maxTime is the last second of the year 9999.
const maxTime = 253402300799

// tip is the revision at the tip of the branch that was deployed, or else of HEAD.
func (d *deployment) tip() string {
	refs := []string{d.repo.head}
	if e := d.deploy(); e != nil {
		refs = []string{"refs/heads/" + e.branch, d.repo.head}
	}
	for _, ref := range refs {
		if sha := d.repo.refs[ref]; sha != "" {
			return sha
		}
		if sha := d.repo.packed[ref]; sha != "" {
			return sha
		}
	}
	if object.MatchString(d.repo.head) {
		return d.repo.head
	}
	return ""
}

// commits reads what the host was asked for: times, and commits as hexadecimal text.
func (p *parser) commits() {
	s, fetched := p.in.Sections["commits"]
	if !fetched || len(p.found) == 0 {
		return
	}
	if s.Problem != transport.OK {
		p.r.Notes = append(p.r.Notes, snapshot.Note{Scope: p.in.Scope, Kind: "age of repositories", Count: 1, Detail: "only a host that answers commands says it"})
		return
	}
	d := &deployment{}
	var digits strings.Builder
	flush := func() {
		if raw, err := hex.DecodeString(digits.String()); err == nil && len(raw) > 0 {
			d.commit = readCommit(raw)
		}
		digits.Reset()
	}
	for line := range bytes.Lines(s.Output) {
		text := strings.TrimRight(string(line), "\r\n")
		switch word, rest, _ := strings.Cut(text, " "); word {
		case "deployment":
			flush()
			if d = p.found[rest]; d == nil {
				d = &deployment{}
			}
		case "fetched":
			if at, err := strconv.ParseInt(rest, 10, 64); err == nil && at > 0 && at <= maxTime {
				d.fetched = at
			}
		case "object":
			flush()
		default:
			if digits.Len() < maxObject {
				digits.WriteString(strings.ReplaceAll(text, " ", ""))
			}
		}
	}
	flush()
}

// maxObject bounds a commit's hexadecimal text and, inflated, its bytes.
const maxObject = 256 << 10

var (
	committer = regexp.MustCompile(`(?m)^committer [^\n]*> (\d{1,12}) [-+]\d{4}$`)
	// trailer is what git-svn writes below a message: git-svn-id: URL@REVISION UUID.
	trailer = regexp.MustCompile(`(?m)^\s*git-svn-id: \S+@(\d{1,12}) [0-9a-fA-F-]{36}\s*$`)
)

// readCommit reads a loose object: zlib, "commit SIZE", NUL, headers, an empty line, the message.
func readCommit(raw []byte) commit {
	z, err := zlib.NewReader(bytes.NewReader(raw))
	if err != nil {
		return commit{}
	}
	text, _ := io.ReadAll(io.LimitReader(z, maxObject))
	if !bytes.HasPrefix(text, []byte("commit ")) {
		return commit{}
	}
	header, message, _ := bytes.Cut(text, []byte("\n\n"))
	var c commit
	if m := committer.FindSubmatch(header); m != nil {
		if at, err := strconv.ParseInt(string(m[1]), 10, 64); err == nil && at <= maxTime {
			c.at = at
		}
	}
	if all := trailer.FindAllSubmatch(message, -1); all != nil {
		c.svn = "r" + string(all[len(all)-1][1])
	}
	return c
}
