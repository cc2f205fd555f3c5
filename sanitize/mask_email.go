package sanitize

import (
	"bytes"
	"unicode/utf8"

	"github.com/envdiff/envdiff/internal/keys"
)

// reservedTLD ends every masked host name: nothing under it can ever resolve (RFC
// 2606 §2), so nobody is mailed or called.
const reservedTLD = ".invalid"

// email masks the local part and the domain each in a key of its own, so that people of one provider stay together, and
// appends .invalid to the domain. What is no address is masked by shape and stays none.
type email struct {
	local, domain *shape
	limits        limits
	shorten       bool
}

func newEmail(key keys.Key, o maskOptions) cellMasker {
	return &email{
		local:   newShape(key.Derive("local part"), o.oneWay()),
		domain:  newShape(key.Derive("mail domain"), o.oneWay()),
		limits:  o.limits,
		shorten: o.oneWay(),
	}
}

func (m *email) append(dst, v []byte) []byte {
	core := bytes.TrimSpace(v)
	at := emailAt(core)
	if at < 0 {
		start := len(dst)
		dst = append(dst, v...)
		m.local.mask(dst[start:]) // keeps every separator, so it stays no address
		return dst
	}
	lead := bytes.Index(v, core)
	dst = append(dst, v[:lead]...)
	local := len(dst)
	dst = append(dst, core[:at]...)
	m.local.mask(dst[local:])
	dst = append(dst, '@')
	dst = appendHost(dst, core[at+1:], m.domain, m.limits.room(v), m.shorten)
	return append(dst, v[lead+len(core):]...)
}

// appendHost masks a host name and puts it under .invalid. Where the column has no room for that, a
// bijective mask leaves the ending out (walking past images that have it by chance, so different names stay
// different) and a one-way mask cuts the name.
func appendHost(dst, host []byte, s *shape, room int, shorten bool) []byte {
	start := len(dst)
	dst = append(dst, host...)
	out := dst[start:]
	if room < 0 || room >= len(reservedTLD) {
		s.mask(out)
		return append(dst, reservedTLD...)
	}
	if shorten && len(host)+room > len(reservedTLD) && isASCII(host) {
		s.mask(out)
		keep := len(host) + room - len(reservedTLD)
		out = bytes.TrimRight(out[:min(keep, len(out))], ".-")
		if len(out) > 0 {
			return append(dst[:start+len(out)], reservedTLD...)
		}
	}
	s.maskClosed(dst[start:], underReserved)
	return dst
}

func underReserved(host []byte) bool {
	n := len(host) - len(reservedTLD)
	return n >= 0 && bytes.EqualFold(host[n:], []byte(reservedTLD))
}

