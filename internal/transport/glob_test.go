package transport

import "testing"

func TestGlobMatchesPaths(t *testing.T) {
	for _, c := range []struct {
		pattern, path string
		want          bool
	}{
		{"/etc/nginx/*", "/etc/nginx/nginx.conf", true},
		{"/etc/nginx/*", "/etc/nginx/sites/shop.conf", false},
		{"/etc/php/**/*.ini", "/etc/php/php.ini", true},
		{"/etc/php/**/*.ini", "/etc/php/8.2/fpm/php.ini", true},
		{"/etc/php/**/*.ini", "/etc/php/8.2/fpm/php.ini.bak", false},
		{"/etc/**", "/etc/a/b/c", true},
		{"/etc/**", "/etc", false},
		{"/**/x/**/y", "/a/x/b/c/y", true},
		{"/**/x/**/y", "/x/y", true},
		{"/**/x/**/y", "/a/y/x", false},
		{"/**/**/**/y", "/y", true},
		{"/srv/app/shared/config/*", "/srv/app/shared/config/.env", true},
		{"/a/?.conf", "/a/é.conf", true},
		{"/a/?.conf", "/a/\xff.conf", true},
		{"/a/?.conf", "/a/ab.conf", false},
		{"/a/[a-c]x", "/a/bx", true},
		{"/a/[!a-c]x", "/a/bx", false},
		{"/a/[]x]", "/a/]", true},
		{"/a/[x", "/a/[x", true},
		{`/a/\*`, "/a/*", true},
		{`/a/\*`, "/a/b", false},
		{"/a/*b*c", "/a/xbybzc", true},
		{"/a/*b*c", "/a/xbybz", false},
		{"/a/b**c", "/a/bxxc", true},
		{"/a/b**c", "/a/b/x/c", false},
		{"/etc//passwd", "/etc/passwd", true},
		{"/a/*", "/a/line\nbreak", true},
	} {
		if got := Match(c.pattern, c.path); got != c.want {
			t.Errorf("Match(%q, %q) = %v", c.pattern, c.path, got)
		}
	}
}

func TestLiteralPatternsNameOnePath(t *testing.T) {
	for pattern, want := range map[string]bool{"/etc/passwd": true, `/a/\*`: true, "/etc/*": false, "/etc/**": false, "/a/[x]": false} {
		if got := CompileGlob(pattern).Literal(); got != want {
			t.Errorf("Literal(%q) = %v", pattern, got)
		}
	}
}

func FuzzGlob(f *testing.F) {
	f.Add("/etc/**/[a-z]*.ini", "/etc/php/8.2/php.ini")
	f.Add("/[", "/[")
	f.Add(`/a\`, `/a\`)
	f.Fuzz(func(t *testing.T, pattern, path string) {
		if len(pattern) > 200 || len(path) > 200 {
			return
		}
		g := CompileGlob(pattern)
		if g.Match(path) != Match(pattern, path) {
			t.Fatal("compiled twice, matched differently")
		}
	})
}
