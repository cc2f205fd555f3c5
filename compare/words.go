package compare

import (
	"math"
	"strconv"
	"strings"

	"github.com/envdiff/envdiff/snapshot"
)

// How single things read in a message: what it is about, a value, a size, a list of names.

// maxShown bounds a value in a message, maxNames the instances that are named one by one.
const (
	maxShown = 80
	maxNames = 3
)

// subject is the object and attribute of a node, without the scope, which the address of a finding begins with:
// "php.ini PHP.memory_limit", "column users.email nullable".
func subject(n *node) string {
	a := n.addr
	name, attribute := snapshot.Unescape(a.Name), snapshot.Unescape(a.Attribute)
	s := ""
	switch {
	case a.Kind == "config" && attribute == "":
		return "/" + name
	case a.Kind == "config":
		return name[strings.LastIndexByte(name, '/')+1:] + " " + attribute
	case a.Kind == "package":
		s = name[strings.IndexByte(name, '/')+1:]
		if attribute == "version" {
			return s
		}
	case a.Kind == "resource":
		return strings.TrimSpace(resourceName(a.Name) + " " + attribute)
	case a.Kind == "grant":
		return strings.TrimSuffix("privileges of "+attribute, " of ") + " on " + strings.Replace(name, "/", " ", 1)
	case a.Kind == "profile", a.Kind == "rows":
		return name
	case a.Kind == "host":
		return strings.TrimSpace(name + " " + strings.ReplaceAll(strings.TrimPrefix(strings.TrimSuffix(attribute, "_bytes"), "total"), "_", " "))
	case a.Kind == "value":
		return strings.TrimSpace(name + " " + attribute)
	default:
		s = strings.TrimSpace(a.Kind + " " + name)
	}
	return strings.TrimSpace(s + " " + strings.ReplaceAll(attribute, "_", " "))
}

// display is a value as a message shows it.
func display(n *node, v snapshot.Value) string {
	if f, ok := v.Number(); ok && strings.HasSuffix(n.addr.Attribute, "_bytes") {
		return bytesText(f)
	}
	s := oneLine.Replace(snapshot.Masked(v.Display()))
	if n.addr.Kind == "deployment" {
		s = shortRevision(s)
	}
	if s == "" {
		return `""`
	}
	if runes := []rune(s); len(runes) > maxShown {
		return string(runes[:maxShown-1]) + "…"
	}
	return s
}

var oneLine = strings.NewReplacer("\n", `\n`, "\r", `\r`)

// bytesText is a size in the unit that people think of: 8.0 GiB.
func bytesText(f float64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB", "PiB"}
	u := 0
	for math.Abs(f) >= 1024 && u < len(units)-1 {
		f /= 1024
		u++
	}
	if u == 0 {
		return strconv.FormatFloat(f, 'f', -1, 64) + " B"
	}
	return strconv.FormatFloat(f, 'f', 1, 64) + " " + units[u]
}

// enumerate joins names with commas and "and": "web1, web2 and web3".
func enumerate(names []string) string {
	switch len(names) {
	case 0:
		return ""
	case 1:
		return names[0]
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}

// plural counts a noun whose count of one goes without saying: "peer", "2 peers".
func plural(n int, noun string) string {
	if n == 1 {
		return noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}

// texts are the items of a value as a message shows them.
func texts(v snapshot.Value) []string {
	items := v.Items()
	out := make([]string, len(items))
	for i, it := range items {
		out[i] = oneLine.Replace(snapshot.Masked(it.Display()))
	}
	return out
}
