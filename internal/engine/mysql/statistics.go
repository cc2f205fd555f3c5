package mysql

import (
	"context"
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
	driver "github.com/go-sql-driver/mysql"
)

// indexedQuery tells how many values InnoDB's sample of an index makes it expect in the index's first column.
const indexedQuery = `SELECT TABLE_NAME, COLUMN_NAME, MAX(CARDINALITY) FROM information_schema.STATISTICS
WHERE TABLE_SCHEMA = DATABASE() AND SEQ_IN_INDEX = 1 AND SUB_PART IS NULL AND COLUMN_NAME IS NOT NULL AND CARDINALITY IS NOT NULL GROUP BY TABLE_NAME, COLUMN_NAME`

// countedQuery and columnsQuery read MariaDB's engine-independent statistics, which ANALYZE TABLE … PERSISTENT makes from all rows, and nobody else: they
// hold neither their age nor what has changed since. (https://mariadb.com/kb/en/engine-independent-table-statistics/)
const (
	countedQuery = `SELECT table_name, cardinality FROM mysql.table_stats WHERE db_name = DATABASE() AND cardinality IS NOT NULL`
	columnsQuery = `SELECT table_name, column_name, nulls_ratio, avg_frequency, min_value, max_value, CASE WHEN hist_type = 'JSON_HB' THEN CONVERT(histogram USING utf8mb4) END
FROM mysql.column_stats WHERE db_name = DATABASE() ORDER BY table_name, column_name`
)

// histogramsQuery reads those of MySQL 8, which ANALYZE TABLE … UPDATE HISTOGRAM makes. A user sees those of tables that it may read.
const histogramsQuery = `SELECT TABLE_NAME, COLUMN_NAME, HISTOGRAM FROM information_schema.COLUMN_STATISTICS WHERE SCHEMA_NAME = DATABASE() ORDER BY TABLE_NAME, COLUMN_NAME`

// plainQuery lists the columns whose values can be texts here as they are.
const plainQuery = `SELECT TABLE_NAME, COLUMN_NAME FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() AND DATA_TYPE NOT IN ('bit', 'enum', 'set', 'json', 'uuid', 'inet4', 'inet6')
AND DATA_TYPE NOT LIKE '%binary' AND DATA_TYPE NOT LIKE '%blob' AND (CHARACTER_SET_NAME IS NULL OR CHARACTER_SET_NAME IN ('utf8mb4', 'utf8mb3', 'utf8', 'ascii'))`

// Statistics reads what MariaDB's or MySQL 8's planner has of columns, all of it undated, and InnoDB's expectations of indexes. The error, after all tables
// have been told of, says what the account may not read.
func (d *database) Statistics(ctx context.Context, fn func(engine.TableStatistics) error) error {
	return d.use(ctx, func(c *conn) error {
		g := gathering{c: c, tables: map[string]*engine.TableStatistics{}, plain: map[[2]string]bool{}}
		if err := g.sizes(ctx); err != nil {
			return err
		}
		read := g.histograms
		if c.server.maria {
			read = g.persistent
		}
		err := read(ctx)
		var refusal *driver.MySQLError
		if err != nil && !errors.As(err, &refusal) {
			return err
		}
		for _, name := range g.order {
			if own := fn(*g.tables[name]); own != nil {
				return own
			}
		}
		if refusal != nil && (refusal.Number == 1142 || refusal.Number == 1143) {
			return &engine.Error{Code: "1142", Message: "this account may not read what MariaDB's planner knows of columns: GRANT SELECT ON mysql.column_stats and ON mysql.table_stats to the account that envdiff connects as"}
		}
		return err
	})
}

// gathering collects the statistics of a database's tables.
type gathering struct {
	c      *conn
	order  []string
	tables map[string]*engine.TableStatistics
	plain  map[[2]string]bool
}

