package database

import (
	"strings"

	"github.com/envdiff/envdiff/internal/schema"
)

// logical is what a column's values are, whatever the engine: what decides when two of them are equal.
type logical uint8

const (
	logicalText      logical = iota // as it is written
	logicalPadded                   // CHAR of engines that pad it: trailing spaces are no part of the value
	logicalNumber                   // 1, 1.0 and 1.00 are one number
	logicalBoolean                  // PostgreSQL's t and f, which other engines write as 1 and 0
	logicalSingle                   // a floating point number of 32 bits
	logicalDouble                   // … of 64 bits
	logicalBits                     // MySQL's BIT: a number in bytes
	logicalBytes                    // a string of bytes
	logicalHex                      // … that the engine writes in hexadecimal digits
	logicalUUID                     // in lower case
	logicalJSON                     // by content: order of members, white space and the spelling of numbers mean nothing
	logicalTimestamp                // a moment; without a zone it is taken for UTC
	logicalDate
	logicalTime
	logicalUntyped // SQLite without a type: 1 and 1.0 are different
)

// logicalOf reads a declared type.
func logicalOf(engine string, c *schema.Column) logical {
	t := strings.ToLower(c.Type)
	switch engine {
	case "postgres":
		return postgresType(t)
	case "mysql":
		return mysqlType(t)
	}
	return sqliteType(t)
}

// typeRule finds a type by how its name begins.
type typeRule struct {
	prefix string
	is     logical
}

func firstOf(rules []typeRule, t string) logical {
	for _, r := range rules {
		if strings.HasPrefix(t, r.prefix) {
			return r.is
		}
	}
	return logicalText
}

var postgresTypes = []typeRule{
	{"bigint", logicalNumber}, {"integer", logicalNumber}, {"smallint", logicalNumber}, {"numeric", logicalNumber}, {"boolean", logicalBoolean}, {"oid", logicalNumber},
	{"real", logicalNumber}, {"double precision", logicalDouble}, {"character varying", logicalText}, {"character", logicalPadded}, {"bytea", logicalHex},
	{"uuid", logicalUUID}, {"json", logicalJSON}, {"timestamp", logicalTimestamp}, {"date", logicalDate}, {"time", logicalTime},
}

// postgresType reads what format_type prints. Arrays, ranges and all else are compared as the server writes them.
func postgresType(t string) logical {
	if strings.HasSuffix(t, "]") || strings.HasPrefix(t, "datemultirange") || strings.HasPrefix(t, "daterange") || strings.HasPrefix(t, "oidvector") {
		return logicalText
	}
	return firstOf(postgresTypes, t)
}

var mysqlTypes = []typeRule{
	{"tinyint", logicalNumber}, {"smallint", logicalNumber}, {"mediumint", logicalNumber}, {"int", logicalNumber}, {"bigint", logicalNumber}, {"decimal", logicalNumber}, {"year", logicalNumber},
	{"float", logicalSingle}, {"double", logicalDouble}, {"bit", logicalBits}, {"binary", logicalBytes}, {"varbinary", logicalBytes},
	{"tinyblob", logicalBytes}, {"blob", logicalBytes}, {"mediumblob", logicalBytes}, {"longblob", logicalBytes},
	{"uuid", logicalUUID}, {"json", logicalJSON}, {"datetime", logicalTimestamp}, {"timestamp", logicalTimestamp}, {"date", logicalDate}, {"time", logicalTime},
}

func mysqlType(t string) logical { return firstOf(mysqlTypes, t) }

var sqliteTypes = []struct {
	part string
	is   logical
}{
	{"bool", logicalNumber}, {"int", logicalNumber}, {"datetime", logicalTimestamp}, {"timestamp", logicalTimestamp}, {"date", logicalDate}, {"time", logicalTime},
	{"json", logicalJSON}, {"uuid", logicalUUID}, {"char", logicalText}, {"clob", logicalText}, {"text", logicalText}, {"blob", logicalBytes},
	{"real", logicalNumber}, {"floa", logicalNumber}, {"doub", logicalNumber}, {"num", logicalNumber}, {"dec", logicalNumber},
}

// sqliteType reads a declared type as SQLite's affinity rules do, with the names that people give to what it has no class for.
func sqliteType(t string) logical {
	for _, r := range sqliteTypes {
		if strings.Contains(t, r.part) {
			return r.is
		}
	}
	return logicalUntyped
}
