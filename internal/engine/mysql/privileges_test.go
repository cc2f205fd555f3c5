package mysql

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/envdiff/envdiff/internal/engine"
)

const forReaders = `CREATE TABLE shown (id INT, secret INT); CREATE TABLE hidden (id INT); CREATE VIEW v AS SELECT id FROM shown; CREATE TRIGGER tr BEFORE INSERT ON shown FOR EACH ROW SET NEW.id = 1;
CREATE PROCEDURE p() SELECT 1; CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO SELECT 1;`

// TestWhatTheAccountMayNotSeeIsAGap: the servers leave it out without a word.
func TestWhatTheAccountMayNotSeeIsAGap(t *testing.T) {
	server, base := arrange(t, forReaders)
	name := databaseOf(base)
	pattern := strings.ReplaceAll(name, "_", `\_`)
	for _, c := range []struct {
		name, grants string
		gaps         string // the first kind of each
		tables       int
	}{
		{"one table", "GRANT SELECT ON " + name + ".shown TO reader", "table view trigger routine routine", 1},
		{"rows only", "GRANT SELECT ON `" + pattern + "`.* TO reader", "view trigger routine routine", 2},
		{"by a pattern", "GRANT SELECT, SHOW VIEW ON `test%`.* TO reader", "trigger routine routine", 2},
		{"all but bodies", "GRANT SELECT, SHOW VIEW, TRIGGER, EVENT, EXECUTE ON `" + pattern + "`.* TO reader", "routine", 2},
		{"all", "GRANT SELECT, SHOW VIEW, TRIGGER, EVENT ON `" + pattern + "`.* TO reader; GRANT SELECT ON mysql.proc TO reader", "", 2},
		{"everywhere", "GRANT SELECT, SHOW VIEW, TRIGGER, EVENT ON *.* TO reader", "", 2},
		{"through a role", "CREATE ROLE looks; GRANT SELECT, SHOW VIEW, TRIGGER, EVENT ON *.* TO looks; GRANT looks TO reader; SET DEFAULT ROLE looks FOR reader", "", 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			server.Exec(t, "", "CREATE USER reader IDENTIFIED BY 'pw'; "+c.grants)
			t.Cleanup(func() { server.Exec(t, "", "DROP USER reader; DROP ROLE IF EXISTS looks") })
			at := base
			at.DSN = server.UserDSN("reader", "pw", name)
			m := captured(t, at)
			var kinds []string
			for _, g := range m.Gaps {
				kind, _, _ := strings.Cut(g.Kinds[0], "/")
				kinds = append(kinds, kind)
				if !strings.HasPrefix(g.Hint, "GRANT ") {
					t.Errorf("hint %q", g.Hint)
				}
			}
			if got := strings.Join(kinds, " "); got != c.gaps || len(m.Tables) != c.tables {
				t.Errorf("%d tables, gaps %s, want %s", len(m.Tables), got, c.gaps)
			}
			if c.gaps == "" && (len(m.Triggers) != 1 || len(m.Routines) != 2 || m.Views[0].Definition == "" || m.Routines[1].Definition == "") {
				t.Errorf("triggers %+v, routines %+v, views %+v", m.Triggers, m.Routines, m.Views)
			}
			if _, err := openRead(t, at).Identity(context.Background()); err != nil {
				t.Errorf("identity: %v", err)
			}
		})
	}
}

func TestAccountThatMayNotReadATableIsToldTheGrant(t *testing.T) {
	server, base := arrange(t, forReaders)
	name := databaseOf(base)
	server.Exec(t, "", "CREATE USER reader IDENTIFIED BY 'pw'; GRANT INSERT ON "+name+".* TO reader; GRANT SELECT ON "+name+".shown TO reader")
	t.Cleanup(func() { server.Exec(t, "", "DROP USER reader") })
	at := base
	at.DSN = server.UserDSN("reader", "pw", name)
	db := openRead(t, at)
	_, err := rowsOf(db, "hidden")
	var refusal *engine.Error
	if !errors.As(err, &refusal) || refusal.Code != "1142" || refusal.Table != "hidden" || !strings.Contains(err.Error(), "GRANT SELECT ON `"+name+"`.`hidden`") {
		t.Fatalf("got %v", err)
	}
	if _, err := rowsOf(db, "shown"); err != nil {
		t.Fatalf("one refusal ended the others: %v", err)
	}
	if _, err := New().CreateScratch(context.Background(), at, ""); err == nil || !strings.Contains(err.Error(), "GRANT ALL ON") {
		t.Errorf("an account that may not create databases: %v", err)
	}
}

