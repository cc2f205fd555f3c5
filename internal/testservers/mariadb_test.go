package testservers

import (
	"context"
	"database/sql/driver"
	"testing"

	"github.com/go-sql-driver/mysql"
)

func TestMariaDBServesOneDatabasePerTest(t *testing.T) {
	s := MariaDB(t)
	name := ""
	t.Run("makes one", func(t *testing.T) {
		name = s.NewDatabase(t)
		s.Exec(t, name, "CREATE TABLE t (a INT); INSERT INTO t VALUES (1)")
		if other := s.NewDatabase(t); other == name {
			t.Error("two tests share a database")
		}
	})
	if err := s.script(name, "DO 0"); err == nil {
		t.Error("the database outlived its test")
	}
	if again := MariaDB(t); again.Port != s.Port {
		t.Error("a second server was started")
	}
}

func TestMariaDBAsksOthersForTheirPassword(t *testing.T) {
	s := MariaDB(t)
	s.Exec(t, "", "CREATE USER u@'127.0.0.1' IDENTIFIED BY 'right'")
	t.Cleanup(func() { s.Exec(t, "", "DROP USER u@'127.0.0.1'") })
	for password, in := range map[string]bool{"right": true, "wrong": false} {
		c, err := mysql.ParseDSN(s.UserDSN("u", password, ""))
		if err != nil {
			t.Fatal(err)
		}
		connector, err := mysql.NewConnector(c)
		if err != nil {
			t.Fatal(err)
		}
		var conn driver.Conn
		if conn, err = connector.Connect(context.Background()); (err == nil) != in {
			t.Errorf("with the %s password: %v", password, err)
		}
		if conn != nil {
			conn.Close()
		}
	}
}
