package database

import (
	"context"
	"encoding/json"
	"reflect"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
	"github.com/envdiff/envdiff/snapshot"
)

// keepTyped stores the schema, with the secrets in its texts replaced as in the facts.
func keepTyped(ctx context.Context, in snapshot.DatabaseInput, db *schema.Database) error {
	text, err := json.Marshal(db)
	if err != nil {
		return err
	}
	t := snapshot.Typed{Schema: &schema.Database{}}
	if err := json.Unmarshal(text, t.Schema); err != nil { // a copy: other collectors read the same schema
		return err
	}
	redactDefaults(t.Schema, in.Redact)
	redactTexts(reflect.ValueOf(t.Schema).Elem(), in.Redact)
	for i := range db.Tables {
		if columns := in.Spec.Versions[db.Tables[i].Name.String()]; columns != nil {
			rows, err := versionRows(ctx, in.DB, &db.Tables[i], columns)
			if err != nil {
				return err
			}
			t.Versions = append(t.Versions, rows)
		}
	}
	w, err := in.Attach(snapshot.SchemaAttachment(in.Scope, in.Instance))
	if err != nil {
		return err
	}
	if err := t.Encode(w); err != nil {
		w.Discard()
		return err
	}
	return w.Commit()
}

// versionRows reads the columns of a version table that it has.
func versionRows(ctx context.Context, db engine.DB, t *schema.Table, columns []string) (snapshot.VersionRows, error) {
	out := snapshot.VersionRows{Table: t.Name, Rows: [][]*string{}}
	for _, c := range columns {
		if _, ok := t.Column(c); ok {
			out.Columns = append(out.Columns, c)
		}
	}
	if len(out.Columns) == 0 {
		return out, nil
	}
	err := db.CopyOut(ctx, engine.Read{Table: t.Name, Columns: out.Columns, Limit: maxApplied}, func(r engine.Row) error {
		row := make([]*string, len(r))
		for i, c := range r {
			if c.Type != engine.CellNull {
				text := string(c.Data)
				row[i] = &text
			}
		}
		out.Rows = append(out.Rows, row)
		return nil
	})
	return out, err
}

// redactDefaults takes away the defaults of columns whose names say that they hold secrets.
func redactDefaults(db *schema.Database, redact *snapshot.Redactor) {
	for i := range db.Tables {
		for j := range db.Tables[i].Columns {
			if c := &db.Tables[i].Columns[j]; c.Default != nil && redact.Scalar(c.Name, *c.Default).IsSecret() {
				null := "NULL"
				c.Default = &null
			}
		}
	}
}

// redactTexts replaces the secrets inside all texts of a value.
func redactTexts(v reflect.Value, redact *snapshot.Redactor) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			redactTexts(v.Elem(), redact)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			redactTexts(v.Field(i), redact)
		}
	case reflect.Slice:
		for i := range v.Len() {
			redactTexts(v.Index(i), redact)
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			item := reflect.New(v.Type().Elem()).Elem()
			item.Set(v.MapIndex(key))
			redactTexts(item, redact)
			v.SetMapIndex(key, item)
		}
	case reflect.String:
		v.SetString(redact.Text(v.String()))
	}
}
