package fetch

import (
	"bytes"
	"errors"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// toUTF8 reads a text by its byte order mark, else by the charset that the server names, else as UTF-8.
func toUTF8(body []byte, charset string) ([]byte, error) {
	switch {
	case bytes.HasPrefix(body, []byte{0xEF, 0xBB, 0xBF}):
		body, charset = body[3:], "utf-8"
	case bytes.HasPrefix(body, []byte{0xFF, 0xFE}):
		body, charset = body[2:], "utf-16le"
	case bytes.HasPrefix(body, []byte{0xFE, 0xFF}):
		body, charset = body[2:], "utf-16be"
	}
	switch strings.ToLower(strings.Trim(charset, `" `)) {
	case "", "utf-8", "utf8", "us-ascii", "ascii":
		if !utf8.Valid(body) {
			return nil, errors.New("the answer is no text in UTF-8, and names no other charset")
		}
		return body, nil
	case "iso-8859-1", "latin1", "iso_8859-1", "windows-1252", "cp1252":
		return latin(body), nil
	case "utf-16le":
		return wide(body, 0)
	case "utf-16be", "utf-16":
		return wide(body, 1)
	}
	return nil, errors.New("the answer is in a charset that envdiff does not read: serve UTF-8")
}

// latin reads windows-1252, of which ISO 8859-1 is the part without its typography; the WHATWG's Encoding standard takes both for one.
func latin(body []byte) []byte {
	out := make([]byte, 0, len(body)+len(body)/8)
	for _, c := range body {
		r := rune(c)
		if c >= 0x80 && c < 0xA0 {
			r = typography[c-0x80]
		}
		out = utf8.AppendRune(out, r)
	}
	return out
}

// typography are the characters 0x80 to 0x9F of windows-1252; the five unused ones stay control characters.
var typography = [32]rune{'€', 0x81, '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', 0x8D, 'Ž', 0x8F,
	0x90, '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', 0x9D, 'ž', 'Ÿ'}

// wide reads UTF-16; high says which byte of a pair is the higher one, counted from the end.
func wide(body []byte, high int) ([]byte, error) {
	if len(body)%2 != 0 {
		return nil, errors.New("the answer is no whole text in UTF-16")
	}
	units := make([]uint16, len(body)/2)
	for i := range units {
		a, b := uint16(body[2*i]), uint16(body[2*i+1])
		if high == 1 {
			a, b = b, a
		}
		units[i] = b<<8 | a
	}
	return []byte(string(utf16.Decode(units))), nil
}
