// Package endpoint reads what an application says of its own configuration: a dump in JSON, YAML, key=value or phpinfo, as one fact
// per key. Counters that envdiff.yaml calls metrics are facts that only their limits judge.
package endpoint

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/snapshot"
	"github.com/envdiff/envdiff/snapshot/config"
)

// New returns the collector of endpoints.
func New() snapshot.DumpCollector { return collector{} }

type collector struct{}

func (collector) Name() string { return "endpoint" }
func (collector) Type() string { return "endpoint" }

func (collector) Doc() snapshot.Doc {
	return snapshot.Doc{
		Title: "What an application says of its own configuration",
		Text: "Reads the URL of an endpoint once, at http or https: JSON, YAML, key=value lines (properties, dotenv), or phpinfo as HTML or text, by media type and content, or as `format:` says. " +
			"Every key is a value of its own, named like those of a configuration file; `keys:` selects some of them, as paths in the syntax of collectd's curl_json: keys and list indices joined with `/`, `*` for any one of them. " +
			"A key that leads nowhere is a gap, and so is one that leads to a mapping.\n\n" +
			"`metrics:` are counters: they are never compared, but each must keep its limit, such as `<= 0`. Numbers in text count, and true is 1.\n\n" +
			"`via: ROLE` asks on every host of the role, over its connection, with the curl or wget that is there; each host is then an instance. `replicas:` are further URLs of the same application. " +
			"Values are compared between instances and between environments, and with the files of the roles: where files have the same key and none has the value that the application reports, it runs with what is not written there (`not-loaded`).\n\n" +
			"Limits: one attempt, 4 MiB, 5 redirects, never from https to http; headers are not sent on to another host. Certificates are checked, against `ca:` if it is given; `insecure: true` turns that off. " +
			"UTF-8, UTF-16 with its mark, and Latin 1 are read. Of phpinfo, variables of the request and statistics are left out. " +
			"Keys that tell of one process or moment (`uptime`, `pid`, `timestamp` and the like) are kept and not compared.",
		Needs: []string{"the URL, and what it asks for as headers", "with `via:`, curl on the host, or wget"},
		Attributes: []string{
			"value/KEY.PATH: a value; true where it is a mapping",
			"value/KEY.PATH#metric, #limit: a metric, and the limit that it must keep",
		},
	}
}

// moments are names of values that tell of one process or one moment, wherever they stand; what is ambiguous counts at the top alone.
var moments, topMoments = []string{"uptime", "uptime_seconds", "timestamp", "pid", "request_id", "now", "server_time", "started_at", "generated_at"}, []string{"time", "date", "hostname"}

func (collector) Kinds() []snapshot.Kind {
	kinds := []snapshot.Kind{
		{Pattern: "value/*#metric", Axis: snapshot.Context, Area: finding.AreaEndpoint, Doc: "a metric: its limit judges it"},
		{Pattern: "value/*#limit", Axis: snapshot.Context, Area: finding.AreaEndpoint, Doc: "the limit of a metric"},
	}
	moment := func(pattern string) {
		kinds = append(kinds, snapshot.Kind{Pattern: pattern, Axis: snapshot.Context, Area: finding.AreaEndpoint, Doc: "tells of one process or moment"})
	}
	for _, m := range moments {
		moment("value/" + m)
		moment("value/*." + m)
	}
	for _, m := range topMoments {
		moment("value/" + m)
	}
	return append(kinds, snapshot.Kind{Pattern: "value/*", Axis: snapshot.Both, Area: finding.AreaEndpoint, Parents: []string{"value/{-1}"},
		Doc: "what an application reports under a key"})
}

func (collector) Covers(snapshot.DumpSpec) []string { return []string{"value/*"} }

