package database

import (
	"context"
	"encoding/binary"
	"os"
	"testing"
)

func TestTheSorterMergesWhatItSpilled(t *testing.T) {
	dir := t.TempDir()
	s := newSorter(dir)
	s.limit = 10_000
	defer s.close()
	const n = 5000
	for i := range n {
		var r record
		binary.BigEndian.PutUint32(r.key[:], uint32(i*7919%n))
		binary.BigEndian.PutUint32(r.row[:], uint32(i))
		if i%3 == 0 {
			r.text = `["text"]`
		}
		if err := s.add(r); err != nil {
			t.Fatal(err)
		}
	}
	if len(s.spills) < 10 {
		t.Errorf("%d spilled files", len(s.spills))
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("spilled files have names: %v", left)
	}
	next := uint32(0)
	err := s.each(context.Background(), func(r *record) error {
		if got := binary.BigEndian.Uint32(r.key[:]); got != next {
			t.Fatalf("%d in place of %d", got, next)
		}
		if i := binary.BigEndian.Uint32(r.row[:]); (i%3 == 0) != (r.text != "") {
			t.Errorf("row %d has the text %q", i, r.text)
		}
		next++
		return nil
	})
	if err != nil || next != n {
		t.Errorf("%d records, %v", next, err)
	}
}
