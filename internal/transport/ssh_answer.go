package transport

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"
)

// answer reads the records that answer one question.
type answer struct {
	*conversation
	q     *question
	trees int              // how many calls of t are done
	found map[string]*node // by the call that is being answered
	full  bool             // its listing was cut
}

// listen reads records up to the one that ends the answer.
func (c *conversation) listen(q *question, number int) error {
	a := &answer{conversation: c, q: q}
	if err := c.line.stream.skip(maxBanner); err != nil { // what a login script left running may print
		return err
	}
	for {
		h := c.line.stream.header
		if h[0] == "ok" {
			if len(h) != 2 || h[1] != strconv.Itoa(number) || a.trees != len(q.trees) {
				return errGarbage
			}
			return nil
		}
		if err := a.record(h); err != nil {
			return err
		}
	}
}

// record takes one record: it reads its body, with which the stream stands on the next header.
func (a *answer) record(h []string) error {
	s := a.line.stream
	switch h[0] {
	case "tree", "rest":
		text, err := s.body(maxListing + 1)
		if err != nil {
			return err
		}
		return a.listing(h[0], text)
	case "trouble":
		text, err := s.body(maxListing)
		if err != nil {
			return err
		}
		parseTrouble(a.found, string(text))
		return nil
	case "did":
		if err := a.nothing(); err != nil {
			return err
		}
		return a.treeDone()
	case "no":
		if err := a.nothing(); err != nil {
			return err
		}
		return a.refusal(h[1:])
	case "body":
		i, err := index(h[1:], len(a.q.bodies))
		if err != nil {
			return err
		}
		return a.body(a.q.bodies[i])
	case "archive":
		return a.archive()
	case "digests":
		text, err := s.body(maxListing)
		if err != nil {
			return err
		}
		return a.digests(h[1:], string(text))
	case "cmd":
		i, err := index(h[1:], len(a.wants))
		if err != nil {
			return err
		}
		return a.command(a.wants[i])
	}
	return errGarbage
}

// nothing reads the body of a record that has none.
func (a *answer) nothing() error {
	_, err := a.line.stream.body(0)
	return err
}

func index(words []string, length int) (int, error) {
	if len(words) == 0 {
		return 0, errGarbage
	}
	i, err := strconv.Atoi(words[0])
	if err != nil || i < 0 || i >= length {
		return 0, errGarbage
	}
	return i, nil
}

// listing collects what a call of t printed.
func (a *answer) listing(kind string, text []byte) error {
	if kind == "tree" {
		a.full = len(text) >= maxListing
	}
	if kind == "tree" && a.line.about.finds == "find" {
		a.found = parseFind(text)
		return nil
	}
	if kind == "tree" {
		a.found = map[string]*node{}
	}
	parseMarked(a.found, text, a.line.stream.word())
	return nil
}

// treeDone learns what the call of t has told.
func (a *answer) treeDone() error {
	if a.trees >= len(a.q.trees) {
		return errGarbage
	}
	t := a.q.trees[a.trees]
	a.trees++
	if a.full {
		for _, root := range t.roots {
			a.mirror.cut[root] = true
		}
	}
	a.mirror.learn(t.roots, t.depth, a.found)
	a.found, a.full = nil, false
	return nil
}

// refusal is a file or command that the host cannot give.
func (a *answer) refusal(words []string) error {
	if len(words) != 2 {
		return errGarbage
	}
	if words[0][0] == 'c' {
		i, err := index([]string{words[0][1:]}, len(a.wants))
		if err != nil {
			return err
		}
		w := a.wants[i]
		if len(w.Command) == 0 {
			return errGarbage
		}
		a.sections[w.ID] = Section{Problem: NotFound, Detail: "no command " + w.Command[0]}
		return nil
	}
	i, err := index(words, len(a.q.bodies)+len(a.q.sums))
	if err != nil {
		return err
	}
	why := map[string]error{"gone": fs.ErrNotExist, "special": errSpecial, "denied": fs.ErrPermission}[words[1]]
	if why == nil {
		return errGarbage
	}
	a.mirror.wrong[a.name(i)] = why
	return nil
}

