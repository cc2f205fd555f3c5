package snapshot

import "testing"

func TestASampleIsInEveryLargerOne(t *testing.T) {
	for _, part := range []int{1, 7, 1000, 40_000, RowBuckets} {
		if got := len(SampledBuckets(part)); got != part {
			t.Errorf("%d of %d buckets", got, part)
		}
		for _, b := range SampledBuckets(part) {
			if !Sampled(b, part+1) {
				t.Fatalf("bucket %d is in a sample of %d and not in the next larger one", b, part)
			}
		}
	}
	// Keys that are all odd, or all multiples of a thousand, are sampled like any others.
	for _, step := range []int{2, 10, 1000} {
		n := 0
		for id := 1; id < 4_000_000; id += step {
			if Sampled(uint16(id), 1311) {
				n++
			}
		}
		if share := float64(n) * float64(step) / 4_000_000; share < 0.015 || share > 0.025 {
			t.Errorf("of every %d. key %.4f are sampled, want about 0.02", step, share)
		}
	}
}

func TestWhatASampleProves(t *testing.T) {
	for rows, want := range map[int64]string{30_000: "0.01 %", 30_412: "0.01 %", 29_000: "0.02 %", 300: "1 %", 299: "2 %", 100: "3 %", 12: "30 %", 3: "100 %", 0: "100 %", 3_000_000: "0.0001 %"} {
		if got := Bound(rows); got != want {
			t.Errorf("%d rows: %s, want %s", rows, got, want)
		}
	}
	if PartOf(0, 1e9) != RowBuckets || PartOf(30_000, 20_000) != RowBuckets || PartOf(30_000, -1) != RowBuckets {
		t.Error("a part where all is asked for, or the table is small or of no known size")
	}
	if got := PartOf(30_000, 1_500_000); got != 1311 {
		t.Errorf("%d buckets", got)
	}
}
