package compare

import (
	"strings"
	"testing"

	"github.com/envdiff/envdiff/internal/spelling"
	"github.com/envdiff/envdiff/snapshot"
)

func matcherOf(words ...string) *matcher {
	m := newMatcher()
	for i, w := range words {
		m.add(w, target{i, -1})
	}
	return m
}

func TestParametersAreReplacedAtWordBoundaries(t *testing.T) {
	m := matcherOf("prod.example", "db1.prod.example", "prod", "10.0.0.1")
	for text, want := range map[string]string{
		"db1.prod.example":            "<1>",
		"www.prod.example":            "www.<0>",
		"xdb1.prod.example":           "xdb1.<0>",
		"prod-db":                     "prod-db",
		"my_prod":                     "my_prod",
		"production":                  "production",
		"shop.prod.conf":              "shop.<2>.conf",
		"10.0.0.1:80,10.0.0.11":       "<3>:80,10.0.0.11",
		"prod prod":                   "<2> <2>",
		"db1.prod.example.db1.prod.e": "<1>.db1.<2>.e",
		"éprod":                       "éprod",
		"":                            "",
	} {
		got := strings.NewReplacer("\x01", "<", "\x02", ">").Replace(m.replace(text, -1, nil))
		if got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
}

func TestAWordOfAnotherHostIsNotReplaced(t *testing.T) {
	m := newMatcher()
	m.add("web1.prod.example", target{0, 1})
	m.add("prod.example", target{1, -1})
	if got := m.replace("web1.prod.example", 1, nil); got != "\x010\x02" {
		t.Errorf("on its own host: %q", got)
	}
	if got := m.replace("web1.prod.example", 2, nil); got != "web1.\x011\x02" {
		t.Errorf("on another host: %q", got)
	}
}

func TestAWordOfSeveralParametersIsReadAsTheOtherSideNeedsIt(t *testing.T) {
	staging, production := pair()
	staging.params = map[string]string{"log_host": "all.stage.example", "db_host": "all.stage.example"}
	production.params = map[string]string{"log_host": "log1.prod.example", "db_host": "db1.prod.example"}
	staging.set("web:config/a.ini#log", "all.stage.example").set("web:config/a.ini#db", "all.stage.example:5432")
	production.set("web:config/a.ini#log", "log1.prod.example").set("web:config/a.ini#db", "db1.prod.example:5432")
	if r := compareEnvs(t, Options{}, staging, production); len(r.Findings) > 0 {
		t.Errorf("got %q", lines(r))
	}
}

func TestHostParametersAreTheHostsOwn(t *testing.T) {
	staging, production := pair()
	staging.params = map[string]string{"node": "node-s"}
	production.host = map[string]map[string]string{"web1": {"node": "node-a"}, "web2": {"node": "node-b"}, "web3": {"node": "node-c"}}
	staging.set("web:config/a.ini#node", "node-s")
	production.set("web:config/a.ini#node", "node-a", "web1").set("web:config/a.ini#node", "node-b", "web2").set("web:config/a.ini#node", "node-c", "web3")
	if r := compareEnvs(t, Options{}, staging, production); len(r.Findings) > 0 {
		t.Errorf("got %q", lines(r))
	}
}

// FuzzReplace checks what the rest relies on: replacing is idempotent, leaves texts without parameters
// alone, and never touches a part of a word.
func FuzzReplace(f *testing.F) {
	f.Add("http://log1.stage.example:514/x", "log1.stage.example", "stage")
	f.Add("a\x01b\x02", "\x010\x02\x01", "....")
	f.Add("ééééé", "éééé", "-prod")
	f.Fuzz(func(t *testing.T, text, a, b string) {
		m := matcherOf(a, b)
		text = snapshot.String(text).JSON() // what is replaced in has no control bytes
		got := m.replace(text, -1, nil)
		touched, _ := m.touches(text)
		if touched != (got != text) {
			t.Fatalf("touches says %v, but %q became %q", touched, text, got)
		}
		if strings.ContainsAny(a+b, "\x01\x02") {
			return
		}
		rest := got
		for rest != "" {
			i := strings.IndexByte(rest, '\x01')
			if i < 0 {
				break
			}
			j := i + strings.IndexByte(rest[i:], '\x02')
			// A word that begins or ends with a separator may stand beside anything; one of letters must stand alone.
			if plainWord(a) && plainWord(b) && (i > 0 && wordByte(rest[i-1]) || j+1 < len(rest) && wordByte(rest[j+1])) {
				t.Fatalf("%q: a part of a word was replaced: %q", text, got)
			}
			rest = rest[j+1:]
		}
	})
}

func plainWord(s string) bool {
	for i := range len(s) {
		if !wordByte(s[i]) {
			return false
		}
	}
	return true
}

// FuzzNearMiss checks that near misses are symmetric, never equal, and within the distance that they claim.
func FuzzNearMiss(f *testing.F) {
	f.Add("max_connections", "max_conections")
	f.Add("512M", "521M")
	f.Add("server1", "server2")
	f.Fuzz(func(t *testing.T, a, b string) {
		if len(a) > 200 || len(b) > 200 {
			return
		}
		d := nearName(a, b)
		if d != nearName(b, a) || d > 2 || d > 0 && (a == b || spelling.Distance(a, b, 2) != d) {
			t.Fatalf("nearName(%q, %q) = %d", a, b, d)
		}
		v, w := snapshot.String(a), snapshot.String(b)
		if near := nearValue(v, w); near != nearValue(w, v) || near && v == w {
			t.Fatalf("nearValue(%q, %q) = %v", a, b, near)
		}
	})
}

func TestNearNames(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"max_connections", "max_conections", true},
		{"Exectart", "ExecStart", true},
		{"timeout", "timeuot", true},
		{"timeout", "tmieuot", false}, // two edits below eight characters
		{"port", "prot", false},       // too short
		{"server1", "server2", false},
		{"libssl1.1", "libssl3", false},
		{"min_size", "max_size", false}, // another word
		{"read_timeout", "send_timeout", false},
	} {
		if got := nearName(c.a, c.b) > 0; got != c.want {
			t.Errorf("%s and %s: near is %v", c.a, c.b, got)
		}
	}
}

func TestNearValues(t *testing.T) {
	for _, c := range []struct {
		a, b any
		want bool
	}{
		{"512M", "521M", true},
		{512, 521, true},
		{"512M", "513M", false}, // another number
		{"db1.prdo.example", "db1.prod.example", true},
		{"/srv/a", "/srv/b", false},
		{"enabled", "enabld", true},
		{"10.0.0.1", "10.0.0,1", true},
		{"on", "no", false},
		{8080, 8081, false},
		{[]string{"a", "trust"}, []string{"a", "turst"}, true},
		{[]string{"a", "trust"}, []string{"b", "turst"}, false},
		{"8.2", "8.3", false},
	} {
		if got := nearValue(value(c.a), value(c.b)); got != c.want {
			t.Errorf("%v and %v: near is %v", c.a, c.b, got)
		}
	}
}
