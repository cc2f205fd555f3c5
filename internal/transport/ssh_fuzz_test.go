package transport

import (
	"bytes"
	"context"
	"io"
	"os/exec"
	"strings"
	"testing"
)

// scripted is a conversation with a host whose whole answer is known beforehand.
func scripted(answer []byte, wants []Want) *conversation {
	l := &line{in: discard{}, stream: newStream(bytes.NewReader(answer), "M")}
	l.stream.left = 1 << 20
	l.about = hello{pid: "7", finds: "find", tools: []string{"head", "md5sum", "tar"}}
	return newConversation(l, wants, CommandTimeout)
}

type discard struct{ io.Closer }

func (discard) Write(p []byte) (int, error) { return len(p), nil }

// converse asks until the answer is used up. The wants have sections or there is an error.
func converse(t *testing.T, finds string, answer []byte) Sections {
	wants := []Want{
		{ID: "tree", Globs: []string{"/etc/**"}, MaxBytes: 100}, {ID: "link", Globs: []string{"/l/x", "/etc/passwd"}, Content: MD5},
		{ID: "names", Globs: []string{"/etc/*"}, Content: Names}, {ID: "cmd", Command: []string{"x"}, MaxBytes: 10},
	}
	c := scripted(answer, wants)
	c.line.about.finds = finds
	for asked := 0; asked < 5; asked++ {
		c.mirror.forget()
		open, err := c.walk(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		commands := c.commands()
		if open == 0 && len(commands) == 0 {
			break
		}
		if err := c.ask(asked, commands); err != nil {
			c.giveUp(err)
			break
		}
	}
	for id, s := range c.sections {
		for _, f := range s.Files {
			if !strings.HasPrefix(f.Path, "/") || len(f.Body) > 100 || f.Problem != OK && (f.Body != nil || f.Digest != "") {
				t.Fatalf("%s: %+v", id, f)
			}
		}
		if len(s.Output) > 10 {
			t.Fatalf("%s: %+v", id, s)
		}
	}
	return c.sections
}

const toldByFind = "banner\n\nM tree find\nd 755 0 0 0 \x00/etc\x00\x00\nM did\n" +
	"\nM tree find\nd 755 0 0 0 \x00/etc\x00\x00f 644 3 0 0 \x00/etc/passwd\x00\x00l 777 1 0 0 \x00/etc/l\x00passwd\x00R\x00/etc/d\x00\x00\nM did\n" +
	"\nM cmd 3\noutM000\nM done\n\nM ok 0\n" +
	"\nM body 0\nabc\nM end 0\n\nM body 1\nabc\nM end 0\n\nM ok 1\n"

const toldByStat = "\nM tree stat\nM:s 41ed 0 0 0 /etc\nM:s 81a4 3 0 0 /etc/passwd\n\nM rest\nM:l /etc/l\x00passwd\nM:r /etc\n\nM did\n\nM no c3 gone\n\nM ok 0\n"

// What a host tells is read whole, or not at all.
func TestReadsWhatAHostTells(t *testing.T) {
	ss := converse(t, "find", []byte(toldByFind))
	if s := ss["names"]; len(s.Files) != 2 || s.Files[0].Target != "passwd" {
		t.Errorf("%+v", s)
	}
	if s := ss["cmd"]; string(s.Output) != "out" || s.Status != 0 {
		t.Errorf("%+v", s)
	}
}

func FuzzAnswer(f *testing.F) {
	f.Add("find", []byte(toldByFind))
	f.Add("stat", []byte(toldByStat))
	f.Add("ls", []byte("\nM tree ls\nM:n 4 /etc\ndrwxr-xr-x 2 0 0 0 Nov 22 14:00 /etc\n\nM rest\n\nM did\n"))
	f.Add("find", []byte("\nM digests md5sum\n0123456789abcdef0123456789abcdef  /etc/passwd\n\nM no 0 denied\n\nM ok 0\n"))
	f.Add("find", []byte(strings.Repeat("\nM ", 100)))
	f.Add("find", []byte("\nM tree find\nd 755 0 0 0 \x00/etc\x00\x00f 644 3 0 0 \x00/etc/passwd\x00\x00\nM did\n\nM ok 0\n\nM archive\nnoneM002\nM done\n\nM ok 1\n\nM body 0\nabc\nM end 0\n\nM ok 2\n"))
	f.Fuzz(func(t *testing.T, finds string, answer []byte) { converse(t, finds, answer) })
}

func FuzzHello(f *testing.F) {
	f.Add("hi 12 find head")
	f.Add("hi")
	f.Fuzz(func(t *testing.T, header string) {
		h, err := parseHello(strings.Fields(header))
		if err == nil && (h.pid == "" || strings.ContainsAny(h.pid, "/.")) {
			t.Fatalf("%+v", h)
		}
	})
}

// A record ends where the next begins, wherever the buffer's border falls.
func FuzzStream(f *testing.F) {
	f.Add([]byte("text"), 70000)
	f.Add([]byte("\n\nM"), 65530)
	f.Fuzz(func(t *testing.T, text []byte, fill int) {
		if fill < 0 || fill > 1<<17 || bytes.Contains(append([]byte("\n"), text...), []byte("\nM ")) {
			return
		}
		body := append(bytes.Repeat([]byte{'x'}, fill), text...)
		if bytes.HasSuffix(body, []byte("\nM")) {
			return
		}
		s := newStream(io.MultiReader(strings.NewReader("\nM body 0\n"), bytes.NewReader(body), strings.NewReader("\nM end 0\n")), "M")
		s.left = 1 << 30
		if err := s.skip(0); err != nil {
			t.Fatal(err)
		}
		got, err := s.body(int64(len(body)))
		if err != nil || !bytes.Equal(got, body) || len(s.header) != 2 || s.header[0] != "end" {
			t.Fatalf("%v, %q, header %q", err, got, s.header)
		}
	})
}

// Whatever a text holds, the host's shell takes it as one word.
func FuzzQuote(f *testing.F) {
	for _, s := range []string{"", "'", "''", "$(id)", "`id`", "\\", "\\'", "a b\nc", "-rf", "*", "\xff", "!!", "~", "'\"'\"'", "\r"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.ContainsRune(text, 0) || len(text) > 10_000 {
			return
		}
		cmd := exec.Command("/bin/sh", "-s")
		cmd.Stdin = strings.NewReader("p() { printf '%s.%s' $# \"$1\"; }\np " + quote(text) + "\n")
		out, err := cmd.Output()
		if err != nil || string(out) != "1."+text {
			t.Fatalf("%q became %q: %v", text, out, err)
		}
	})
}

