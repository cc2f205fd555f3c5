package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxQuestions bounds a conversation: each chain of links may need one more, and a chain has at most maxLinks.
const maxQuestions = 2 * maxLinks

// conversation fills the wants of one Fetch.
type conversation struct {
	line     *line
	mirror   *mirror
	wants    []Want
	sections Sections
	timeout  time.Duration // of one command
	now      func() time.Time
}

func newConversation(l *line, wants []Want, timeout time.Duration) *conversation {
	return &conversation{line: l, timeout: timeout, mirror: newMirror(l.about), wants: wants, sections: Sections{}}
}

// run asks until every want has its section. Its error ends the connection; the sections that are there by then are complete.
func (c *conversation) run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, c.line.kill)
	defer stop()
	c.refuse()
	for asked := 0; ; asked++ {
		c.mirror.forget()
		open, err := c.walk(ctx)
		if err != nil {
			return err
		}
		// Commands go along with the second question, or the last: they may take long, and must not hold up what is quick.
		var commands []int
		if asked > 0 || open == 0 {
			commands = c.commands()
		}
		if open == 0 && len(commands) == 0 {
			return nil
		}
		if asked > maxQuestions {
			return errors.New("its links lead further and further")
		}
		if err := c.ask(asked, commands); err != nil {
			return err
		}
	}
}

// refuse answers the wants that this host cannot serve.
func (c *conversation) refuse() {
	for _, w := range c.wants {
		switch {
		case w.Tree:
			c.sections[w.ID] = treeOnly
		case len(w.Command) > 0 && strings.ContainsRune(w.Input+strings.Join(w.Command, ""), 0):
			c.sections[w.ID] = Section{Problem: Failed, Detail: "an argument holds NUL"}
		case len(w.Command) == 0 && !slices.Contains([]string{"find", "stat", "ls"}, c.line.about.finds):
			c.sections[w.ID] = Section{Problem: Failed, Detail: "the host has no find and head, or neither stat nor ls with readlink"}
		case len(w.Command) > 0 && !c.line.about.has("head"):
			c.sections[w.ID] = Section{Problem: Failed, Detail: "the host has no head"}
		}
	}
}

// walk fills the sections of files for which all is known, and returns how many are not.
func (c *conversation) walk(ctx context.Context) (open int, err error) {
	t := &tree{files: c.mirror, whole: true}
	for _, w := range c.wants {
		if _, done := c.sections[w.ID]; done || len(w.Command) > 0 {
			continue
		}
		c.mirror.unknown = false
		s, err := t.fetchFiles(ctx, w)
		if err != nil {
			return 0, err
		}
		if c.mirror.unknown {
			open++
			continue
		}
		c.sections[w.ID] = s
	}
	return open, nil
}

// commands are the indices of the wants whose commands have not run.
func (c *conversation) commands() []int {
	var open []int
	for i, w := range c.wants {
		if _, done := c.sections[w.ID]; !done && len(w.Command) > 0 {
			open = append(open, i)
		}
	}
	return open
}

// giveUp fails the sections that are not there. What the host told last may have completed some.
func (c *conversation) giveUp(err error) {
	c.mirror.forget()
	_, _ = c.walk(context.Background())
	for _, w := range c.wants {
		if _, done := c.sections[w.ID]; !done {
			c.sections[w.ID] = Section{Problem: Failed, Detail: err.Error()}
		}
	}
}

// question is one message to the host, and what the numbers in its answer mean.
type question struct {
	text     strings.Builder
	needs    needs
	archived map[string]bool // files that are asked for in an archive
	largest  int64           // limit of an archive
	trees    []listing       // in the order of the answers
	bodies   []string
	sums     []sumName
}

// listing is one call of t.
type listing struct {
	depth int
	roots []string
}

// maxBatch bounds the names of one call; programs take only so many arguments.
const maxBatch = 300

