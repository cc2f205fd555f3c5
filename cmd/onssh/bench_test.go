package onssh

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/envdiff/envdiff/cmd"
	"github.com/envdiff/envdiff/internal/testservers"
	"github.com/envdiff/envdiff/snapshot/all"
)

// benchmarkHosts captures and compares hosts over loopback. Beside the time it prints the process's peak memory and the facts of a host.
func benchmarkHosts(b *testing.B, h *testservers.Host, hosts int) {
	var list []string
	var blocks []string
	for i := range hosts {
		list = append(list, fmt.Sprintf("%q", fmt.Sprintf("ssh://bench%d", i)))
		blocks = append(blocks, h.Block(fmt.Sprintf("bench%d", i)))
	}
	testservers.Client(b, blocks...)
	dir := b.TempDir()
	text := "environments:\n  many: {hosts: {web: [" + strings.Join(list, ", ") + "]}}\nroles:\n  web: {config: [\"/etc/**\"]}\n"
	if err := os.WriteFile(filepath.Join(dir, "envdiff.yaml"), []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		var out bytes.Buffer
		if got := cmd.Run(b.Context(), cmd.World{Args: []string{"many", "--timeout", "60s"}, Stdout: &out, Stderr: &out, Dir: dir, Now: time.Now,
			LookupEnv: func(string) (string, bool) { return "", false }, Collectors: all.Collectors()}); got > 1 {
			b.Fatalf("exit status %d\n%s", got, &out)
		}
	}
	b.ReportMetric(peak(b), "MiB-peak")
}

// peak is the largest resident size of this process so far, in MiB.
func peak(b *testing.B) float64 {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "VmHWM:")
	kib, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		b.Fatal(err)
	}
	return float64(kib) / 1024
}

// BenchmarkThisMachine captures the machine that it runs on, all of /etc by content and by digest.
func BenchmarkThisMachine(b *testing.B) { benchmarkHosts(b, testservers.SSH(b, ""), 1) }

// BenchmarkBusyboxHost captures a host of 750 packages, 600 conffiles and 400 further files below /etc that has nothing but busybox.
func BenchmarkBusyboxHost(b *testing.B) {
	benchmarkHosts(b, testservers.SSH(b, testservers.Inside(b, benchRoot(b))), 1)
}

func benchRoot(b *testing.B) string {
	root := b.TempDir()
	plant := func(name, text string) {
		p := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			b.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
			b.Fatal(err)
		}
	}
	for name, text := range webHost("bench") {
		plant(name, text)
	}
	var status strings.Builder
	for i := range 750 {
		fmt.Fprintf(&status, "Package: package%d\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.%d-1\nDescription: %s\n", i, i, strings.Repeat("text ", 200))
		if i < 600 {
			file := fmt.Sprintf("etc/package%d/main.conf", i%300)
			plant(file, strings.Repeat("key = value\n", 50))
			fmt.Fprintf(&status, "Conffiles:\n /%s 0123456789abcdef0123456789abcdef\n", file)
		}
		status.WriteByte('\n')
	}
	plant("var/lib/dpkg/status", status.String())
	for i := range 400 {
		plant(fmt.Sprintf("etc/app%d/settings.ini", i), fmt.Sprintf("[section]\nname = %d\n%s", i, strings.Repeat("; comment\n", 100)))
	}
	testservers.Busybox(b, root)
	return root
}
