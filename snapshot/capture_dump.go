package snapshot

import (
	"context"
	"fmt"
	"slices"

	"github.com/envdiff/envdiff/internal/transport"
)

// dump asks for one text, once, and understands it.
func (c *capture) dump(ctx context.Context, t DumpTarget) {
	c.build.Instance(t.Scope, t.Type, "", t.Instance)
	col := c.dumpCollector(t.Type, t.Scope, t.Spec)
	if col == nil {
		return
	}
	type fetched struct {
		dump Dump
		err  error
	}
	c.tell(t.Instance, "connect", false, "")
	got, how, detail := bounded(ctx, c.plan.Timeout, func(ctx context.Context) fetched {
		d, err := t.Fetch(ctx)
		return fetched{d, err}
	}, nil)
	reason, hint := "", "run envdiff doctor "+c.plan.Environment
	switch {
	case how == stopped || ctx.Err() != nil:
		return
	case how == panicked:
		reason = fmt.Sprintf("asking for it panicked (%s)", detail)
	case how == overdue:
		reason, hint = fmt.Sprintf("there was no whole answer within %s", c.plan.Timeout), "raise --timeout, or skip this part with --skip"
	case got.err != nil:
		reason = got.err.Error()
	}
	c.tell(t.Instance, "connect", true, reason)
	if reason != "" {
		c.build.Gap(dumpGap(t.Type, t.Scope, t.Instance, col, t.Spec, reason, hint))
		return
	}
	c.understand(ctx, col, DumpInput{Scope: t.Scope, Instance: t.Instance, Spec: t.Spec, Dump: got.dump, Redact: c.plan.Redact})
}

// dumpCollector is the collector of a dump of which the selection may take something, or nil.
func (c *capture) dumpCollector(typ, scope string, spec DumpSpec) DumpCollector {
	col := c.reg.dumps(typ)
	if col == nil || !slices.ContainsFunc(col.Covers(spec), func(g string) bool { return c.plan.Selection.MayTake(scope + ":" + g) }) {
		return nil
	}
	return col
}

// understand parses a dump under the deadline.
func (c *capture) understand(ctx context.Context, col DumpCollector, in DumpInput) {
	c.tell(in.Instance, col.Name(), false, "")
	r, how, detail := bounded(ctx, c.plan.Timeout, func(context.Context) Result { return col.Parse(in) }, nil)
	if how == finished {
		c.build.Add(in.Scope, in.Instance, r, col.Kinds())
		c.tell(in.Instance, col.Name(), true, "")
		return
	}
	reason, hint := c.reason(col.Name(), how, detail)
	c.build.Gap(dumpGap(col.Type(), in.Scope, in.Instance, col, in.Spec, reason, hint))
	c.tell(in.Instance, col.Name(), true, reason)
}

// dumpGap leaves everything that a dump could tell unknown on an instance.
func dumpGap(typ, scope, instance string, col DumpCollector, spec DumpSpec, reason, hint string) Gap {
	g := Gap{Address: At(scope, typ, "reachable"), Instance: instance, Reason: reason, Hint: hint}
	if spec.Name != "" {
		g.Address = At(scope, typ, spec.Name)
	}
	for _, glob := range col.Covers(spec) {
		g.Covers = append(g.Covers, scope+":"+glob)
	}
	return g
}

// hostDump is a dump that a host is asked for, and the id of its section.
type hostDump struct {
	HostDump
	col DumpCollector
	id  string
}

// hostDumps are the dumps to ask a host for, with what they want.
func (c *capture) hostDumps(t HostTarget) ([]hostDump, []transport.Want) {
	var out []hostDump
	var wants []transport.Want
	for _, d := range t.Dumps {
		if _, role := t.Roles[d.Scope]; !role {
			c.build.Instance(d.Scope, d.Type, "", t.Instance)
		}
		col := c.dumpCollector(d.Type, d.Scope, d.Spec)
		if col == nil {
			continue
		}
		h := hostDump{d, col, "dump/" + d.Scope + "/" + d.Type + "/" + d.Spec.Name}
		d.Want.ID = h.id
		out, wants = append(out, h), append(wants, d.Want)
	}
	return out, wants
}

// readDumps understands what a host answered; reason says why it did not.
func (c *capture) readDumps(ctx context.Context, instance string, dumps []hostDump, got transport.Sections, reason, hint string) {
	for _, d := range dumps {
		text, why := Dump{}, reason
		if why == "" {
			s, ok := got[d.id]
			if !ok {
				s = transport.Section{Problem: transport.Failed, Detail: "the host did not answer this"}
			}
			dump, err := d.Read(s)
			text = dump
			if err != nil {
				why, hint = err.Error(), "run envdiff doctor "+c.plan.Environment
			}
		}
		if why != "" {
			c.build.Gap(dumpGap(d.Type, d.Scope, instance, d.col, d.Spec, why, hint))
			continue
		}
		c.understand(ctx, d.col, DumpInput{Scope: d.Scope, Instance: instance, Spec: d.Spec, Dump: text, Redact: c.plan.Redact})
	}
}
