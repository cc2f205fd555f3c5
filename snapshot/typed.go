package snapshot

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"

	"github.com/envdiff/envdiff/internal/schema"
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

// SchemaAttachment is the name of a database's schema as envdiff models it.
func SchemaAttachment(scope, instance string) string {
	return "schema/" + scope + "/" + pathElement(instance) + ".json.zst"
}

// Encode writes the attachment.
func (t Typed) Encode(w io.Writer) error {
	t.Format = typedFormat
	z, err := zstd.NewWriter(w, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest))
	if err != nil {
		return err
	}
	return errors.Join(json.NewEncoder(z).Encode(t), z.Close())
}

// maxTyped bounds a schema that is read back.
const maxTyped = 512 << 20

// Typed reads what a capture kept of a database's schema; false when the snapshot does not have it.
func (s *Snapshot) Typed(scope, instance string) (*Typed, bool, error) {
	a, ok := s.Attachments[SchemaAttachment(scope, instance)]
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
