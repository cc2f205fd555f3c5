package mysql

import (
	"context"
	"database/sql"
	sqldriver "database/sql/driver"
	"errors"
	"strings"

	"github.com/envdiff/envdiff/internal/engine"
	driver "github.com/go-sql-driver/mysql"
)

// SQL opens a scratch database for another library, which sends whole files. Its name tells: nothing else is called so.
func (mysqlEngine) SQL(t engine.Target) (*sql.DB, error) {
	config, err := configure(t)
	if err != nil {
		return nil, err
	}
	if !strings.HasPrefix(config.DBName, scratchPrefix) {
		return nil, errProtected(t, "other programs' code runs")
	}
	config.MultiStatements = true
	connector, err := driver.NewConnector(config)
	if err != nil {
		return nil, misuse("%s: not a usable MySQL URL", t)
	}
	return sql.OpenDB(initialised{connector, t.Init}), nil
}

// initialised connections begin with an Imitator's settings.
type initialised struct {
	sqldriver.Connector
	init string
}

func (i initialised) Connect(ctx context.Context) (sqldriver.Conn, error) {
	raw, err := i.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	c, able := raw.(sqldriver.ExecerContext)
	for line := range strings.Lines(i.init) {
		var refusal *driver.MySQLError
		if !able {
			break
		}
		if _, err := c.ExecContext(ctx, strings.TrimSuffix(line, "\n"), nil); err != nil && !errors.As(err, &refusal) {
			_ = raw.Close()
			return nil, err
		}
	}
	return raw, nil
}

// Refused is a library's error in our own words.
func (mysqlEngine) Refused(t engine.Target, err error) error {
	return fail(context.Background(), t, err)
}
