package testservers

import (
	"bytes"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"
	"time"
)

// Beside runs other programs in turn and then a test of this binary in a process of its own, which gets the environment variable
// ("NAME=value"). It reports the seconds of both, their ratio and the most memory that the process held, and fails the benchmark where
// the ratio is above maxRatio or the memory above maxPeak bytes. A peer may end with status 2, as comparers do that found something.
func Beside(b *testing.B, test, variable string, maxRatio float64, maxPeak int64, peers ...[]string) {
	b.Helper()
	var theirs time.Duration
	for _, peer := range peers {
		cmd := exec.Command(peer[0], peer[1:]...)
		cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C.UTF-8"}
		var errs bytes.Buffer
		cmd.Stderr = &errs
		at := time.Now()
		if err := cmd.Run(); err != nil && cmd.ProcessState.ExitCode() != 2 {
			b.Fatalf("%s: %v\n%s", cmd.Path, err, &errs)
		}
		theirs += time.Since(at)
	}
	binary, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	child := exec.Command(binary, "-test.run", "^"+test+"$", "-test.v")
	child.Env = append(os.Environ(), variable)
	at := time.Now()
	out, err := child.CombinedOutput()
	ours := time.Since(at)
	if err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	ratio, peak := ours.Seconds()/theirs.Seconds(), peakBytes(child.ProcessState)
	b.ReportMetric(ours.Seconds(), "envdiff-s")
	b.ReportMetric(theirs.Seconds(), peers[0][0]+"-s")
	b.ReportMetric(ratio, "ratio")
	b.ReportMetric(float64(peak)/(1<<20), "peak-MiB")
	if ratio > maxRatio {
		b.Errorf("%.2f s beside %.2f s of %s: a ratio of %.2f, want at most %.2f\n%s", ours.Seconds(), theirs.Seconds(), peers[0][0], ratio, maxRatio, out)
	}
	if peak > maxPeak {
		b.Errorf("%d MiB, want at most %d", peak>>20, maxPeak>>20)
	}
}

// peakBytes is the largest resident size of an ended process. Linux counts kibibytes, others bytes.
func peakBytes(p *os.ProcessState) int64 {
	usage, ok := p.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0
	}
	if runtime.GOOS == "linux" {
		return usage.Maxrss << 10
	}
	return usage.Maxrss
}
