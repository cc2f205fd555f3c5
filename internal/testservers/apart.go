package testservers

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Apart runs what is asked for on this system, where some directories are the host's own: they lie below root. So several hosts have the programs that are
// installed here, and what those leave behind does not mix. Each directory has to exist on this system.
func Apart(t testing.TB, root string, dirs ...string) Forced {
	t.Helper()
	steps := []string{}
	for _, dir := range dirs {
		own := filepath.Join(root, dir)
		if err := os.MkdirAll(own, 0o755); err != nil {
			t.Fatal(err)
		}
		steps = append(steps, "mount --bind "+own+" "+dir)
	}
	steps = append(steps, `exec /bin/sh -c "$SSH_ORIGINAL_COMMAND"`)
	unshare := "unshare -m"
	if os.Geteuid() != 0 {
		unshare = "unshare -rm"
	}
	return Forced("exec " + unshare + " sh -c '" + strings.Join(steps, " && ") + "'")
}
