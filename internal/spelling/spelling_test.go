package spelling

import "testing"

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"a", "", 1}, {"max_connections", "max_conections", 1}, {"prod", "prdo", 1},
		{"kitten", "sitting", 3}, {"größe", "grösse", 2}, {"abc", "xyz", 3}, {"aaaaaaaa", "b", 4},
	} {
		if got := Distance(c.a, c.b, 3); got != c.want {
			t.Errorf("Distance(%q, %q) = %d, want %d", c.a, c.b, got, c.want)
		}
		if got := Distance(c.b, c.a, 3); got != c.want {
			t.Errorf("Distance(%q, %q) = %d, want %d: not symmetric", c.b, c.a, got, c.want)
		}
	}
}

func TestNearest(t *testing.T) {
	names := []string{"environments", "databases", "roles", "store"}
	for word, want := range map[string]string{"enviroments": "environments", "role": "roles", "stroe": "store", "waivers": "", "x": ""} {
		if got := Nearest(word, names); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", word, got, want)
		}
	}
}

func FuzzDistance(f *testing.F) {
	f.Add("max_connections", "max_conections")
	f.Add("\xff", "é")
	f.Fuzz(func(t *testing.T, a, b string) {
		d := Distance(a, b, 3)
		if d != Distance(b, a, 3) {
			t.Fatalf("Distance(%q, %q) is not symmetric", a, b)
		}
		if d < 0 || d > 4 {
			t.Fatalf("Distance(%q, %q) = %d is out of range", a, b, d)
		}
	})
}