func FuzzParseSSH(f *testing.F) {
	for _, s := range []string{"ssh://web1.example", "ssh://deploy@web1.example:2222", "ssh://-oProxyCommand=id", "ssh://a:secret@b", "ssh://[::1]:22", "ssh://h/path", "ssh://%24(id)@h", "ssh:h"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		o, err := ParseSSH(raw)
		if err == nil && (o.Host == "" || o.Host[0] == '-' || strings.ContainsAny(o.Host+o.User, " $`'\"\\;&|<>(){}\n\x00")) {
			t.Fatalf("%q: %+v", raw, o)
		}
	})
}

func TestParseSSH(t *testing.T) {
	for _, c := range []struct{ raw, describe, err string }{
		{"ssh://web1.example", "ssh://web1.example", ""},
		{"ssh://deploy@web1.example:2222", "ssh://deploy@web1.example:2222", ""},
		{"ssh://web1/", "ssh://web1", ""},
		{"ssh://[::1]:2222", "ssh://::1:2222", ""},
		{"ssh://deploy:secret@web1", "", "takes no password"},
		{"ssh://web1/etc", "", "has no path"},
		{"ssh://-oProxyCommand=id", "", "may hold"},
		{"ssh://-l@web1", "", "may hold"},
		{"ssh://web1:99999", "", "from 1 to 65535"},
		{"ssh://", "", "may hold"},
		{"ssh:web1", "", "is ssh://HOST"},
	} {
		o, err := ParseSSH(c.raw)
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) || strings.Contains(err.Error(), "secret") {
				t.Errorf("%s: %v", c.raw, err)
			}
			continue
		}
		if tr, err2 := SSH(o); err != nil || err2 != nil || tr.Describe() != c.describe {
			t.Errorf("%s: %+v, %v, %v", c.raw, o, err, err2)
		}
	}
}
