package config

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"

	"github.com/envdiff/envdiff/internal/transport"
	"github.com/envdiff/envdiff/snapshot"
)

// capture is one file on its way to facts.
type capture struct {
	in   snapshot.Input
	res  *snapshot.Result
	file transport.File
	at   snapshot.Address
}

// The facts that are not keys of the file begin with @, which no key of a parsed file does at its top
// but an XML attribute, and XML has a root.
const (
	digestFact = "@digest"
	keyFact    = "@private_key"
	linkFact   = "@link"
)

func (c capture) run() {
	f := c.file
	switch {
	case f.Target == "/dev/null": // how systemd masks a unit
		c.fact(linkFact, snapshot.String(f.Target))
	case unitLink(f):
		c.link()
		return
	case f.Problem == transport.NotFound && f.Target != "":
		c.fact(linkFact, snapshot.String(f.Target))
	case f.Problem == transport.NotFound, f.Mode.IsDir() && f.Problem == transport.OK:
		return // gone since it was listed; a directory is not a file
	case f.Problem != transport.OK:
		c.gap(problemText(string(f.Problem), f.Detail), problemHint(f.Problem))
		return
	default:
		if !c.body() {
			return
		}
	}
	c.res.Add(c.at, snapshot.Bool(true), f.Path)
}

func problemHint(p transport.Problem) string {
	switch p {
	case transport.Denied:
		return "let the user that reads this host read the file, or set sudo: true"
	case transport.TooLarge:
		return "leave it out of `config:`, or compare a smaller file"
	case transport.Outside, transport.Loop:
		return "correct the link, or name its target under `config:`"
	case transport.Special:
		return "name regular files only under `config:`"
	}
	return "run envdiff doctor"
}

func (c capture) fact(attribute string, v snapshot.Value) {
	c.res.Add(c.at.Attr(attribute), v, c.file.Path)
}

// gap leaves the whole file unknown: it has no facts, not even a digest, which the
// same file where it is readable would lack.
func (c capture) gap(reason, hint string) {
	covers := []string(nil)
	if c.file.Mode.IsDir() {
		covers = []string{"config/" + c.at.Name + "/*"}
	}
	c.res.Missing(c.at, reason, hint, covers...)
}

// digest compares a file by its bytes. The digest is keyed: a plain one of a file that holds
// little but a password could be guessed.
func (c capture) digest() {
	c.fact(digestFact, c.in.Redact.Content(c.file.Body))
}

// body understands the file, or takes its digest. It reports false where it left a gap.
func (c capture) body() bool {
	text, ok := decode(c.file.Body)
	if !ok {
		c.digest()
		return true
	}
	if privateKey.Match(text) && pemOnly(text) {
		c.fact(keyFact, c.in.Redact.Secret(string(bytes.TrimSpace(text))))
		return true
	}
	f, sure := find(c.file.Path, text)
	if f == nil || !sure && len(text) > maxParsed {
		if len(bytes.TrimSpace(text)) > 0 && !commentsAlone(c.file.Path, text) {
			c.digest()
		}
		return true
	}
	if len(text) > maxParsed {
		c.gap(fmt.Sprintf("larger than what is parsed: %d bytes, the limit is %d", len(text), maxParsed), limitHint)
		return false
	}
	entries, err := f.parse(text)
	switch {
	case err == nil:
		r := resolver{redact: c.in.Redact, at: attributesOf(c.at), file: c.file.Path}
		c.res.Facts = append(c.res.Facts, r.facts(entries)...)
	case isLimit(err):
		c.gap("larger than what is parsed: "+err.Error(), limitHint)
		return false
	case sure && !template.Match(text):
		c.gap("not readable as "+f.name+": "+place(err), "correct the file, or leave it out of `config:`")
		return false
	default:
		c.digest()
	}
	return true
}

const limitHint = "leave generated data out of `config:`"

// commentsAlone reports a configuration file of unknown format that says nothing.
func commentsAlone(name string, text []byte) bool {
	return configName(name) && !bytes.HasPrefix(text, []byte("#!")) && len(significant(text, "#")) == 0
}

func place(err error) string {
	var pos *posError
	if errors.As(err, &pos) {
		return pos.Error()
	}
	return "malformed"
}

var (
	privateKey = regexp.MustCompile(`-----BEGIN [A-Z0-9 ]*PRIVATE KEY( BLOCK)?-----`)
	// template finds the marks of Jinja, ERB and Go templates: a file with them is not yet configuration.
	template = regexp.MustCompile(`\{\{|\{%|<%`)
)

// pemOnly reports whether a file is keys and certificates and nothing else.
func pemOnly(text []byte) bool {
	return bytes.HasPrefix(bytes.TrimSpace(text), []byte("-----BEGIN ")) || pemWithAttributes.Match(text)
}

var pemWithAttributes = regexp.MustCompile(`^(Bag Attributes|Key Attributes|subject=)`)
