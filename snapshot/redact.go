package snapshot

import "github.com/envdiff/envdiff/internal/keys"

// Redactor turns secrets into keyed digests before anything is stored. It knows secrets by key name and by content.
type Redactor struct {
	key   keys.Key
	names []string // globs of further key names, lower case, from `secrets:`
}

// NewRedactor makes a Redactor; more are globs of key names beyond the built-in ones.
func NewRedactor(key keys.Key, more []string) *Redactor { return &Redactor{key: key, names: more} }

// KeyID names the key: digests under different ids are not comparable.
func (r *Redactor) KeyID() string { return r.key.ID() }

// Key derives the key of a digest family, such as "rows".
func (r *Redactor) Key(purpose string) keys.Key { return r.key.Derive(purpose) }
