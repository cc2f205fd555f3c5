package compare

import "strings"

// versionPair is the comparison that a message speaks of: somebody's version against the others'.
type versionPair struct {
	who, version, other string
	order               versionOrder
}

// versionPair compares the last side with the first one that differs from it, or within an
// environment the odd instances with their peers.
func (j *judgement) versionPair() (versionPair, bool) {
	d := j.d
	ecosystem, _, _ := strings.Cut(d.node.addr.Name, "/")
	if d.within {
		odd, norm := d.shares[len(d.shares)-1], d.shares[0]
		for _, s := range d.shares {
			if s.odd {
				odd = s
				break
			}
		}
		a, okA := versionOf(odd)
		b, okB := versionOf(norm)
		return versionPair{j.who(odd), a, b, orderVersions(ecosystem, a, b)}, okA && okB
	}
	last := d.sides[len(d.sides)-1]
	to := d.norm(last)
	if len(to) == 0 {
		return versionPair{}, false
	}
	a, ok := versionOf(to[0])
	for _, side := range d.sides[:len(d.sides)-1] {
		from := d.norm(side)
		if len(from) == 0 {
			continue
		}
		if b, okB := versionOf(from[0]); ok && okB && a != b {
			return versionPair{j.c.sides[last].Name, a, b, orderVersions(ecosystem, a, b)}, true
		}
	}
	return versionPair{}, false
}

func versionOf(s share) (string, bool) {
	if s.absent {
		return "", false
	}
	return s.groups[0].value.Text()
}

// older reports that the last side, or an odd instance, is behind by upstream version. In a tie somebody is.
func (j *judgement) older() bool {
	p, ok := j.versionPair()
	if !ok || !p.order.upstream() {
		return false
	}
	return p.order.compare < 0 || j.d.within && j.d.oddOn().empty()
}
