package database

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/internal/schema"
	"github.com/envdiff/envdiff/snapshot"
)

// Profile counts, in one pass over each table, the traits of every column that decide whether a migration passes.
type Profile struct {
	Part int64 // bytes of a table that are read in one go; 0 is 64 MiB, of tables that are worth it
}

// Name is the collector's name.
func (Profile) Name() string { return "profile" }

// Doc describes the collector.
func (Profile) Doc() snapshot.Doc {
	return snapshot.Doc{
		Title: "Profile of every column",
		Text: "Counts of rows, nulls, blanks, lengths, signs and distinct values, in one of three grades, which `databases.NAME.profile` sets. `planner` reads the server's own " +
			"statistics and no table: it is the default in protected environments, but for a SQLite file that was never analysed, which is scanned; and what statistics cannot know, or what may have changed since they were made, is not " +
			"claimed; what those of MariaDB, MySQL and SQLite show, which have no date, is said to be of unknown age. `sample` reads about 30,000 rows of tables larger than 80 MB. `scan`, the default elsewhere, is one streaming read of each table; of large ones in parts, by a quarter of --jobs connections that see one moment, where the " +
			"server can cut them (PostgreSQL 14 and later by pages, MariaDB and MySQL by a primary key of whole numbers): what is counted of parts adds up. Reading pauses above max_load and max_lag, and --resume goes on from a run that was interrupted, as for rows, with tables of 20,000 rows and more. No value is stored, except the smallest and largest " +
			"number, and values of few, of columns that the sanitising policy keeps. The number of distinct values is exact up to 16,384, and beyond an estimate with a standard error of about 1 %. Tables under " +
			"`ignore` and the version tables of migration tools are left out.",
		Needs: []string{"SELECT on the tables, also for planner: a server shows its statistics to those who may read the rows"},
		Attributes: []string{
			"profile/TABLE#grade: planner, sample or scan; #rows, an estimate but of a scan; #examined: rows that the counts are of, where that is not all; #changed: rows changed since the planner's statistics, where the server tells",
			"profile/TABLE.COLUMN#nulls, #null_share, #distinct, #min_length, #max_length",
			"profile/TABLE.COLUMN#blanks (empty or white space only), #non_ascii, #outer_blanks, #control (control characters), #four_byte (characters beyond U+FFFF), #mojibake (UTF-8 that was read as Latin-1 and encoded again), #not_utf8, #not_number, #not_date: of texts",
			"profile/TABLE.COLUMN#negatives, #zeros, #positives, #max_digits (before the decimal point): of numbers",
			"profile/TABLE.COLUMN#at_bounds: integers at a limit of their type, texts of a VARCHAR's full length",
			"profile/TABLE.COLUMN#zero_dates (also a month or day of zero), #impossible_dates, #endless_dates (infinity, years before 2 and after 9997), #future_dates",
			"profile/TABLE.COLUMN#duplicates: rows that repeat a value, #fold_duplicates: values that differ from another one in case and outer blanks alone; of columns with more than 16,384 values those that a sample of the values shows, #examined_values being its rows",
			"profile/TABLE.COLUMN#orphans: rows that refer to none, by a foreign key or a reference of the policy; in a scan alone",
			"profile/TABLE.COLUMN#longer, #larger: LIMIT=COUNT of values longer than 50, 64, 100, 128, 191, 255, 2704 and 65535 characters, of numbers of more than 9 and 18 digits",
			"profile/TABLE.COLUMN#@kept: the properties of the values that the policy leaves to be compared, all where there is none; #@looked: what was counted and is not among the facts where there is none",
			"profile/TABLE.COLUMN#classes: the storage classes seen, where the engine has them per value",
			"profile/TABLE.COLUMN#min, #max, #quantiles: of numbers in columns that the policy keeps, quantiles not of keys",
			"profile/TABLE.COLUMN#ages: quantiles of the days between a date and the column's newest that is not in the future, in columns that the policy keeps",
			"profile/TABLE.COLUMN#lengths: 21 quantiles of the lengths of texts in characters, where the policy keeps the column or its mask keeps lengths, or there is no policy",
			"profile/TABLE.COLUMN#categories: VALUE=COUNT of columns with at most 32 values that the policy keeps",
		},
	}
}

// Kinds are context: two databases never hold the same rows. One-sided traits are a comparison's to find.
func (Profile) Kinds() []snapshot.Kind {
	return []snapshot.Kind{{
		Pattern: "profile/*", Axis: snapshot.Context, Area: finding.AreaData, Parents: []string{"column/{name}", "table/{name}", "table/{-1}"},
		Doc: "what a column's values look like, without the values; an attribute that is not there counts nothing",
	}}
}

// versionTables belong to migration tools: their rows are state, not data.
var versionTables = map[string]bool{
	"schema_migrations": true, "ar_internal_metadata": true, // golang-migrate, Rails, dbmate
	"goose_db_version": true, "flyway_schema_history": true, "databasechangelog": true, "databasechangeloglock": true, // Liquibase
	"alembic_version": true, "django_migrations": true, "gorp_migrations": true, "atlas_schema_revisions": true, "knex_migrations": true,
	"knex_migrations_lock": true, "migrations": true, "doctrine_migration_versions": true, "_prisma_migrations": true, "__efmigrationshistory": true,
}

