package world

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/envdiff/envdiff/testdata/worlds"
)

func TestShopIsBuilt(t *testing.T) {
	dir := t.TempDir()
	shop, err := fs.Sub(worlds.FS, "shop")
	if err != nil {
		t.Fatal(err)
	}
	if err := Build(t.Context(), shop, dir); err != nil {
		t.Fatal(err)
	}
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	if got := read("production/web1/etc/rsyslog.d/remote.conf"); !strings.Contains(got, "@@log1.prod.example:514") {
		t.Errorf("tokens are not replaced: %q", got)
	}
	if n := strings.Count(read("staging/web1/var/lib/dpkg/status"), "\nStatus: install ok installed\n"); n != 400 {
		t.Errorf("%d packages, want 400", n)
	}
	if !strings.Contains(read("production/web2/srv/shop/config/database.yaml"), "prdo") {
		t.Error("the typo is not planted")
	}
	err = filepath.WalkDir(filepath.Join(dir, "staging", "web1"), func(p string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && strings.Contains(read(strings.TrimPrefix(p, dir+"/")), "_host@") {
			t.Errorf("%s holds a token", p)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
