package testservers

import (
	"slices"
	"strings"
	"testing"
)

func TestMissingMajorSaysHowToInstallIt(t *testing.T) {
	_, err := majorBinaries(t.TempDir(), 17)
	if err == nil || !strings.Contains(err.Error(), "PostgreSQL 17") || !strings.Contains(err.Error(), "make deps") {
		t.Fatalf("got %v", err)
	}
}

func TestMajorsAreTheServersThatTheySay(t *testing.T) {
	majors := PostgresMajors(t)
	if !slices.IsSorted(majors) || majors[0] != 13 || majors[len(majors)-1] != 18 {
		t.Fatalf("majors %v", majors)
	}
	own := Postgres(t)
	if PostgresMajor(t, own.Major) != own {
		t.Error("the distribution's server was started twice")
	}
	oldest := PostgresMajor(t, 13)
	if oldest != PostgresMajor(t, 13) || oldest.Major != 13 {
		t.Errorf("major %d, or started twice", oldest.Major)
	}
	oldest.Exec(t, oldest.NewDatabase(t), "DO $$ BEGIN IF current_setting('server_version_num')::int / 10000 <> 13 THEN RAISE 'another major'; END IF; END $$")
}
