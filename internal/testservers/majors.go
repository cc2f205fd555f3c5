package testservers

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/envdiff/envdiff/internal/throwaway"
)

// npmMajors are the majors of PostgreSQL that .ci/deps installs beside the distribution's own.
var npmMajors = []int{13, 14, 16, 17, 18}

// PostgresMajors lists the majors of PostgreSQL that are tested, ascending: those that .ci/deps installs and the distribution's.
func PostgresMajors(t testing.TB) []int {
	t.Helper()
	_, own, err := throwaway.PostgresBinaries(0)
	if err != nil {
		t.Fatal(err)
	}
	majors := append([]int{own}, npmMajors...)
	slices.Sort(majors)
	return slices.Compact(majors)
}

// PostgresMajor returns the test binary's PostgreSQL server of one major, started by the first test that asks. The
// distribution's major is the server that Postgres returns.
func PostgresMajor(t testing.TB, major int) *Server {
	t.Helper()
	if _, own, err := throwaway.PostgresBinaries(0); err == nil && own == major {
		return Postgres(t)
	}
	return once(t, fmt.Sprintf("PostgreSQL %d", major), func() (*Server, error) {
		bin, err := majorBinaries(majorsDir(), major)
		if err != nil {
			return nil, err
		}
		return newCluster(bin, major)
	})
}

// majorsDir is where .ci/deps puts the majors: the user's own directory, outside of every home, because the
// unprivileged account that servers run as cannot enter root's.
func majorsDir() string {
	return filepath.Join("/var/tmp", "envdiff-test-"+strconv.Itoa(os.Getuid()), "postgres")
}

// majorBinaries finds the programs of one major below dir. The file "installed" is written when everything is there.
func majorBinaries(dir string, major int) (bin string, err error) {
	bin = filepath.Join(dir, "node_modules", "pg"+strconv.Itoa(major), "native", "bin")
	for _, file := range []string{filepath.Join(dir, "installed"), filepath.Join(bin, "initdb")} {
		if _, err := os.Stat(file); err != nil {
			return "", fmt.Errorf("PostgreSQL %d is not installed (looked for %s): make deps, or make test, which does it", major, file)
		}
	}
	return bin, nil
}