// sizes reads what is known of tables and indexes.
func (g *gathering) sizes(ctx context.Context) error {
	err := g.c.query(ctx, "SELECT TABLE_NAME, TABLE_ROWS FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_TYPE LIKE '%BASE TABLE' OR TABLE_SCHEMA = DATABASE() AND TABLE_TYPE = 'SYSTEM VERSIONED'", func(r engine.Row) error {
		t := &engine.TableStatistics{Table: schema.Name{Name: string(r[0].Data)}, Rows: -1, Changed: -1, Undated: true}
		if r[1].Type != engine.CellNull {
			t.Rows = int64(float(r[1]))
		}
		g.tables[t.Table.Name], g.order = t, append(g.order, t.Table.Name)
		return nil
	})
	if err == nil {
		err = g.c.query(ctx, plainQuery, func(r engine.Row) error {
			g.plain[[2]string{string(r[0].Data), string(r[1].Data)}] = true
			return nil
		})
	}
	if err == nil {
		err = g.c.query(ctx, indexedQuery, func(r engine.Row) error {
			if s := g.column(r); s != nil {
				s.NullShare, s.Distinct = -1, float(r[2])
			}
			return nil
		})
	}
	return err
}

// column are the statistics of the column that a row begins with; nil where its table is none of these.
func (g *gathering) column(r engine.Row) *engine.ColumnStatistics {
	t := g.tables[string(r[0].Data)]
	if t == nil {
		return nil
	}
	name := string(r[1].Data)
	for i := range t.Columns {
		if strings.EqualFold(t.Columns[i].Column, name) {
			return &t.Columns[i]
		}
	}
	t.Columns = append(t.Columns, engine.ColumnStatistics{Column: name, NullShare: -1, Loose: true})
	return &t.Columns[len(t.Columns)-1]
}

// persistent reads MariaDB's.
func (g *gathering) persistent(ctx context.Context) error {
	err := g.c.query(ctx, countedQuery, func(r engine.Row) error {
		// A table that has grown or shrunk since was changed since.
		if t, n := g.tables[string(r[0].Data)], int64(float(r[1])); t != nil && t.Rows >= 0 && max(n-t.Rows, t.Rows-n) <= n/5+50 {
			t.Examined = n
		}
		return nil
	})
	if err != nil {
		return err
	}
	return g.c.query(ctx, columnsQuery, func(r engine.Row) error {
		t, s := g.tables[string(r[0].Data)], g.column(r)
		if s == nil || t.Examined <= 0 || r[2].Type == engine.CellNull {
			return nil
		}
		s.NullShare = float(r[2])
		if each := float(r[3]); each > 0 {
			s.Distinct = float64(t.Examined) * (1 - s.NullShare) / each
		}
		if !g.plain[[2]string{string(r[0].Data), s.Column}] {
			return nil
		}
		if r[6].Type != engine.CellNull {
			mariaHistogram(s, r[6].Data)
		}
		low, high := r[4], r[5]
		if s.Ends = whole(low) && whole(high); s.Ends && len(s.Common)+len(s.Bounds) == 0 {
			s.Bounds = []string{string(low.Data), string(high.Data)}
		}
		return nil
	})
}

// mostValueBytes is where MariaDB cuts a value off.
const mostValueBytes = 255

// whole reports a value that was not cut off, and can be read.
func whole(c engine.Cell) bool {
	return c.Type != engine.CellNull && len(c.Data) < mostValueBytes && utf8.Valid(c.Data)
}

// histograms reads MySQL's. Servers before 8.0 have none.
func (g *gathering) histograms(ctx context.Context) error {
	if g.c.server.major < 8 {
		return nil
	}
	return g.c.query(ctx, histogramsQuery, func(r engine.Row) error {
		t, s := g.tables[string(r[0].Data)], g.column(r)
		if s == nil || !g.plain[[2]string{string(r[0].Data), s.Column}] {
			return nil
		}
		if share := mysqlHistogram(s, r[2].Data); share > 0 && t.Rows > 0 {
			if n := max(1, int64(share*float64(t.Rows))); t.Examined == 0 || n < t.Examined {
				t.Examined = n
			}
		}
		return nil
	})
}