func TestGrantsOfAccounts(t *testing.T) {
	server, base := arrange(t, forReaders)
	name := databaseOf(base)
	server.Exec(t, "", "CREATE USER app@'10.%' IDENTIFIED BY 'pw'; GRANT SELECT, INSERT ON `"+strings.ReplaceAll(name, "_", `\_`)+"`.* TO app@'10.%'; GRANT DELETE ON "+name+".v TO app@'10.%'; GRANT UPDATE (secret) ON "+name+".shown TO app@'10.%' WITH GRANT OPTION; GRANT PROCESS ON *.* TO app@'10.%'; GRANT SELECT ON mysql.* TO app@'10.%'; GRANT EXECUTE ON PROCEDURE "+name+".p TO app@'10.%' WITH GRANT OPTION")
	t.Cleanup(func() { server.Exec(t, "", "DROP USER app@'10.%'") })
	var got []string
	for _, a := range captured(t, base).Access {
		for _, g := range a.Grants {
			if g.Grantee == "app@10.%" {
				got = append(got, a.Kind+" "+a.Name.Name+" "+a.Part+" "+a.Owner+" "+strings.Join(g.Privileges, ","))
			}
		}
	}
	want := "column shown secret  GRANT OPTION,UPDATE; database    INSERT,SELECT; routine p  root@127.0.0.1 EXECUTE,GRANT OPTION; server    PROCESS; view v  root@127.0.0.1 DELETE"
	if strings.Join(got, "; ") != want {
		t.Errorf("got  %s\nwant %s", strings.Join(got, "; "), want)
	}
}

// TestAccountsAndRoles: those that mean something to the database, without what lets anybody in as them.
func TestAccountsAndRoles(t *testing.T) {
	server, base := arrange(t, forReaders)
	name := databaseOf(base)
	server.Exec(t, "", "CREATE ROLE looks; CREATE ROLE unrelated; GRANT SELECT ON "+name+".* TO looks; CREATE USER app@'10.%' IDENTIFIED BY '"+password+"' REQUIRE SSL WITH MAX_USER_CONNECTIONS 5; GRANT looks TO app@'10.%'; "+
		"SET DEFAULT ROLE looks FOR app@'10.%'; CREATE USER local@localhost IDENTIFIED VIA unix_socket OR mysql_native_password USING PASSWORD('"+password+"'); GRANT SELECT ON "+name+".shown TO local@localhost; "+
		"CREATE USER open@localhost; GRANT SELECT ON "+name+".shown TO open@localhost; CREATE USER shut@localhost ACCOUNT LOCK; GRANT SELECT ON "+name+".shown TO shut@localhost; CREATE USER other@localhost")
	t.Cleanup(func() {
		server.Exec(t, "", "DROP USER app@'10.%', local@localhost, open@localhost, shut@localhost, other@localhost; DROP ROLE looks, unrelated")
	})
	got := map[string]string{}
	for _, o := range captured(t, base).Objects {
		if o.Kind == "role" && !strings.HasPrefix(o.Name.Name, "root@") {
			said, _ := json.Marshal([]any{o.Properties, o.Lists})
			got[o.Name.Name] = string(said)
		}
	}
	want := map[string]string{
		"app@10.%":        `[{"authentication":"mysql_native_password","connection_limit":"5","default_role":"looks","tls":"required"},{"member_of":["looks"]}]`,
		"local@localhost": `[{"authentication":"mysql_native_password or unix_socket"},{}]`,
		"open@localhost":  `[{"authentication":"mysql_native_password","no_password":"true"},{}]`,
		"shut@localhost":  `[{"authentication":"mysql_native_password","locked":"true"},{}]`,
		"looks":           `[{"role":"true"},{}]`,
	}
	for account, said := range want {
		if got[account] != said {
			t.Errorf("%s is %s, want %s", account, got[account], said)
		}
	}
	if len(got) != len(want) {
		t.Errorf("accounts %v", got)
	}
}
