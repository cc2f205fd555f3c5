package sanitize

import (
	"bytes"
	"net/netip"
	"unicode/utf8"

	"github.com/envdiff/envdiff/internal/keys"
)

// ip puts addresses into ranges that are never routed: 240.0.0.0/4 (RFC 1112 §4, "reserved") and 2001:db8::/32 (RFC
// 3849, documentation); a prefix length stays. Where different addresses must stay different, all bits of IPv4 and
// all digits of IPv6 are permuted instead.
type ip struct {
	s      *shape
	unique bool
	limits limits
}

func newIP(key keys.Key, o maskOptions) cellMasker {
	return &ip{newShape(key, !o.unique), o.unique, o.limits}
}

func (m *ip) append(dst, v []byte) []byte {
	start := len(dst)
	if dst = m.address(dst, v); m.limits.holds(dst[start:]) {
		return dst
	}
	dst = append(dst[:start], v...) // a short column, and an address that was written in few characters: its digits, which may be no address then
	if bytes.IndexByte(v, ':') >= 0 {
		m.permute6(dst[start:])
	} else {
		m.s.mask(dst[start:])
	}
	return dst
}

func (m *ip) address(dst, v []byte) []byte {
	start := len(dst)
	a, bits, ok := parseIP(v)
	if !ok {
		dst = append(dst, v...)
		m.s.maskClosed(dst[start:], isIP)
		return dst
	}
	if a.Is4() {
		a = m.mask4(a)
	} else if m.unique {
		dst = append(dst, v...)
		closed(dst[start:], isIP, m.permute6)
		return dst
	} else {
		a = m.mask6(a)
	}
	if bits < 0 {
		return a.AppendTo(dst)
	}
	p := netip.PrefixFrom(a, bits)
	if was, err := netip.ParsePrefix(string(v)); err == nil && was == was.Masked() {
		p = p.Masked() // a network stays a network: PostgreSQL's cidr takes nothing else
	}
	return p.AppendTo(dst)
}

// plain reports whole address spaces, as in 0.0.0.0/0.
func (m *ip) plain(v []byte) bool {
	_, bits, ok := parseIP(v)
	return ok && bits == 0
}

// octets is the radix of the bytes of an address.
var octets = []uint16{256, 256, 256, 256, 256, 256, 256, 256, 256, 256, 256, 256, 256, 256, 256, 256}

func (m *ip) mask4(a netip.Addr) netip.Addr {
	b := a.As4()
	if m.unique {
		// A shift has no fixed point, and neither has its conjugate by the permutation.
		m.s.f.permute(b[:], octets[:4])
		b[3]++
		m.s.f.invert(b[:], octets[:4])
		return netip.AddrFrom4(b)
	}
	m.s.f.oneWay(b[:], octets[:4])
	b[0] = 240 | b[0]&15
	if out := netip.AddrFrom4(b); out != a {
		return out
	}
	b[3]++
	return netip.AddrFrom4(b)
}

func (m *ip) mask6(a netip.Addr) netip.Addr {
	b := a.As16()
	m.s.f.oneWay(b[:], octets)
	copy(b[:], []byte{0x20, 0x01, 0x0d, 0xb8})
	if out := netip.AddrFrom16(b); out != a {
		return out
	}
	b[15]++
	return netip.AddrFrom16(b)
}

// permute6 permutes the digits of an IPv6 address in place; "::" alone stays.
func (m *ip) permute6(v []byte) {
	m.s.reset()
	m.s.loadIn(hexMembers, v[:addressEnd(v)])
	if len(m.s.sym) > 0 {
		m.s.derange()
		m.s.store(v)
	}
}

// parseIP reads an address with or without a prefix length; bits is -1 without. Zones are not accepted.
func parseIP(v []byte) (a netip.Addr, bits int, ok bool) {
	if len(v) < 2 || len(v) > 49 || !addressLike(v) {
		return a, -1, false
	}
	if addressEnd(v) < len(v) {
		p, err := netip.ParsePrefix(string(v))
		return p.Addr(), p.Bits(), err == nil
	}
	a, err := netip.ParseAddr(string(v))
	return a, -1, err == nil && a.Zone() == ""
}

// addressLike spares the errors of what is no address at all: they are allocated.
func addressLike(v []byte) bool {
	marks := 0
	for _, c := range v {
		switch {
		case c == ':' || c == '.':
			marks++
		case c != '/' && (c >= utf8.RuneSelf || hexMembers[c].alphabet == nil):
			return false
		}
	}
	return marks >= 2
}

func isIP(v []byte) bool {
	_, _, ok := parseIP(v)
	return ok
}

func addressEnd(v []byte) int {
	for i, c := range v {
		if c == '/' {
			return i
		}
	}
	return len(v)
}

// mac permutes the hexadecimal digits of a hardware address but the second, which holds the flags "group" and "local".
type mac struct{ s *shape }

func newMAC(key keys.Key, o maskOptions) cellMasker { return &mac{newShape(key, false)} }

func (m *mac) append(dst, v []byte) []byte {
	start := len(dst)
	dst = append(dst, v...)
	out := dst[start:]
	if !isMAC(out) {
		m.s.maskClosed(out, isMAC)
		return dst
	}
	m.s.reset()
	m.s.loadIn(hexMembers, out)
	m.s.forget(1)
	m.s.derange()
	m.s.store(out)
	return dst
}

// isMAC accepts 12 or 16 hexadecimal digits in groups with ':', '-' or '.'.
func isMAC(v []byte) bool {
	n := 0
	for i, c := range v {
		switch {
		case c < 0x80 && hexMembers[c].alphabet != nil:
			n++
		case i < 2 || c != ':' && c != '-' && c != '.':
			return false
		}
	}
	return (n == 12 || n == 16) && len(v) > n
}
