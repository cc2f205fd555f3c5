package config

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf16"
)

// decode makes UTF-8 text with plain line feeds of a file's bytes. ok is false for what is no text.
func decode(src []byte) (text []byte, ok bool) {
	ok = true
	switch {
	case bytes.HasPrefix(src, []byte{0xEF, 0xBB, 0xBF}):
		src = src[3:]
	case bytes.HasPrefix(src, []byte{0xFF, 0xFE}):
		src, ok = utf16Text(src[2:], 0, 1)
	case bytes.HasPrefix(src, []byte{0xFE, 0xFF}):
		src, ok = utf16Text(src[2:], 1, 0)
	}
	if !ok || bytes.HasPrefix(src, []byte{0xEF, 0xBB, 0xBF}) || bytes.IndexByte(src, 0) >= 0 {
		return nil, false
	}
	if bytes.IndexByte(src, '\r') >= 0 {
		src = bytes.ReplaceAll(src, []byte("\r\n"), []byte("\n"))
	}
	return src, true
}

// utf16Text decodes pairs of bytes whose low and high halves are at lo and hi.
func utf16Text(src []byte, lo, hi int) ([]byte, bool) {
	if len(src)%2 != 0 {
		return nil, false
	}
	units := make([]uint16, len(src)/2)
	for i := range units {
		units[i] = uint16(src[2*i+lo]) | uint16(src[2*i+hi])<<8
	}
	return []byte(string(utf16.Decode(units))), true
}

// posError is a parse error at a place. Its text never quotes the file.
type posError struct {
	line, col int // 0 is unknown
	msg       string
}

func (e *posError) Error() string {
	switch {
	case e.line == 0:
		return e.msg
	case e.col == 0:
		return fmt.Sprintf("line %d: %s", e.line, e.msg)
	}
	return fmt.Sprintf("line %d, column %d: %s", e.line, e.col, e.msg)
}

func errAt(line int, msg string) error { return &posError{line: line, msg: msg} }

// position is the line and column, from 1, of a byte offset.
func position(src []byte, offset int) (line, col int) {
	offset = min(max(offset, 0), len(src))
	before := src[:offset]
	return bytes.Count(before, []byte{'\n'}) + 1, offset - bytes.LastIndexByte(before, '\n')
}

// textLine is one line of a file.
type textLine struct {
	text string // without the line feed and surrounding white space
	raw  string
	no   int
}

// lines splits text into its lines, empty ones included.
func lines(src []byte) []textLine {
	var out []textLine
	for i, l := range strings.Split(string(src), "\n") {
		out = append(out, textLine{strings.TrimSpace(l), l, i + 1})
	}
	return out
}

// significant are the lines that are neither empty nor comments, which begin with one of marks.
func significant(src []byte, marks string) []textLine {
	var out []textLine
	for _, l := range lines(src) {
		if l.text != "" && !strings.ContainsRune(marks, rune(l.text[0])) {
			out = append(out, l)
		}
	}
	return out
}

// oneSpace makes every run of white space one space.
func oneSpace(s string) string { return strings.Join(strings.Fields(s), " ") }

// joined are lines with backslash continuations put together. A comment between
// continued lines is skipped, as systemd does.
func joined(ls []textLine, marks string) []textLine {
	var out []textLine
	open := false
	for _, l := range ls {
		comment := l.text != "" && strings.ContainsRune(marks, rune(l.text[0]))
		if open && comment {
			continue
		}
		more := !comment && strings.HasSuffix(l.text, `\`)
		body := l.text
		if more {
			body = strings.TrimSpace(strings.TrimSuffix(body, `\`))
		}
		if open {
			last := &out[len(out)-1]
			last.text = strings.TrimSpace(last.text + " " + body)
		} else if body != "" && !comment {
			out = append(out, textLine{body, l.raw, l.no})
		} else {
			more = false
		}
		open = more
	}
	return out
}
