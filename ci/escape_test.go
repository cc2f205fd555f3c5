package ci

import (
	"encoding/xml"
	"net/url"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

func FuzzTerminal(f *testing.F) {
	for _, s := range []string{"", "plain", "\x1b[31m", "a\u202eb", "\xff\xfe", "日本", "\u200b", "tab\tnl\n", "\u009b31m", "\U000e0041"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		out := Terminal(s)
		if !utf8.ValidString(out) {
			t.Fatalf("%q is not UTF-8", out)
		}
		for _, r := range out {
			if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Zl, r) || unicode.Is(unicode.Zp, r) {
				t.Fatalf("%q lets %U through", s, r)
			}
		}
		if Terminal(out) != out {
			t.Fatalf("escaping %q again changes it", out)
		}
	})
}

// What a shell reads of a word is the text: quotes are read as POSIX says (2.2.2), and outside of them nothing but a quoted quote needs any.
func FuzzShellWord(f *testing.F) {
	for _, s := range []string{"", "web:package/deb/nginx", "main:column/users.a note", "it's $(reboot) `x` !! \"\\", "a\nb", "''", "-x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		word := ShellWord(s)
		var read strings.Builder
		inside := false
		for i := 0; i < len(word); i++ {
			switch c := word[i]; {
			case c == '\'':
				inside = !inside
			case inside:
				read.WriteByte(c)
			case c == '\\':
				i++
				read.WriteByte(word[i])
			case strings.IndexByte("|&;<>()$`\"*?[#~!{} \t\n", c) >= 0:
				t.Fatalf("%q: %q is not in quotes", word, c)
			default:
				read.WriteByte(c)
			}
		}
		if inside || read.String() != s || word == "" {
			t.Errorf("%q is %s, which is read as %q", s, word, read.String())
		}
	})
}

func FuzzMarkdownCode(f *testing.F) {
	for _, s := range []string{"", "`", "``a``", "a|b", " x ", "@team #1 <b>", "\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		out := MarkdownCode(s)
		fence := out[:len(out)-len(strings.TrimLeft(out, "`"))]
		inner := strings.TrimSuffix(strings.TrimPrefix(out, fence), fence)
		if fence == "" || !strings.HasSuffix(out, fence) || strings.Contains(inner, fence) {
			t.Fatalf("%q does not hold its fence", out)
		}
		if strings.Contains(strings.ReplaceAll(inner, `\|`, ""), "|") || strings.ContainsAny(out, "\r\n") {
			t.Fatalf("%q breaks a table row", out)
		}
	})
}

func FuzzMarkdownText(f *testing.F) {
	for _, s := range []string{"", "<b>", "[a](b)", "@team", "#1", "a|b", "https://x.example", "&amp;"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		out := MarkdownText(s)
		rest := out
		for _, r := range "0123456789" {
			rest = strings.ReplaceAll(rest, string(r), "")
		}
		rest = strings.ReplaceAll(rest, "&#;", "")
		if strings.ContainsAny(rest, "<>[]|@#`*_&") || strings.ContainsAny(out, "\r\n") {
			t.Fatalf("%q is not inert: %q", s, out)
		}
	})
}

func FuzzXML(f *testing.F) {
	for _, s := range []string{"", "<a>&", "]]>", "\x00\x0b", "\ufffe", "\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var out strings.Builder
		if err := xml.EscapeText(&out, []byte(XML(s))); err != nil {
			t.Fatal(err)
		}
		var back string
		if err := xml.Unmarshal([]byte("<x>"+out.String()+"</x>"), &back); err != nil || back != XML(s) {
			t.Fatalf("%q comes back as %q: %v", XML(s), back, err)
		}
		if strings.ContainsRune(back, utf8.RuneError) && !strings.ContainsRune(s, utf8.RuneError) {
			t.Fatalf("%q lost a character", s)
		}
	})
}

func FuzzGitHub(f *testing.F) {
	for _, s := range []string{"", "::error::x", "a\n::stop-commands::t", "a,b:c%", "\r"} {
		f.Add(s)
	}
	unescape := strings.NewReplacer("%0D", "\r", "%0A", "\n", "%3A", ":", "%2C", ",", "%25", "%")
	f.Fuzz(func(t *testing.T, s string) {
		if d := GitHubData(s); strings.ContainsAny(d, "\r\n") || unescape.Replace(d) != Terminal(s) {
			t.Fatalf("%q became %q", s, d)
		}
		if p := GitHubProperty(s); strings.ContainsAny(p, "\r\n:,") || unescape.Replace(p) != Terminal(s) {
			t.Fatalf("%q became %q", s, p)
		}
	})
}

func FuzzNoCommand(f *testing.F) {
	for _, s := range []string{"", "  ::stop-commands::x", ":::a", "##[add-mask]x", "####", "a::b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		out := NoCommand(Terminal(s))
		if strings.HasPrefix(strings.TrimSpace(out), "::") || strings.Contains(out, "##") {
			t.Fatalf("%q is a command: %q", s, out)
		}
	})
}

func FuzzChat(f *testing.F) {
	for _, s := range []string{"", "<!channel>", "`x`", "<http://a|b>", "&lt;"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		out := Chat(s)
		if strings.Count(out, "`") != 2 || strings.ContainsAny(out, "<>\n\r") {
			t.Fatalf("%q is not inert: %q", s, out)
		}
	})
}

func FuzzPrometheusLabel(f *testing.F) {
	for _, s := range []string{"", `a"b\`, "x\ny", "}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		parser := expfmt.NewTextParser(model.LegacyValidation)
		families, err := parser.TextToMetricFamilies(strings.NewReader(`m{l="` + PrometheusLabel(s) + "\"} 1\n"))
		if err != nil {
			t.Fatal(err)
		}
		if got := families["m"].GetMetric()[0].GetLabel()[0].GetValue(); got != Terminal(s) {
			t.Fatalf("%q is read as %q", s, got)
		}
	})
}

func FuzzCollectdName(f *testing.F) {
	f.Add("a/b\"")
	f.Add("")
	f.Fuzz(func(t *testing.T, s string) {
		if n := CollectdName(s); n == "" || len(n) > 63 || strings.Trim(n, "_.0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
			t.Fatalf("%q became %q", s, n)
		}
	})
}

func FuzzRelativeURI(f *testing.F) {
	for _, s := range []string{"a b", "http://x", "//host/x", "./a", "a?b#c", "/abs", "../up"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		u, err := url.Parse(RelativeURI(s))
		if err != nil || u.Scheme != "" || u.Host != "" || u.RawQuery != "" || u.Fragment != "" || strings.HasPrefix(u.Path, "/") {
			t.Fatalf("%q became %q: %v", s, RelativeURI(s), err)
		}
	})
}

func TestWrapKeepsEveryCharacter(t *testing.T) {
	for _, s := range []string{"", "short", strings.Repeat("x", 200), "a " + strings.Repeat("日本", 60) + " b", "one two  three"} {
		lines := wrap(s, 40)
		for _, l := range lines {
			if columns(l) > 40 {
				t.Errorf("%q is %d columns wide", l, columns(l))
			}
		}
		if strings.ReplaceAll(strings.Join(lines, ""), " ", "") != strings.ReplaceAll(s, " ", "") {
			t.Errorf("wrapping %q lost text: %q", s, lines)
		}
	}
}
