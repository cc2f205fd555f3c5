package compare

import (
	"slices"
	"strings"

	"github.com/envdiff/envdiff/snapshot"
)

// explained leaves out differences that a parameter explains: values of a catalogue's resources that are alike once the parameters of the classes and defined
// types around them are taken out, as the collector wrote beside them. The finding is at the parameter; what it explains is related to it.
func (c *comparison) explained(ds []*difference) []*difference {
	if c.opt.KeepAbsorbed {
		return ds
	}
	at := map[string][]*difference{}
	for _, d := range ds {
		if d.node.addr.Kind == "resource" {
			at[d.node.key] = append(at[d.node.key], d)
		}
	}
	if len(at) == 0 {
		return ds
	}
	out := ds[:0]
	for _, d := range ds {
		if c.keptBack(d) {
			continue
		}
		by, ok := c.explainedBy(d)
		var causes []*difference
		for _, parameter := range by {
			for _, cause := range at[d.node.addr.Scope+":resource/"+parameter] {
				if cause != d && cause.within == d.within && cause.alone == d.alone && slices.Equal(cause.sides, d.sides) {
					causes = append(causes, cause)
				}
			}
		}
		if !ok || d.alone && len(causes) == 0 {
			out = append(out, d)
			continue
		}
		for _, cause := range causes {
			cause.explains = append(cause.explains, d.node.addr.String())
		}
	}
	return out
}

// explainedBy lists the parameters, as TYPE/TITLE#PARAMETER, that explain a difference, if they explain all of it: every value that takes part in it
// has a reading that all others have too.
func (c *comparison) explainedBy(d *difference) (by []string, ok bool) {
	a := d.node.addr
	if a.Kind != "resource" || a.Attribute == "" || d.node.presence || d.node.order || d.hasAbsent() || d.alone && d.remark.rule != "secret-shared" {
		return nil, false
	}
	var common []string
	first := true
	for _, s := range d.shares {
		if s.absent {
			continue
		}
		for _, g := range s.groups {
			for _, instance := range c.views[s.side][a.Scope].names(g.on) {
				readings := c.beside(s.side, d.node.cells[s.side].addr, "@template.", instance)
				if first {
					common, first = readings, false
				} else {
					common = slices.DeleteFunc(slices.Clone(common), func(r string) bool { return !slices.Contains(readings, r) })
				}
				if len(common) == 0 {
					return nil, false
				}
				for _, p := range c.beside(s.side, d.node.cells[s.side].addr, "@by.", instance) {
					if !slices.Contains(by, p) {
						by = append(by, p)
					}
				}
			}
		}
	}
	return by, !first
}

// keptBack reports a secret that is missing only where catalogues come from PuppetDB, which is not given sensitive parameters.
func (c *comparison) keptBack(d *difference) bool {
	if d.node.addr.Kind != "resource" || !d.hasAbsent() {
		return false
	}
	for _, s := range d.shares {
		for _, g := range s.groups {
			if !g.value.IsSecret() {
				return false
			}
		}
		if s.absent {
			line := findLine(c.sides[s.side].Snapshot, snapshot.At(d.node.addr.Scope, "puppet", "catalog").Attr("sensitive"))
			if line == nil || line.Values[0].Value != snapshot.Bool(false) {
				return false
			}
		}
	}
	return true
}

// beside are the items of an attribute that is kept beside another one, on one instance.
func (c *comparison) beside(side int, a snapshot.Address, prefix, instance string) []string {
	a.Attribute = prefix + a.Attribute
	line := findLine(c.sides[side].Snapshot, a)
	if line == nil {
		return nil
	}
	for _, held := range line.Values {
		if slices.Contains(held.On, instance) {
			var out []string
			for _, item := range held.Value.Items() {
				if text, ok := item.Text(); ok {
					out = append(out, text)
				}
			}
			return out
		}
	}
	return nil
}

// resourceName is a resource as Puppet writes it: File[/etc/motd] for File/etc/motd, whose title is a path.
func resourceName(name string) string {
	typ, title, _ := strings.Cut(snapshot.Unescape(name), "/")
	if typ == "File" && !strings.HasPrefix(title, "/") {
		title = "/" + title
	}
	return typ + "[" + title + "]"
}
