package mysql

import (
	"context"
	"errors"
	"strconv"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
	driver "github.com/go-sql-driver/mysql"
)

// watermarkQuery needs the second, since 1970, before which an UPDATE_TIME is final. That time is the second in which the last transaction that wrote to the table was
// committed (MySQL), or in which it began (MariaDB, trx_t::commit_tables). It is lost when the server starts or drops the table from its cache: such a table cannot be
// told until somebody writes to it again. Partitioned tables show their newest partition's alone, so the loss of one's cannot be seen: they are left out.
const watermarkQuery = `SELECT t.TABLE_NAME, CONCAT_WS(' ', t.CREATE_TIME, t.UPDATE_TIME) FROM information_schema.TABLES t
WHERE t.TABLE_SCHEMA = DATABASE() AND t.TABLE_TYPE = 'BASE TABLE' AND t.ENGINE = 'InnoDB' AND t.CREATE_OPTIONS NOT LIKE '%partitioned%' AND t.UPDATE_TIME < FROM_UNIXTIME(`

// oldestWriterQuery is the second before which no transaction began that may still write: one that began in the second of a table's UPDATE_TIME would leave it as it is.
// INNODB_TRX has the server's own time zone.
const oldestWriterQuery = `SELECT LEAST(UNIX_TIMESTAMP() - 1, COALESCE(MIN(UNIX_TIMESTAMP(CONVERT_TZ(trx_started, 'SYSTEM', '+00:00'))), UNIX_TIMESTAMP() - 1))
FROM information_schema.INNODB_TRX WHERE trx_is_read_only = 0 AND trx_mysql_thread_id <> CONNECTION_ID()`

// unseenWriters is how long, in seconds, a transaction that began in the same second as another one's is waited for where the account may not see transactions
// (PROCESS): one that takes longer, and only that one, is missed.
const unseenWriters = 60

// Watermarks are times of the server's that nothing can repeat. A table written to just now has none.
func (d *database) Watermarks(ctx context.Context) (map[schema.Name]string, error) {
	marks := map[schema.Name]string{}
	err := d.use(ctx, func(c *conn) error {
		if !c.server.maria { // MySQL 8 shows what it once looked up, a day old
			if err := c.exec(ctx, "SET SESSION information_schema_stats_expiry = 0"); err != nil {
				return err
			}
		}
		before, err := writtenBefore(ctx, c)
		if err != nil {
			return err
		}
		return c.query(ctx, watermarkQuery+before+")", func(r engine.Row) error {
			marks[schema.Name{Name: string(r[0].Data)}] = string(r[1].Data)
			return nil
		})
	})
	return marks, err
}

// writtenBefore is the second, as a number, before which an UPDATE_TIME is final.
func writtenBefore(ctx context.Context, c *conn) (before string, err error) {
	if !c.server.maria {
		return "UNIX_TIMESTAMP() - 1", nil
	}
	err = c.query(ctx, oldestWriterQuery, func(r engine.Row) error {
		before = string(r[0].Data)
		return nil
	})
	var refusal *driver.MySQLError
	if errors.As(err, &refusal) && refusal.Number == 1227 {
		return "UNIX_TIMESTAMP() - " + strconv.Itoa(unseenWriters), nil
	}
	return before, err
}

var _ engine.Watermarker = (*database)(nil)
