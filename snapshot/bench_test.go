package snapshot_test

import (
	"path/filepath"
	"testing"

	"github.com/envdiff/envdiff/snapshot"
	"github.com/envdiff/envdiff/snapshot/benchworld"
)

// BenchmarkRead reads a snapshot of 200 hosts with 5,000 facts each.
func BenchmarkRead(b *testing.B) { benchmarkRead(b, 200, 5000) }

// BenchmarkReadThousandHosts reads one of 1,000 hosts.
func BenchmarkReadThousandHosts(b *testing.B) { benchmarkRead(b, 1000, 5000) }

func benchmarkRead(b *testing.B, hosts, facts int) {
	path := filepath.Join(b.TempDir(), "big")
	if err := snapshot.Write(path, benchworld.Environment("production", hosts, facts, 20)); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := snapshot.Read(path); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkPivot builds the snapshot of 200 hosts from their results.
func BenchmarkPivot(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		benchworld.Environment("production", 200, 5000, 20)
	}
}

// BenchmarkWriteZip writes it as one zip.
func BenchmarkWriteZip(b *testing.B) {
	s := benchworld.Environment("production", 200, 5000, 20)
	for b.Loop() {
		if err := snapshot.Write(filepath.Join(b.TempDir(), "s.zip"), s); err != nil {
			b.Fatal(err)
		}
	}
}