// Collect reads the tables, or the server's statistics of them. When the time is over, what was read is kept and the rest is a gap.
func (c Profile) Collect(ctx context.Context, in snapshot.DatabaseInput) snapshot.Result {
	if in.Spec.Profile == "" {
		return snapshot.Result{Looked: []string{}}
	}
	db, err := in.DB.Schema(ctx)
	if err != nil {
		return unreadable(in.Scope, "profile", c.Kinds(), err)
	}
	var tables []*schema.Table
	for i := range db.Tables {
		if t := &db.Tables[i]; !ignored(in.Spec, t.Name) && !versionTables[strings.ToLower(t.Name.Name)] {
			tables = append(tables, t)
		}
	}
	var r snapshot.Result
	grade := gradeOf(in, db)
	if grade == snapshot.GradePlanner {
		planned(ctx, in, tables, &r)
		return r
	}
	p := profiling{in: in, grade: grade, part: c.Part, all: byName(db.Tables)}
	for _, t := range tables {
		p.tables = append(p.tables, newTableProfile(in, grade, t))
	}
	p.read(ctx)
	var late []string
	unsampled := 0
	for _, t := range p.tables {
		switch {
		case errors.Is(t.err, engine.ErrNoSample):
			unsampled++
		case t.err != nil && ctx.Err() != nil:
			late = append(late, tableName(t.table.Name))
		case t.err != nil:
			a := snapshot.Object(in.Scope, "profile", t.table.Name.Idents()...)
			r.Missing(a, "the table cannot be read: "+refusal(t.err), engine.Advice(t.err), profileOf(in.Scope, tableName(t.table.Name))...)
		default:
			r.Facts, r.Gaps = append(r.Facts, t.result.Facts...), append(r.Gaps, t.result.Gaps...)
		}
	}
	if unsampled > 0 {
		r.Notes = append(r.Notes, snapshot.Note{Scope: in.Scope, Kind: "profiles of large tables without a key to sample by", Count: unsampled})
	}
	if len(late) > 0 {
		var covers []string
		for _, t := range late {
			covers = append(covers, profileOf(in.Scope, t)...)
		}
		r.Missing(snapshot.Address{Scope: in.Scope, Kind: "profile"}, fmt.Sprintf("the time was over before %d tables were read, %s first%s", len(late), late[0], p.gate.said()),
			"raise --timeout, set databases."+in.Scope+".profile to sample or planner, or leave the profile out with --skip '"+in.Scope+":profile/*'", covers...)
	}
	return r
}

// gradeOf settles the usual grade: a protected database is not made to read its tables, but for a file that was never analysed: no server serves it to others, and
// nothing would be known of it.
func gradeOf(in snapshot.DatabaseInput, db *schema.Database) snapshot.Grade {
	if in.Spec.Profile != snapshot.GradeUsual {
		return in.Spec.Profile
	}
	analysed := slices.ContainsFunc(db.Tables, func(t schema.Table) bool { return t.EstimatedRows > 0 })
	if in.Spec.Protected && (in.DB.Engine().Name() != "sqlite" || analysed) {
		return snapshot.GradePlanner
	}
	return snapshot.GradeScan
}

// profileOf are the globs of a table's profile.
func profileOf(scope, table string) []string {
	return []string{scope + ":profile/" + table + "#*", scope + ":profile/" + table + ".*"}
}

// refusal is an error's text when it is the engine's, which holds no values.
func refusal(err error) string {
	var e *engine.Error
	if errors.As(err, &e) {
		return e.Message
	}
	return "the read failed"
}

// tableFacts are those that every grade has.
func tableFacts(a snapshot.Address, grade snapshot.Grade, rows int64, r *snapshot.Result) {
	r.Add(a.Attr("grade"), snapshot.String(string(grade)), "")
	if rows >= 0 {
		r.Add(a.Attr("rows"), snapshot.Int(rows), "")
	}
}

// everything is what is left of a column where there is no policy.
var everything = []string{"class", "equality", "fold", "format", "length", "null", "order", "sign", "unique", "validity", "value"}

// newColumns are the counters of a table's columns.
func newColumns(in snapshot.DatabaseInput, t *schema.Table) []column {
	columns := make([]column, len(t.Columns))
	seed := in.Redact.Key("profile").Bytes()
	for i := range t.Columns {
		name, table, kept, leaves := t.Columns[i].Name, tableName(t.Name), false, everything
		if in.Spec.Keep != nil {
			kept = in.Spec.Keep(table, name)
		}
		if in.Spec.Leaves != nil {
			leaves = in.Spec.Leaves(table, name)
		}
		columns[i] = newColumn(&t.Columns[i], seed, in.Now)
		columns[i].kept, columns[i].leaves, columns[i].key = kept, leaves, keyed(in, t, name)
	}
	return columns
}

// soundsLikeKey reports a column that is called id, or something's.
func soundsLikeKey(column string) bool {
	lower := strings.ToLower(column)
	return lower == "id" || strings.HasSuffix(lower, "_id") || strings.HasSuffix(column, "Id")
}