func (collector) Parse(in snapshot.DumpInput) snapshot.Result {
	var res snapshot.Result
	whole := snapshot.Address{Scope: in.Scope, Kind: "value"}
	doc, reason := read(in.Dump, in.Spec.Format)
	if reason != "" {
		res.Missing(whole, reason, "look at it with curl; format: of the endpoint names its format", in.Scope+":value/*")
		return res
	}
	s := newSelector(in.Spec)
	values := doc.Only(s.takes)
	res.Facts = facts(in, values)
	doc.Each(func(flat bool, path []string, v snapshot.Value) {
		if limit, key := s.metric(path); key != "" {
			metric(&res, address(in.Scope, flat, path), v, limit)
		}
	})
	for _, key := range s.unmet() {
		why := "nothing in the answer is at " + key
		if s.above[key] {
			why = key + " is a mapping or a list of mappings, and no value"
		}
		res.Missing(snapshot.At(in.Scope, "key", key), why, "correct keys or metrics of the endpoint: "+key+"/* selects what is below a mapping")
	}
	return res
}

// facts are the values, and the mappings that they stand in.
func facts(in snapshot.DumpInput, doc config.Document) []snapshot.Fact {
	mappings := map[snapshot.Address]bool{}
	out := doc.Facts(in.Redact, func(flat bool, path []string) snapshot.Address {
		for n := 1; n < len(path); n++ {
			mappings[address(in.Scope, false, path[:n])] = true
		}
		return address(in.Scope, flat, path)
	})
	for _, f := range out {
		delete(mappings, f.Address)
	}
	for _, a := range slices.SortedFunc(maps.Keys(mappings), func(a, b snapshot.Address) int { return strings.Compare(a.Name, b.Name) }) {
		out = append(out, snapshot.Fact{Address: a, Value: snapshot.Bool(true)})
	}
	return out
}

// address is where a value stands; the dots of a flat key are literal.
func address(scope string, flat bool, path []string) snapshot.Address {
	if flat {
		return snapshot.At(scope, "value", path[0])
	}
	return snapshot.Object(scope, "value", path...)
}

// metric adds a counter and its limit.
func metric(res *snapshot.Result, at snapshot.Address, v snapshot.Value, limit snapshot.Limit) {
	n, ok := number(v)
	if !ok {
		res.Missing(at, "the metric is no number", "take it out of metrics, or correct the application")
		return
	}
	res.Add(at.Attr("metric"), snapshot.Float(n), "")
	res.Add(at.Attr("limit"), snapshot.String(limit.String()), "")
}

// number reads numbers, numbers in text, and booleans as 1 and 0. "12 errors" is none: collectd would take 12.
func number(v snapshot.Value) (float64, bool) {
	if n, ok := v.Number(); ok {
		return n, true
	}
	if b, ok := v.Truth(); ok {
		if b {
			return 1, true
		}
		return 0, true
	}
	text, ok := v.Text()
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	return n, err == nil && n == n
}

// read finds the format of a dump and parses it; reason says why that is not possible.
func read(d snapshot.Dump, format string) (doc config.Document, reason string) {
	if format == "" {
		format = formatOf(d)
	}
	switch format {
	case "":
		return doc, "the answer is not recognised as JSON, YAML, key=value or phpinfo"
	case "html":
		return doc, "the answer is a web page and no phpinfo: perhaps one that asks to log in"
	case "phpinfo":
		doc, ok := phpinfo(string(d.Text))
		if !ok {
			return doc, "the answer is no phpinfo"
		}
		return doc, ""
	}
	doc, err := config.Read(format, d.Text)
	if err != nil {
		return doc, fmt.Sprintf("the answer is not readable as %s: %v", format, err)
	}
	return doc, ""
}

// formatOf goes by the media type where that says enough, and else by content.
func formatOf(d snapshot.Dump) string {
	start := strings.TrimSpace(string(d.Text[:min(len(d.Text), 4096)]))
	switch m := d.MediaType; {
	case strings.HasPrefix(start, "phpinfo()"), strings.HasPrefix(start, "<") && strings.Contains(string(d.Text), "PHP Version"):
		return "phpinfo"
	case m == "text/html", m == "application/xhtml+xml", strings.HasPrefix(start, "<"):
		return "html"
	case m == "application/json", m == "text/json", strings.HasSuffix(m, "+json"):
		return "json"
	case strings.HasSuffix(m, "/yaml"), strings.HasSuffix(m, "/x-yaml"), strings.HasSuffix(m, "+yaml"):
		return "yaml"
	}
	return config.Guess(d.Text)
}
