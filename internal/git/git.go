// Package git asks the repository that a file is in who changed it and who approved that. It only reads.
package git

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// ErrNoHistory means that a file is in no repository, is not committed, or that git is not there.
var ErrNoHistory = errors.New("no history")

// Commit is one commit with the people behind it.
type Commit struct {
	Hash   string
	Author Person
	// Approvers are the people of its Reviewed-by and Approved-by trailers.
	Approvers []Person
	At        time.Time
	Subject   string
}

// Person is a name and an address, of which one may be missing.
type Person struct{ Name, Email string }

// Is reports whether text means the person: by address, name, or both as in "Name <address>".
func (p Person) Is(text string) bool {
	text = strings.TrimSpace(text)
	for _, known := range []string{p.Name, p.Email, p.Name + " <" + p.Email + ">"} {
		if known != "" && strings.EqualFold(text, known) {
			return true
		}
	}
	return false
}

// Same reports whether two persons are one.
func (p Person) Same(o Person) bool {
	if p.Email != "" && o.Email != "" {
		return strings.EqualFold(p.Email, o.Email)
	}
	return strings.EqualFold(p.Name, o.Name)
}

func (p Person) String() string {
	if p.Name == "" {
		return p.Email
	}
	return p.Name
}

// People are the author and the approvers.
func (c Commit) People() []Person { return append([]Person{c.Author}, c.Approvers...) }

const deadline = 30 * time.Second

func run(ctx context.Context, dir string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	c := exec.CommandContext(ctx, "git", append([]string{"-C", dir, "--no-optional-locks", "--literal-pathspecs", "-c", "core.quotepath=off", "-c", "core.fsmonitor=false"}, args...)...)
	out, err := c.Output()
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	if err != nil {
		return "", ErrNoHistory
	}
	return string(out), nil
}

// uncommitted is the hash that blame gives lines that are in no commit yet.
const uncommitted = "0000000000000000000000000000000000000000"

// ErrUncommitted means that what was asked about is changed and in no commit yet.
var ErrUncommitted = errors.New("not committed yet")

// LastOf returns the newest commit that wrote one of the lines from first to last of a file.
func LastOf(ctx context.Context, file string, first, last int) (Commit, error) {
	if out, err := run(ctx, filepath.Dir(file), "status", "--porcelain", "--", filepath.Base(file)); err == nil && strings.HasPrefix(out, "?") {
		return Commit{}, ErrUncommitted
	}
	out, err := run(ctx, filepath.Dir(file), "blame", "--porcelain", "-L", fmt.Sprintf("%d,%d", first, last), "--", filepath.Base(file))
	if err != nil {
		return Commit{}, err
	}
	newest, at, hash := "", int64(-1), ""
	for line := range strings.Lines(out) {
		word, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		switch {
		case len(word) == 40 && !strings.HasPrefix(line, "\t"):
			if hash = word; hash == uncommitted {
				return Commit{}, ErrUncommitted
			}
		case word == "committer-time":
			if t, err := strconv.ParseInt(rest, 10, 64); err == nil && t > at {
				newest, at = hash, t
			}
		}
	}
	if newest == "" {
		return Commit{}, ErrNoHistory
	}
	return show(ctx, filepath.Dir(file), newest)
}

// Last returns the newest commit that changed a file.
func Last(ctx context.Context, file string) (Commit, error) {
	dir, name := filepath.Dir(file), filepath.Base(file)
	if out, err := run(ctx, dir, "status", "--porcelain", "--", name); err != nil {
		return Commit{}, err
	} else if strings.TrimSpace(out) != "" {
		return Commit{}, ErrUncommitted
	}
	out, err := run(ctx, dir, "log", "-1", "--no-show-signature", "--format=%H", "--", name)
	if err != nil {
		return Commit{}, err
	}
	if strings.TrimSpace(out) == "" {
		return Commit{}, ErrNoHistory
	}
	return show(ctx, dir, strings.TrimSpace(out))
}

// Between lists the commits that to has and from has not, newest first, at most most of them.
func Between(ctx context.Context, dir, from, to string, most int) ([]Commit, error) {
	for _, r := range []string{from, to} {
		if r == "" || strings.HasPrefix(r, "-") {
			return nil, ErrNoHistory
		}
	}
	return list(ctx, dir, most, from+".."+to)
}

// During lists the commits of the present branch that were made after one moment and not after another, newest first.
func During(ctx context.Context, dir string, after, until time.Time, most int) ([]Commit, error) {
	return list(ctx, dir, most, fmt.Sprintf("--since=%d", after.Unix()+1), fmt.Sprintf("--until=%d", until.Unix()))
}

func list(ctx context.Context, dir string, most int, which ...string) ([]Commit, error) {
	args := append([]string{"log", "--no-show-signature", fmt.Sprintf("-%d", most), "--format=" + format}, which...)
	out, err := run(ctx, dir, append(args, "--")...)
	if err != nil {
		return nil, err
	}
	var commits []Commit
	for _, record := range strings.Split(out, "\x01") {
		if c, ok := parse(strings.TrimPrefix(record, "\n")); ok {
			commits = append(commits, c)
		}
	}
	return commits, nil
}

// format is one commit with its fields apart by NUL, ended by SOH.
const format = "%H%x00%an%x00%ae%x00%ct%x00%s%x00%(trailers:key=Reviewed-by,valueonly,unfold)%x00%(trailers:key=Approved-by,valueonly,unfold)%x01"

func show(ctx context.Context, dir, hash string) (Commit, error) {
	out, err := run(ctx, dir, "show", "-s", "--no-show-signature", "--format="+format, hash)
	if err != nil {
		return Commit{}, err
	}
	c, ok := parse(strings.TrimSuffix(strings.TrimSpace(out), "\x01"))
	if !ok {
		return Commit{}, ErrNoHistory
	}
	return c, nil
}

func parse(record string) (Commit, bool) {
	f := strings.Split(record, "\x00")
	if len(f) != 7 {
		return Commit{}, false
	}
	seconds, err := strconv.ParseInt(f[3], 10, 64)
	if err != nil {
		return Commit{}, false
	}
	c := Commit{Hash: f[0], Author: Person{f[1], f[2]}, At: time.Unix(seconds, 0).UTC(), Subject: f[4]}
	for _, line := range strings.Split(f[5]+"\n"+f[6], "\n") {
		if p, ok := person(line); ok {
			c.Approvers = append(c.Approvers, p)
		}
	}
	return c, true
}

// person reads the value of a trailer: "Name <address>", or one of the two.
func person(text string) (Person, bool) {
	text = strings.TrimSpace(text)
	if text == "" {
		return Person{}, false
	}
	name, rest, ok := strings.Cut(text, "<")
	if ok {
		return Person{strings.TrimSpace(name), strings.TrimSuffix(strings.TrimSpace(rest), ">")}, true
	}
	if strings.Contains(text, "@") && !strings.Contains(text, " ") {
		return Person{Email: text}, true
	}
	return Person{Name: text}, true
}
