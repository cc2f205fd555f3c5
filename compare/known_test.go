package compare

import "testing"

func TestNearHosts(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"db1.prdo.example", "db1.prod.example", true},
		{"db1.prod.exmaple", "db1.prod.example", true},
		{"db1prod.example", "db1.prod.example", true},
		{"db1.prode.example", "db1.prod.example", true},
		{"db2.prod.example", "db1.prod.example", false},
		{"api.prod.example", "app.prod.example", false},
		{"mail.prod.example", "main.prod.example", false},
		{"primary.prod.example", "prinary.prod.example", true},
		{"db1.prod.example", "db1.prod.example", false},
	} {
		if got := c.a != c.b && nearHost(c.a, c.b); got != c.want {
			t.Errorf("%s and %s: near is %v", c.a, c.b, got)
		}
	}
}

func TestHostTokensAreNoVersionsAndNoFiles(t *testing.T) {
	for text, want := range map[string]int{
		"postgres://app@db1.prod.example:5432/shop": 1,
		"1.22.1-9":                 0,
		"php.ini":                  0,
		"10.0.0.1":                 0,
		"a.b.example, c.d.example": 2,
		"…db1.prod.example…":       1,
		"":                         0,
	} {
		if got := hostTokens(text); len(got) != want {
			t.Errorf("%q has the host names %q, want %d", text, got, want)
		}
	}
}
