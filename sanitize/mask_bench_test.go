package sanitize

import (
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/envdiff/envdiff/internal/engine"
)

// benchValues are values of a column as they come, for each mask that most databases need.
func benchValues(mask string) []engine.Cell {
	var cells []engine.Cell
	add := func(v string) { cells = append(cells, engine.Cell{Type: engine.CellText, Data: []byte(v)}) }
	for i, v := range samples(mask)[:256] {
		switch mask {
		case "name", "city", "company":
			add([]string{"Anna Schmidt", "Jean-Pierre Dupont", "Łukasz Nowak", "Lee"}[i%4] + strings.Repeat("a", i%5))
		case "phone":
			add(fmt.Sprintf("+49 170 %07d", i*7919))
		case "text":
			add(fmt.Sprintf("Ticket %d: called back, nobody answered; see mail of %d May.", i*7919, i%28+1))
		case "json":
			add(fmt.Sprintf(`{"theme": "dark", "visits": %d, "mail": "user%d@mail.example"}`, i*31, i))
		default:
			add(v)
		}
	}
	return cells
}

// BenchmarkMask reports the time of one masked cell, the best of many short spells, so that a busy machine tells little of itself, and how many
// HMAC-SHA-256 of the same cell take as long in the same run (the limit is 3: about a microsecond where SHA has its own instructions).
func BenchmarkMask(b *testing.B) {
	key := testKey(b)
	for _, mask := range []string{"email", "name", "phone", "text", "date", "number", "card", "iban", "uuid", "ip", "url", "json", "token"} {
		for _, use := range []struct {
			name string
			o    maskOptions
		}{{"unique", unique}, {"private", private}} {
			b.Run(mask+"/"+use.name, func(b *testing.B) {
				col, cells := testColumn(b, mask, use.o), benchValues(mask)
				buf := make([]byte, 0, 512)
				digest := hmac.New(sha256.New, key.Bytes())
				masked := best(func() {
					for _, cell := range cells {
						buf = col.append(buf[:0], cell)
					}
				})
				hashed := best(func() {
					for _, cell := range cells {
						digest.Reset()
						digest.Write(cell.Data)
						buf = digest.Sum(buf[:0])
					}
				})
				b.ReportAllocs()
				for b.Loop() {
					buf = col.append(buf[:0], cells[0])
				}
				b.ReportMetric(float64(masked.Nanoseconds())/float64(len(cells)), "best-ns/cell")
				b.ReportMetric(float64(masked)/float64(hashed), "cell/hmac")
			})
		}
	}
}

// best is the shortest of many runs.
func best(f func()) time.Duration {
	shortest := time.Hour
	for range 300 {
		start := time.Now()
		f()
		shortest = min(shortest, time.Since(start))
	}
	return shortest
}
