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

// The facts that are not keys of the file begin with @, which no key of a parsed file does at its top but an XML attribute, and XML has a root.
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
	case f.Problem == transport.NotFound && f.Target != "":
		c.fact(linkFact, snapshot.String(f.Target))
	case f.Problem == transport.NotFound, f.Mode.IsDir() && f.Problem == transport.OK:
		return // gone since it was listed; a directory is not a file
	case f.Problem != transport.OK:
		c.gap(problemText(string(f.Problem), f.Detail), problemHint(f.Problem))
		return
	case len(f.Body) > maxParsed:
		if known, sure := find(f.Path, f.Body); known != nil && sure && bytes.IndexByte(f.Body, 0) < 0 {
			c.gap(fmt.Sprintf("%d bytes, and only files of up to %d are parsed: compared by digest", len(f.Body), maxParsed), "")
		}
		c.digest()
	default:
		c.body()
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

func (c capture) gap(reason, hint string) {
	if hint == "" {
		hint = "envdiff explain " + c.at.String()
	}
	covers := []string(nil)
	if c.file.Mode.IsDir() {
		covers = []string{"config/" + c.at.Name + "/*"}
	}
	c.res.Missing(c.at, reason, hint, covers...)
}

// digest compares a file by its bytes. The digest is keyed: a plain one of a file that holds little but a password could be guessed.
func (c capture) digest() {
	c.fact(digestFact, snapshot.String(c.in.Redact.Key("config").Digest("file", c.file.Body)))
}

// body understands the file, or falls back to its digest.
func (c capture) body() {
	text, ok := decode(c.file.Body)
	if !ok {
		c.digest()
		return
	}
	if key := privateKey.Find(text); key != nil && pemOnly(text) {
		c.fact(keyFact, c.in.Redact.Secret(string(bytes.TrimSpace(text))))
		return
	}
	f, sure := find(c.file.Path, text)
	if f == nil {
		if len(bytes.TrimSpace(text)) > 0 && !commentsAlone(c.file.Path, text) {
			c.digest()
		}
		return
	}
	entries, err := f.parse(text)
	switch {
	case err == nil:
		r := resolver{redact: c.in.Redact, object: c.at, file: c.file.Path}
		c.res.Facts = append(c.res.Facts, r.facts(entries)...)
		return
	case isLimit(err):
		c.gap(err.Error()+": compared by digest", "leave generated data out of `config:`")
	case sure && !template.Match(text):
		c.gap("not readable as "+f.name+", compared by digest: "+place(err), "correct the file, or leave it out of `config:`")
	}
	c.digest()
}

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
