package database

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"

	"github.com/klauspost/compress/zstd"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
	"github.com/envdiff/envdiff/snapshot"
)

// typedFormat is the name of the attachment's format.
const typedFormat = "envdiff.schema/1"

// Typed is a schema as the engines model it, beside the facts that are made of it: pending migrations can be tried on an empty
// database that is built from it, without a connection to where it was captured.
type Typed struct {
	Format string           `json:"format"`
	Schema *schema.Database `json:"schema"`
	// Versions are the version tables that were asked for.
	Versions []VersionRows `json:"versions"`
}

// VersionRows are the rows of one version table: what a migration tool has noted.
type VersionRows struct {
	Table   schema.Name `json:"table"`
	Columns []string    `json:"columns"`
	Rows    [][]*string `json:"rows"` // nil is NULL
}

// keepTyped stores the schema, with the secrets in its texts replaced as in the facts.
func keepTyped(ctx context.Context, in snapshot.DatabaseInput, db *schema.Database) error {
	text, err := json.Marshal(db)
	if err != nil {
		return err
	}
	t := Typed{Format: typedFormat, Schema: &schema.Database{}}
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
	if err := writeTyped(w, t); err != nil {
		w.Discard()
		return err
	}
	return w.Commit()
}

func writeTyped(w io.Writer, t Typed) error {
	z, err := zstd.NewWriter(w, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest))
	if err != nil {
		return err
	}
	return errors.Join(json.NewEncoder(z).Encode(t), z.Close())
}

// versionRows reads the columns of a version table that it has.
func versionRows(ctx context.Context, db engine.DB, t *schema.Table, columns []string) (VersionRows, error) {
	out := VersionRows{Table: t.Name, Rows: [][]*string{}}
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

// maxTyped bounds a schema that is read back.
const maxTyped = 512 << 20

// ReadTyped reads what a capture kept of a database's schema; false when the snapshot does not have it.
func ReadTyped(s *snapshot.Snapshot, scope, instance string) (*Typed, bool, error) {
	a, ok := s.Attachments[snapshot.SchemaAttachment(scope, instance)]
	if !ok {
		return nil, false, nil
	}
	f, err := a.Open()
	if err != nil {
		return nil, false, fmt.Errorf("the stored schema of %s: %w", scope, err)
	}
	defer f.Close()
	z, err := zstd.NewReader(f, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(64<<20))
	if err != nil {
		return nil, false, fmt.Errorf("the stored schema of %s: %w", scope, err)
	}
	defer z.Close()
	var t Typed
	if err := json.NewDecoder(io.LimitReader(z, maxTyped)).Decode(&t); err != nil || t.Format != typedFormat || t.Schema == nil {
		return nil, false, fmt.Errorf("the stored schema of %s is damaged or of another format", scope)
	}
	return &t, true, nil
}
