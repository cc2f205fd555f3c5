package mysql

import (
	"errors"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
	driver "github.com/go-sql-driver/mysql"
)

// readPartitions reads the key and the parts of partitioned tables. Subpartitions are told by the key alone.
func (k *catalog) readPartitions() error {
	type parts struct {
		key   string
		count int // of each partition: the servers make equally many
	}
	subpartitions := map[string]*parts{}
	err := k.from("PARTITIONS", "TABLE_SCHEMA", " AND PARTITION_METHOD IS NOT NULL ORDER BY TABLE_NAME, PARTITION_ORDINAL_POSITION, SUBPARTITION_ORDINAL_POSITION", func(r *record) {
		table := r.text("TABLE_NAME")
		t, ok := k.tables[table]
		if !ok {
			return
		}
		method := r.text("PARTITION_METHOD")
		t.PartitionBy = method + " (" + expression(r.text("PARTITION_EXPRESSION")) + ")"
		if method == "SYSTEM_TIME" {
			t.PartitionBy = method // printedPartitions completes it
		}
		name := schema.Name{Name: r.text("PARTITION_NAME")}
		if n := len(t.Partitions); n == 0 || t.Partitions[n-1].Name != name {
			t.Partitions = append(t.Partitions, schema.Partition{Name: name, Bound: bound(method, r.text("PARTITION_DESCRIPTION"))})
		}
		if m := r.text("SUBPARTITION_METHOD"); m != "" && len(t.Partitions) == 1 {
			if subpartitions[table] == nil {
				subpartitions[table] = &parts{key: m + " (" + expression(r.text("SUBPARTITION_EXPRESSION")) + ")"}
			}
			subpartitions[table].count++
		}
	})
	for name, s := range subpartitions {
		k.tables[name].PartitionBy += " SUBPARTITION BY " + s.key + " SUBPARTITIONS " + strconv.Itoa(s.count)
	}
	if err != nil {
		return err
	}
	return k.printedPartitions()
}

// printedPartitions asks SHOW CREATE TABLE for what the catalogue of MariaDB (10.11) does not hold, for the few tables that have it: when a partition of old
// row versions is full, and whether a list's VALUES IN (0) is DEFAULT, which the catalogue prints alike.
func (k *catalog) printedPartitions() error {
	for name, t := range k.tables {
		bySystemTime := t.PartitionBy == "SYSTEM_TIME"
		rest := slices.IndexFunc(t.Partitions, func(p schema.Partition) bool { return p.Bound == "VALUES IN (0)" })
		if !k.c.server.maria || !bySystemTime && rest < 0 {
			continue
		}
		err := k.c.query(k.ctx, "SHOW CREATE TABLE "+quote(k.name)+"."+quote(name), func(r engine.Row) error {
			text := string(r[1].Data)
			if bySystemTime {
				t.systemTime(text)
			} else if p := &t.Partitions[rest]; strings.Contains(text, "PARTITION "+quote(p.Name.Name)+" DEFAULT") {
				p.Bound = "DEFAULT"
			}
			return nil
		})
		var refusal *driver.MySQLError
		if errors.As(err, &refusal) {
			k.leave("partitions that this account may not read", name)
		} else if err != nil {
			return err
		}
	}
	return nil
}

const bySystemTime = "\n PARTITION BY SYSTEM_TIME" // a line of its own: constants hold no line breaks there

var intervalStart = regexp.MustCompile(` STARTS TIMESTAMP'[^']*'`)

// systemTime completes the key of a table whose partitions keep old versions of rows. When the first interval starts is by default the day on which the table
// was made. AUTO makes partitions as they are needed, so that their number is none of the schema.
func (t *tableDraft) systemTime(created string) {
	i := strings.LastIndex(created, bySystemTime)
	if i < 0 {
		return
	}
	rule, _, _ := strings.Cut(created[i+len(bySystemTime):], "\n")
	rule = intervalStart.ReplaceAllString(strings.TrimSpace(rule), "")
	t.PartitionBy = strings.TrimSpace("SYSTEM_TIME " + rule)
	if rule == "AUTO" || strings.HasSuffix(rule, " AUTO") {
		t.Partitions = nil
	}
}

// bound writes a partition's values as CREATE TABLE does.
func bound(method, description string) string {
	switch {
	case method == "SYSTEM_TIME" && description == "CURRENT":
		return "CURRENT"
	case method == "SYSTEM_TIME":
		return "HISTORY"
	case strings.HasPrefix(method, "RANGE") && description == "MAXVALUE" && method == "RANGE":
		return "VALUES LESS THAN MAXVALUE"
	case strings.HasPrefix(method, "RANGE"):
		return "VALUES LESS THAN (" + description + ")"
	case strings.HasPrefix(method, "LIST") && (description == "MAXVALUE" || description == "DEFAULT"):
		return "DEFAULT"
	case strings.HasPrefix(method, "LIST"):
		return "VALUES IN (" + description + ")"
	}
	return ""
}
