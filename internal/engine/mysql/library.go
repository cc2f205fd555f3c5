package mysql

import (
	"context"
	"database/sql"
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
	return sql.OpenDB(connector), nil
}

// Refused is a library's error in our own words.
func (mysqlEngine) Refused(t engine.Target, err error) error {
	return fail(context.Background(), t, err)
}
