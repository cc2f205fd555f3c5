// Package keys holds envdiff's two keys: redact (digests that are comparable between snapshots) and pseudonym (masking).
// A key never prints: every way of formatting it yields its short id.
package keys

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
)

// Size is the length of a key in bytes.
const Size = 32

// Key is 32 secret bytes. The zero Key is "no key": Zero reports true and Digest panics.
type Key struct{ b [Size]byte }

// Parse reads a key in standard base64, as `envdiff init` writes it. Errors never quote the input.
func Parse(text string) (Key, error) {
	var k Key
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return k, errors.New("key is not base64")
	}
	if len(raw) != Size {
		return k, fmt.Errorf("key has %d bytes, want %d", len(raw), Size)
	}
	copy(k.b[:], raw)
	if k.Zero() {
		return k, errors.New("key is all zero")
	}
	return k, nil
}

// New makes a random key.
func New() Key {
	var k Key
	if _, err := rand.Read(k.b[:]); err != nil {
		panic(err) // crypto/rand does not fail on supported systems
	}
	return k
}

// Encode returns the base64 text that Parse reads. It is the one way to get at the bytes as text.
func (k Key) Encode() string { return base64.StdEncoding.EncodeToString(k.b[:]) }

// Zero reports whether k is no key.
func (k Key) Zero() bool { return k.b == [Size]byte{} }

// ID is a public name of the key: 8 hex digits that reveal nothing about it. Equal ids mean comparable digests.
func (k Key) ID() string {
	if k.Zero() {
		return ""
	}
	return hex.EncodeToString(k.mac("envdiff key id", nil))[:8]
}

// String returns the id, so that a key in a log line is harmless.
func (k Key) String() string { return "key:" + k.ID() }

// GoString is String, for %#v.
func (k Key) GoString() string { return k.String() }

// MarshalText refuses: a key is never serialised by accident.
func (k Key) MarshalText() ([]byte, error) { return nil, errors.New("a key is not serialisable") }

// Derive returns the key of one purpose (a masking domain, a digest family) by HKDF-SHA-256 (RFC 5869).
func (k Key) Derive(purpose string) Key {
	out, err := hkdf.Key(sha256.New, k.b[:], nil, purpose, Size)
	if err != nil {
		panic(err) // only for lengths above 255 hashes
	}
	var d Key
	copy(d.b[:], out)
	return d
}

// Bytes returns the raw bytes for a cipher or MAC.
func (k Key) Bytes() []byte { return append([]byte(nil), k.b[:]...) }

// Digest is a keyed one-way digest of data as 20 hex digits (80 bits): equal data, equal digest, nothing else is learnt without the key.
func (k Key) Digest(purpose string, data []byte) string {
	if k.Zero() {
		panic("keys: digest without a key")
	}
	return hex.EncodeToString(k.mac(purpose, data))[:20]
}

func (k Key) mac(purpose string, data []byte) []byte {
	m := hmac.New(sha256.New, k.b[:])
	m.Write([]byte(purpose))
	m.Write([]byte{0})
	m.Write(data)
	return m.Sum(nil)
}
