package onssh

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/envdiff/envdiff/cmd"
	"github.com/envdiff/envdiff/internal/testservers"
	"github.com/envdiff/envdiff/snapshot/all"
)

// factor is how much faster than Ansible's facts a capture has to be.
const factor = 4

// BenchmarkBesideAnsible captures this machine's packages, conffiles and all of /etc over loopback, beside ansible -m setup and -m package_facts on the same host in the
// same run.
func BenchmarkBesideAnsible(b *testing.B) {
	program, err := exec.LookPath("ansible")
	if err != nil {
		b.Fatal("ansible is not there: apt-get install ansible-core")
	}
	machine := testservers.StartMachine(b, "bench0")
	h := testservers.SSH(b, machine.Shell())
	config := testservers.Client(b, h.Block("bench0"))
	dir := b.TempDir()
	text := "environments:\n  one: {hosts: {web: [\"ssh://bench0\"]}}\nroles:\n  web: {config: [\"/etc/**\"]}\n"
	if err := os.WriteFile(filepath.Join(dir, "envdiff.yaml"), []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
	ask := func(module string) {
		c := exec.Command(program, "all", "-i", "bench0,", "-e", "ansible_python_interpreter=/usr/bin/python3", "-m", module)
		c.Dir = dir
		c.Env = append(os.Environ(), "ANSIBLE_SSH_ARGS=-F "+config+" -o ControlMaster=auto -o ControlPersist=10s -o ControlPath="+filepath.Join(dir, "%C"), "ANSIBLE_HOST_KEY_CHECKING=False",
			"HOME="+dir, "ANSIBLE_TRANSFER_METHOD=piped", "LC_ALL=C.UTF-8")
		if out, err := c.CombinedOutput(); err != nil {
			b.Fatalf("ansible -m %s: %v\n%.2000s", module, err, out)
		}
	}
	var ours, theirs time.Duration
	for b.Loop() {
		began := time.Now()
		var out bytes.Buffer
		if got := cmd.Run(b.Context(), cmd.World{Args: []string{"one", "--timeout", "60s"}, Stdout: &out, Stderr: &out, Dir: dir, Now: time.Now,
			LookupEnv: func(string) (string, bool) { return "", false }, Collectors: all.Collectors()}); got > 1 {
			b.Fatalf("exit status %d\n%s", got, &out)
		}
		ours += time.Since(began)
		began = time.Now()
		ask("setup")
		ask("package_facts")
		theirs += time.Since(began)
	}
	times := float64(theirs) / float64(ours)
	b.ReportMetric(times, "times-faster")
	b.ReportMetric(ours.Seconds()/float64(b.N), "s-envdiff")
	b.ReportMetric(theirs.Seconds()/float64(b.N), "s-ansible")
	if times < factor {
		b.Errorf("%.1f times faster than ansible, not %d", times, factor)
	}
}

// The limits on a capture of fifty hosts.
const (
	fiftySeconds = 90
	fiftyMiB     = 300
)

// BenchmarkFiftyMachines captures fifty hosts at once, each with a layer of its own over this machine's root and an sshd of its own.
func BenchmarkFiftyMachines(b *testing.B) {
	dir := b.TempDir()
	var blocks []string
	list := ""
	for i := range 50 {
		name := fmt.Sprintf("m%d", i)
		blocks = append(blocks, testservers.SSH(b, testservers.StartMachine(b, name).Shell()).Block(name))
		list += fmt.Sprintf("%q, ", "ssh://"+name)
	}
	testservers.Client(b, blocks...)
	text := "environments:\n  fifty: {hosts: {web: [" + list + "]}}\nroles:\n  web: {config: [\"/etc/**\"]}\n"
	if err := os.WriteFile(filepath.Join(dir, "envdiff.yaml"), []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		began := time.Now()
		var out bytes.Buffer
		if got := cmd.Run(b.Context(), cmd.World{Args: []string{"fifty", "--timeout", "90s"}, Stdout: &out, Stderr: &out, Dir: dir, Now: time.Now,
			LookupEnv: func(string) (string, bool) { return "", false }, Collectors: all.Collectors()}); got > 1 {
			b.Fatalf("exit status %d\n%s", got, &out)
		}
		if took := time.Since(began); took > fiftySeconds*time.Second {
			b.Errorf("it took %s, not %d s", took, fiftySeconds)
		}
	}
	mib := peak(b)
	b.ReportMetric(mib, "MiB-peak")
	if mib > fiftyMiB {
		b.Errorf("it took %.0f MiB, not %d", mib, fiftyMiB)
	}
}