func isASCII(v []byte) bool {
	for _, c := range v {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// emailAt returns where the @ of an e-mail address is, or -1. It looks at classes of characters only, which the masks
// keep: one @, a local part without blanks, a domain of at least two labels of letters, digits and dashes.
func emailAt(v []byte) int {
	at := bytes.IndexByte(v, '@')
	if at < 1 || len(v) > 320 || !utf8.Valid(v) {
		return -1
	}
	for _, c := range v[:at] {
		if c <= ' ' || c == 0x7f || bytes.IndexByte([]byte(`"(),:;<>[\]`), c) >= 0 {
			return -1
		}
	}
	if !isHostName(v[at+1:]) {
		return -1
	}
	return at
}

// isHostName accepts two or more labels of letters, digits, dashes and characters beyond ASCII.
func isHostName(v []byte) bool {
	label, labels := 0, 1
	for _, c := range v {
		switch {
		case c == '.':
			if label == 0 {
				return false
			}
			label = 0
			labels++
		case c == '-', c == '_', c >= utf8.RuneSelf, asciiMembers[c].alphabet != nil:
			label++
		default:
			return false
		}
	}
	return label > 0 && labels > 1
}

// url masks user, host, path, query and fragment; the scheme, the port and percent
// escapes stay, and the host ends in .invalid.
type url struct {
	host, rest *shape
	limits     limits
	shorten    bool
}

func newURL(key keys.Key, o maskOptions) cellMasker {
	return &url{
		host:    newShape(key.Derive("host"), o.oneWay()),
		rest:    newShape(key.Derive("path"), o.oneWay()),
		limits:  o.limits,
		shorten: o.oneWay(),
	}
}

func (m *url) append(dst, v []byte) []byte {
	from, to := urlHost(v)
	if to == 0 {
		start := len(dst)
		dst = append(dst, v...)
		m.rest.maskClosed(dst[start:], isURL)
		return dst
	}
	authority := bytes.Index(v, []byte("://")) + 3
	dst = append(dst, v[:authority]...)
	user := len(dst)
	dst = append(dst, v[authority:from]...)
	m.rest.mask(dst[user:])
	switch host := v[from:to]; {
	case isHostName(host):
		dst = appendHost(dst, host, m.host, m.limits.room(v), m.shorten)
	default: // localhost, a bare name, an IPv6 literal: resolvable inside a network at most
		start := len(dst)
		dst = append(dst, host...)
		if !bytes.EqualFold(host, []byte("localhost")) {
			m.host.maskClosed(dst[start:], func(b []byte) bool { return bytes.EqualFold(b, []byte("localhost")) })
		}
	}
	tail := v[to:]
	port := 0
	for port < len(tail) && tail[port] != '/' && tail[port] != '?' && tail[port] != '#' {
		port++
	}
	dst = append(dst, tail[:port]...)
	start := len(dst)
	dst = append(dst, tail[port:]...)
	m.maskPath(dst[start:])
	return dst
}

// plain reports URLs of the own machine without anything else in them.
func (m *url) plain(v []byte) bool {
	from, to := urlHost(v)
	if to == 0 || !bytes.EqualFold(v[from:to], []byte("localhost")) || v[from-1] == '@' {
		return false
	}
	tail := v[to:]
	if i := bytes.IndexByte(tail, '/'); i >= 0 {
		return !substance(tail[i:])
	}
	return bytes.IndexByte(tail, '?') < 0 && bytes.IndexByte(tail, '#') < 0
}

// maskPath masks by shape but for the two digits of percent escapes.
func (m *url) maskPath(v []byte) {
	s := m.rest
	s.reset()
	s.load(v)
	var escapes []int
	for i := 0; i+2 < len(v); i++ {
		if v[i] == '%' {
			escapes = append(escapes, i+1, i+2)
			i += 2
		}
	}
	if escapes != nil {
		s.forget(escapes...)
	}
	if len(s.sym) > 0 {
		s.derange()
		s.store(v)
	}
}

func isURL(v []byte) bool {
	_, to := urlHost(v)
	return to > 0
}

// urlHost finds the host in scheme://user@host:port/…; to is 0 when v is no such URL.
func urlHost(v []byte) (from, to int) {
	sep := bytes.Index(v, []byte("://"))
	if sep < 2 || sep > 12 {
		return 0, 0
	}
	for _, c := range v[:sep] {
		if c >= utf8.RuneSelf || asciiMembers[c].alphabet != letters && c != '+' {
			return 0, 0
		}
	}
	from = sep + 3
	end := from
	for end < len(v) && v[end] != '/' && v[end] != '?' && v[end] != '#' {
		if v[end] <= ' ' {
			return 0, 0
		}
		end++
	}
	if at := bytes.LastIndexByte(v[from:end], '@'); at >= 0 {
		from += at + 1
	}
	to = end
	if colon := bytes.LastIndexByte(v[from:end], ':'); colon >= 0 && bytes.IndexByte(v[from+colon:end], ']') < 0 {
		to = from + colon
	}
	if to == from {
		return 0, 0
	}
	return from, to
}