// name is the file of an index: bodies are numbered first, then digests.
func (a *answer) name(i int) string {
	if i < len(a.q.bodies) {
		return a.q.bodies[i]
	}
	return a.q.sums[i-len(a.q.bodies)].name
}

// body takes a file's content; the record behind it says whether it was read to its end.
func (a *answer) body(name string) error {
	limit := a.q.needs.bodies[name]
	data, err := a.line.stream.body(limit)
	if err != nil {
		return err
	}
	status, err := a.end()
	if err != nil {
		return err
	}
	if status != 0 {
		a.mirror.wrong[name] = errUnread
		return nil
	}
	a.mirror.bodies[name] = body{data: data, limit: limit}
	return nil
}

// errUnread is a file that can be opened and not read.
var errUnread = errors.New("it could not be read to its end")

// output reads what a program printed, of at most limit bytes, and its exit status, which is behind it: -1 where the output was cut, or the program killed with its shell.
func (a *answer) output(limit int64) (out []byte, status int, err error) {
	mark := a.line.stream.word()
	text, err := a.line.stream.body(limit + int64(len(mark)) + 3)
	if err != nil {
		return nil, 0, err
	}
	if h := a.line.stream.header; len(h) != 1 || h[0] != "done" {
		return nil, 0, errGarbage
	}
	out, status = text, -1
	if at := len(text) - len(mark) - 3; at >= 0 && string(text[at:at+len(mark)]) == mark {
		out = text[:at]
		if status, err = index([]string{string(text[at+len(mark):])}, 256); err != nil {
			return nil, 0, err
		}
	}
	return out, status, a.nothing()
}

// end reads the record behind a body, with its exit status.
func (a *answer) end() (status int, err error) {
	h := a.line.stream.header
	if h[0] != "end" || len(h) != 2 {
		return 0, errGarbage
	}
	if status, err = index(h[1:], 256); err != nil {
		return 0, err
	}
	return status, a.nothing()
}

// digests reads what md5sum and sha256sum print: digest, two characters, name.
func (a *answer) digests(words []string, text string) error {
	var content Content
	var length int
	switch {
	case len(words) != 1:
		return errGarbage
	case words[0] == program(MD5):
		content, length = MD5, 32
	case words[0] == program(SHA256):
		content, length = SHA256, 64
	default:
		return errGarbage
	}
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if len(line) < length+3 || strings.Trim(line[:length], "0123456789abcdef") != "" {
			continue
		}
		name, ok := relative(line[length+2:])
		key := sumName{content, name}
		if ok && a.q.needs.sums[key] {
			a.mirror.sums[key] = line[:length]
		}
	}
	return nil
}

// The exit statuses of a shell for a command that was killed, and one that may not be executed.
const (
	statusTimeout = 124
	statusKilled  = 128 + 9
	statusDenied  = 126
)

// command takes a command's output.
func (a *answer) command(w Want) error {
	if len(w.Command) == 0 {
		return errGarbage
	}
	var taken time.Time
	if a.now != nil {
		taken = a.now()
	}
	limit := outputLimit(w)
	out, status, err := a.output(limit + 1)
	if err != nil {
		return err
	}
	switch {
	case int64(len(out)) > limit:
		a.sections[w.ID] = Section{Problem: TooLarge, Detail: fmt.Sprintf("output of more than %d bytes", limit)}
	case status == statusKilled, status == statusTimeout:
		a.sections[w.ID] = Section{Problem: Failed, Detail: fmt.Sprintf("killed, or no answer within %s", a.timeout)}
	case status == statusDenied:
		a.sections[w.ID] = Section{Problem: Denied}
	default:
		a.sections[w.ID] = Section{Output: out, Status: status, Taken: taken}
	}
	return nil
}
