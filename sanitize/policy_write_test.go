package sanitize

import (
	"os"
	"path/filepath"
	"testing"
)

func TestOddNamesAreReadAsTheyWereWritten(t *testing.T) {
	names := []string{"new\nline", "tab\t", `quote"d`, "colon: x", "# no comment", "esc\x1b[31m", " blanks ", "null", "1", "ümlaut 😀"}
	p := &Policy{Tables: []TablePolicy{{Table: "t", Where: "a = 1\nOR b = 2"}}}
	for _, n := range names {
		p.Tables[0].Columns = append(p.Tables[0].Columns, ColumnPolicy{Column: n, Action: Keep, Reason: "two\nlines"})
	}
	text, err := p.Encode()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "sanitize.yaml")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	back, err := ReadPolicy(path)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if got := back.Tables[0].Where; got != p.Tables[0].Where {
		t.Errorf("where is %q", got)
	}
	for i, n := range names {
		if got := back.Tables[0].Columns[i].Column; got != n {
			t.Errorf("%q is read back as %q\n%s", n, got, text)
		}
	}
}
