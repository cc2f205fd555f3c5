package database

import (
	"testing"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
	"github.com/envdiff/envdiff/snapshot"
)

// BenchmarkDigest digests one order of a web shop for a bucket, as it comes from PostgreSQL.
func BenchmarkDigest(b *testing.B) {
	t := &schema.Table{Name: schema.Name{Name: "orders"}, PrimaryKey: &schema.Key{Columns: []string{"id"}}}
	var row engine.Row
	for _, c := range [][3]string{
		{"currency", "character(3)", "USD"}, {"customer_id", "bigint", "123456"}, {"id", "bigint", "1234567"}, {"ip", "inet", "10.123.234.12"},
		{"placed_at", "timestamp with time zone", "2021-01-15 06:56:07+00"}, {"status", "text", "paid"}, {"total", "numeric(12,2)", "12345.60"},
		{"user_agent", "text", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 rev17"},
	} {
		t.Columns = append(t.Columns, schema.Column{Name: c[0], Type: c[1]})
		row = append(row, engine.Cell{Type: engine.CellText, Data: []byte(c[2])})
	}
	l, err := newLayout("postgres", t, snapshot.DatabaseSpec{})
	if err != nil {
		b.Fatal(err)
	}
	d, tally := newDigester(make([]byte, 32), "orders", l), newTally(l, 0)
	tally.sumUp()
	for b.Loop() {
		tally.add(d.row(row, false))
	}
}
