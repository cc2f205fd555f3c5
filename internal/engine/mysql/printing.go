package mysql

import (
	"context"
	"slices"
	"strings"

	"github.com/envdiff/envdiff/internal/engine"
)

// printing are the modes under which a server prints names, constants and options in its catalogue in another way, and those that bring them along.
var printing = strings.Fields(`ANSI ANSI_QUOTES DB2 MAXDB MSSQL MYSQL323 MYSQL40 NO_BACKSLASH_ESCAPES NO_FIELD_OPTIONS NO_KEY_OPTIONS NO_TABLE_OPTIONS ORACLE POSTGRESQL`)

// plainly runs f while the session prints as by default, and gives the session its mode back. What f reads is then the same whatever the server's mode.
func (c *conn) plainly(ctx context.Context, f func() error) error {
	mode := ""
	err := c.query(ctx, "SELECT @@SESSION.sql_mode", func(r engine.Row) error { mode = string(r[0].Data); return nil })
	if err != nil {
		return err
	}
	modes := strings.Split(mode, ",")
	plain := slices.DeleteFunc(slices.Clone(modes), func(m string) bool { return slices.Contains(printing, m) })
	if len(plain) == len(modes) {
		return f()
	}
	if err := c.exec(ctx, setMode(strings.Join(plain, ","))); err != nil {
		return err
	}
	err = f()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cancelGrace)
	defer cancel()
	if lost := c.exec(ctx, setMode(mode)); lost != nil {
		c.broken = true
		if err == nil {
			err = lost
		}
	}
	return err
}
