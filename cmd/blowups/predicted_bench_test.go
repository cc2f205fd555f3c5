package blowups

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/envdiff/envdiff/internal/engine"
)

const predictedRows = `
CREATE TABLE big (id bigint PRIMARY KEY, a int, b int, note text);
INSERT INTO big SELECT n, n % 1000, n % 77, repeat('x', 60) FROM generate_series(1, 3000000) n;`

// BenchmarkPredictedTimes rehearses statements on a copy of a tenth of the rows and runs them on all of them, in turns: what the copy predicts of those that take more
// than a second is to be right within a factor of two. The best run of each counts on both sides, for a machine does other things besides.
func BenchmarkPredictedTimes(b *testing.B) {
	e := postgresEstate(b, predictedRows)
	statements := []string{"CREATE INDEX big_a ON big (a, note)", "UPDATE big SET b = b + 1 WHERE id % 3 = 0", "ALTER TABLE big ALTER COLUMN a TYPE bigint", "CREATE UNIQUE INDEX big_id_a ON big (id, a)"}
	dir := b.TempDir()
	write(b, dir, "1_base.up.sql", "SELECT 1;")
	for i, sql := range statements {
		write(b, dir, fmt.Sprintf("%d_x.up.sql", i+2), sql+";\n")
	}
	production := e.production(b, "CREATE TABLE schema_migrations (version bigint NOT NULL PRIMARY KEY, dirty boolean NOT NULL); INSERT INTO schema_migrations VALUES (1, false)")
	predicted, real := make([]float64, len(statements)), make([]float64, len(statements))
	least := func(best *float64, seconds float64) {
		if *best == 0 || seconds < *best {
			*best = seconds
		}
	}
	for b.Loop() {
		for range 2 {
			out := benchRehearsal(b, e, production, dir, 10)
			for i, m := range out.Database.Migrations {
				if m.Status != "ok" || len(m.Statements) != 1 || len(m.Statements[0].ProductionSeconds) != 2 {
					b.Fatalf("%+v", m)
				}
				least(&predicted[i], m.Statements[0].ProductionSeconds[0]*2) // the middle of the range
			}
			for i, seconds := range runPlainly(b, e, e.production(b, "SELECT 1"), statements) {
				least(&real[i], seconds)
			}
		}
	}
	worst := 1.0
	for i, sql := range statements {
		ratio := predicted[i] / real[i]
		b.Logf("%s: %.2f s predicted, %.2f s real (%.2f)", sql, predicted[i], real[i], ratio)
		if real[i] > 1 {
			worst = math.Max(worst, math.Max(ratio, 1/ratio))
		}
	}
	b.ReportMetric(worst, "off")
	if worst > predictedMost {
		b.Errorf("a prediction is off by %.2f times, at most %.1f", worst, predictedMost)
	}
}

// runPlainly runs statements as a migration tool does and times each.
func runPlainly(b *testing.B, e estate, t engine.Target, statements []string) []float64 {
	b.Helper()
	db, err := e.engine.Open(b.Context(), t, engine.Scratch)
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	s, err := db.Session(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	var seconds []float64
	for _, sql := range statements {
		start := time.Now()
		if _, err := s.Exec(b.Context(), sql); err != nil {
			b.Fatalf("%s: %v", sql, err)
		}
		seconds = append(seconds, time.Since(start).Seconds())
	}
	return seconds
}
