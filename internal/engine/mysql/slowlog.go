package mysql

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/envdiff/envdiff/internal/engine"
)

const (
	// slowRows bounds the rows that are read of the slow log, the newest first.
	slowRows = 50000
	// slowText bounds a logged statement, in characters. A longer one is left out: cut, it would have a shape of its own.
	slowText = 16384
)

// slowLog is how a server keeps its log of slow statements. output is a set of FILE, TABLE and NONE.
type slowLog struct {
	on     bool
	output string
}

// unread says why the log cannot be read over a connection; "" when it can. NONE wins over the others.
func (l slowLog) unread() string {
	outputs := strings.Split(l.output, ",")
	switch {
	case !l.on:
		return "its slow log is off"
	case slices.Contains(outputs, "NONE"):
		return "its slow log is written nowhere (log_output has NONE)"
	case !slices.Contains(outputs, "TABLE"):
		return "its slow log goes to a file, which is not read (log_output has no TABLE)"
	}
	return ""
}

// slowQuery reads the log's newest rows of this database. TIME_TO_SEC keeps the fraction on MariaDB alone, and MariaDB
// alone logs the rows that a statement changed.
func (s server) slowQuery() string {
	rows := "rows_sent"
	if s.maria {
		rows = "rows_sent + rows_affected"
	}
	return `SELECT LEFT(sql_text, ` + strconv.Itoa(slowText+1) + `), 1, HOUR(query_time) * 3600 + MINUTE(query_time) * 60 + SECOND(query_time) + MICROSECOND(query_time) / 1e6, ` + rows + `
FROM mysql.slow_log WHERE db = DATABASE() ORDER BY start_time DESC LIMIT ` + strconv.Itoa(slowRows)
}

// slowDigests reads the table mysql.slow_log, a call per row. What it does not hold may have run all the same, only
// faster. instead is why performance_schema is not read.
func (d *database) slowDigests(ctx context.Context, log slowLog, instead string, fn func(engine.Digest) error) (engine.DigestSource, error) {
	if why := log.unread(); why != "" {
		return engine.DigestSource{Missing: instead + ", and " + why}, nil
	}
	s := engine.DigestSource{Name: "slow log", Evicted: true}
	var own error
	err := d.use(ctx, func(c *conn) error {
		return c.query(ctx, c.server.slowQuery(), func(r engine.Row) error {
			digest := digestOf(r)
			if unclear(digest.Text) {
				s.Unclear++
				return nil
			}
			own = fn(digest)
			return own
		})
	})
	switch {
	case own != nil:
		return s, own
	case denied(err):
		return engine.DigestSource{Missing: instead + ", and the user may not read mysql.slow_log", Privilege: "GRANT SELECT ON mysql.slow_log TO the user"}, nil
	}
	return s, err
}

// unclear reports a logged statement of which it is not certain where its literals end: whether a backslash escapes the
// quote after it is for the sql_mode of the session that ran it, which the log does not hold, and a comment that is
// executed may hold a literal that holds the comment's end.
func unclear(text string) bool {
	for _, sign := range []string{`\'`, `\"`, "/*!", "/*M!"} {
		if strings.Contains(text, sign) {
			return true
		}
	}
	return utf8.RuneCountInString(text) > slowText
}
