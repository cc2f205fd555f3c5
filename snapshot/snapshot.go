package snapshot

import (
	"errors"
	"io"
	"time"
)

// Format is the manifest's format name. Readers refuse any other major.
const Format = "envdiff.snapshot/1"

// Snapshot is everything observed of one environment at one moment, pivoted: one Line per address.
type Snapshot struct {
	Manifest    Manifest
	Lines       []Line // sorted by address text
	Gaps        []Gap
	Notes       []Note
	Attachments map[string]Attachment

	closers []func() error
}

// Close removes what a live capture keeps in temporary files. The facts stay usable, the attachments do not.
func (s *Snapshot) Close() error {
	var errs []error
	for _, c := range s.closers {
		errs = append(errs, c())
	}
	s.closers = nil
	return errors.Join(errs...)
}

// Manifest describes a snapshot.
type Manifest struct {
	Format       string           `json:"format"`
	Environment  string           `json:"environment"`
	CapturedAt   time.Time        `json:"captured_at"`
	Version      string           `json:"envdiff_version"`
	RedactKey    string           `json:"redact_key"`    // key id of the secret and row digests
	PseudonymKey string           `json:"pseudonym_key"` // key id of the masks, "" without rows
	Selection    Selection        `json:"selection"`     // what the capture was restricted to: addresses that it does not take were not looked at
	Scopes       map[string]Scope `json:"scopes"`
	Files        map[string]File  `json:"files"` // path → size and digest; the manifest itself is not among them
	Seal         string           `json:"seal"`  // SHA-256 of the manifest's bytes with "" here: an altered manifest is refused
}

// Scope says what was looked at under one scope name.
type Scope struct {
	Type      string              `json:"type"` // role, database, endpoint or exec
	Instances []string            `json:"instances"`
	Replicas  []string            `json:"replicas,omitempty"` // of the instances, those that are declared as replicas of the others
	Looked    map[string][]string `json:"looked"`             // address glob without scope → instances; nil instances means all
	Engine    string              `json:"engine,omitempty"`
}

// File is a part of a snapshot as the manifest records it.
type File struct {
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// Line is one address with its values and who holds them.
type Line struct {
	Address Address
	Values  []Held // distinct values, the one held by most instances first, then by JSON
}

// Held is one value and the instances that hold it, sorted.
type Held struct {
	Value  Value
	On     []string
	Origin string // where it was read on the first of them
}

// Attachment is a file beside the facts: row digests, stored rows.
type Attachment interface {
	Open() (io.ReadCloser, error)
	Size() int64
}