// ask sends the needs and commands as one question and learns from the answer.
func (c *conversation) ask(number int, commands []int) error {
	q := &question{needs: c.mirror.need, archived: map[string]bool{}}
	q.list()
	q.contents(c.mirror)
	for _, i := range commands {
		w := c.wants[i]
		if w.Input == "" {
			q.call(w.Command, "c", i, outputLimit(w)+1)
			continue
		}
		q.call(append([]string{w.Input}, w.Command...), "ci", i, outputLimit(w)+1)
	}
	q.text.WriteString("r ok " + strconv.Itoa(number) + "\n")
	text := q.text.String()
	go func() { _, _ = io.WriteString(c.line.in, text) }() // an error shows in the answer, which does not come
	if err := c.listen(q, number); err != nil {
		return err
	}
	c.mirror.finish(q)
	return nil
}

func outputLimit(w Want) int64 {
	if w.MaxBytes > 0 {
		return w.MaxBytes
	}
	return DefaultMaxOutput
}

// list asks for trees, each endless one by itself because the host cuts a listing that is too long, and for single names.
func (q *question) list() {
	byDepth := map[int][]string{}
	for _, name := range slices.Sorted(maps.Keys(q.needs.trees)) {
		byDepth[q.needs.trees[name]] = append(byDepth[q.needs.trees[name]], name)
	}
	for _, name := range slices.Sorted(maps.Keys(q.needs.stats)) {
		if _, tree := q.needs.trees[name]; !tree {
			byDepth[0] = append(byDepth[0], name)
		}
	}
	for _, depth := range slices.Sorted(maps.Keys(byDepth)) {
		size := maxBatch
		if depth == endless {
			size = 1
		}
		for roots := range slices.Chunk(byDepth[depth], size) {
			q.trees = append(q.trees, listing{depth, roots})
			q.call(paths(roots), "t", depth)
			q.text.WriteString("r did\n")
		}
	}
}

// contents asks for bodies, by their limits, and for digests of other files.
func (q *question) contents(m *mirror) {
	byLimit := map[int64][]string{}
	var together []string
	for _, name := range slices.Sorted(maps.Keys(q.needs.bodies)) {
		limit := q.needs.bodies[name]
		if m.archivable(name, limit) {
			together = append(together, name)
		} else {
			byLimit[limit] = append(byLimit[limit], name)
		}
	}
	q.archive(m, together)
	for _, limit := range slices.Sorted(maps.Keys(byLimit)) {
		for names := range slices.Chunk(byLimit[limit], maxBatch) {
			q.call(paths(names), "b", limit, len(q.bodies))
			q.bodies = append(q.bodies, names...)
		}
	}
	byProgram := map[string][]sumName{}
	for key := range q.needs.sums {
		if _, body := q.needs.bodies[key.name]; !body {
			byProgram[program(key.content)] = append(byProgram[program(key.content)], key)
		}
	}
	for _, tool := range slices.Sorted(maps.Keys(byProgram)) {
		keys := byProgram[tool]
		slices.SortFunc(keys, func(a, b sumName) int { return strings.Compare(a.name, b.name) })
		for batch := range slices.Chunk(keys, maxBatch) {
			names := make([]string, len(batch))
			for i, k := range batch {
				names[i] = k.name
			}
			q.call(paths(names), "h", tool, len(q.bodies)+len(q.sums))
			q.sums = append(q.sums, batch...)
		}
	}
}

// call writes a line of the program: a function, its numbers, and quoted words.
func (q *question) call(words []string, function string, numbers ...any) {
	q.text.WriteString(function)
	for _, n := range numbers {
		fmt.Fprintf(&q.text, " %v", n)
	}
	for _, w := range words {
		q.text.WriteByte(' ')
		q.text.WriteString(quote(w))
	}
	q.text.WriteByte('\n')
}

// quote makes one word of a text for any POSIX shell: between single quotes nothing has a meaning but the single quote.
func quote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

func paths(names []string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = absolute(n)
	}
	return out
}
