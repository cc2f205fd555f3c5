package compare

import (
	"strings"

	apk "github.com/knqyf263/go-apk-version"
	deb "github.com/knqyf263/go-deb-version"
	rpm "github.com/knqyf263/go-rpm-version"
)

// versionOrder is how two versions of a package relate by the ordering of their packaging system.
type versionOrder struct {
	compare int    // of the whole versions
	step    string // the most significant part that differs: "epoch", "a major release", …, "packaging revision"
}

// upstream reports that more than the packaging differs.
func (o versionOrder) upstream() bool { return o.compare != 0 && o.step != packagingRevision }

const packagingRevision = "a packaging revision"

// parts of a version: what upstream released and what the packagers added.
type parts struct {
	epoch, upstream, revision string
}

// orderVersions compares two versions of an ecosystem: each by its own rules, unknown ones number by number.
func orderVersions(ecosystem, a, b string) versionOrder {
	var cmp int
	var x, y parts
	switch ecosystem {
	case "deb":
		v, errV := deb.NewVersion(a)
		w, errW := deb.NewVersion(b)
		if errV != nil || errW != nil {
			return orderPlain(a, b)
		}
		cmp = v.Compare(w)
		x, y = splitVersion(a), splitVersion(b)
	case "rpm":
		cmp = rpm.NewVersion(a).Compare(rpm.NewVersion(b))
		x, y = splitVersion(a), splitVersion(b)
	case "apk":
		if !apk.Valid(a) || !apk.Valid(b) {
			return orderPlain(a, b)
		}
		v, _ := apk.NewVersion(a)
		w, _ := apk.NewVersion(b)
		cmp = v.Compare(w)
		x.upstream, x.revision = cutRevision(a, "-r")
		y.upstream, y.revision = cutRevision(b, "-r")
	default:
		order, known := orderings[ecosystem]
		if !known {
			return orderPlain(a, b)
		}
		c, ok := order(a, b)
		if !ok {
			return orderPlain(a, b)
		}
		return versionOrder{c, releaseStep(strings.TrimPrefix(a, "v"), strings.TrimPrefix(b, "v"))}
	}
	return versionOrder{sign(cmp), step(x, y)}
}

// splitVersion reads [epoch:]upstream[-revision], the notation that deb and rpm share.
func splitVersion(v string) parts {
	p := parts{epoch: "0"}
	if e, rest, ok := strings.Cut(v, ":"); ok {
		p.epoch, v = e, rest
	}
	p.upstream, p.revision = cutRevision(v, "-")
	return p
}

func cutRevision(v, sep string) (upstream, revision string) {
	if i := strings.LastIndex(v, sep); i >= 0 {
		return v[:i], v[i+len(sep):]
	}
	return v, ""
}

func step(a, b parts) string {
	switch {
	case a.epoch != b.epoch:
		return "an epoch"
	case a.upstream == b.upstream:
		return packagingRevision
	}
	return releaseStep(a.upstream, b.upstream)
}

// releaseStep names the first number that differs.
func releaseStep(a, b string) string {
	x, y := numbers(a), numbers(b)
	for i := range max(len(x), len(y)) {
		if i < len(x) && i < len(y) && x[i] == y[i] {
			continue
		}
		switch i {
		case 0:
			return "a major release"
		case 1:
			return "a minor release"
		}
		return "a patch release"
	}
	return "a pre-release or build"
}

// numbers are the leading dotted parts of a version.
func numbers(v string) []string {
	v = strings.TrimPrefix(v, "v")
	if end := strings.IndexAny(v, "~+-_"); end >= 0 {
		v = v[:end]
	}
	return strings.Split(v, ".")
}

// orderPlain compares the versions of ecosystems without an ordering of their own here: runs of digits as numbers, a
// pre-release ("-rc1") before its release.
func orderPlain(a, b string) versionOrder {
	x, y := strings.TrimPrefix(a, "v"), strings.TrimPrefix(b, "v")
	cmp := natural(core(x), core(y))
	if cmp == 0 {
		preX, preY := x[len(core(x)):], y[len(core(y)):]
		switch {
		case preX == preY:
		case preX == "":
			cmp = 1
		case preY == "":
			cmp = -1
		default:
			cmp = natural(preX, preY)
		}
	}
	return versionOrder{cmp, releaseStep(x, y)}
}

func core(v string) string {
	if i := strings.IndexAny(v, "-+"); i >= 0 {
		return v[:i]
	}
	return v
}

func natural(a, b string) int {
	for a != "" && b != "" {
		x, restA := run(a)
		y, restB := run(b)
		if x != y {
			if digit(x[0]) && digit(y[0]) {
				x, y = strings.TrimLeft(x, "0"), strings.TrimLeft(y, "0")
				if len(x) != len(y) {
					return sign(len(x) - len(y))
				}
			}
			if c := strings.Compare(x, y); c != 0 {
				return c
			}
		}
		a, b = restA, restB
	}
	return sign(len(a) - len(b))
}

// run is the leading run of digits, or of anything else.
func run(s string) (head, rest string) {
	i := 1
	for i < len(s) && digit(s[i]) == digit(s[0]) {
		i++
	}
	return s[:i], s[i:]
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

func sign(n int) int {
	switch {
	case n < 0:
		return -1
	case n > 0:
		return 1
	}
	return 0
}
