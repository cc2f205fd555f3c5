// Package keys holds envdiff's two keys: redact (digests that are comparable between snapshots) and pseudonym
// (masking). A key never prints: every way of formatting it yields its short id.
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
	"io"
)

// Size is the length of a key in bytes.
const Size = 32

// Key is 32 secret bytes. The zero Key is "no key": Zero reports true, and whatever needs its bytes panics. The bytes
// are what a function returns because fmt shows the unexported fields of whatever holds a Key without asking its
// methods, and of a function it shows no more than an address.
type Key struct{ reveal func() *[Size]byte }

func hold(b [Size]byte) Key { return Key{func() *[Size]byte { return &b }} }

func (k Key) raw() []byte {
	if k.Zero() {
		panic("keys: used without a key")
	}
	return k.reveal()[:]
}

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
	b := [Size]byte(raw)
	if b == [Size]byte{} {
		return k, errors.New("key is all zero")
	}
	return hold(b), nil
}

// New makes a random key.
func New() Key {
	var b [Size]byte
	rand.Read(b[:]) // never fails: crypto/rand ends the program instead, since Go 1.24
	return hold(b)
}

// Encode returns the base64 text that Parse reads. It is the one way to get at the bytes as text.
func (k Key) Encode() string { return base64.StdEncoding.EncodeToString(k.raw()) }

// Zero reports whether k is no key.
func (k Key) Zero() bool { return k.reveal == nil }

// ID is a public name of the key: 8 hex digits that reveal nothing about it. Equal ids mean comparable digests.
func (k Key) ID() string {
	if k.Zero() {
		return ""
	}
	return hex.EncodeToString(k.mac("envdiff key id", nil))[:8]
}

// String returns the id, so that a key in a log line is harmless.
func (k Key) String() string { return "key:" + k.ID() }

// Format is String for every verb: %d and %x would walk over the bytes.
func (k Key) Format(s fmt.State, _ rune) { io.WriteString(s, k.String()) }

// MarshalText refuses: a key is never serialised by accident.
func (k Key) MarshalText() ([]byte, error) { return nil, errors.New("a key is not serialisable") }

// Derive returns the key of one purpose (a masking domain, a digest family) by HKDF-SHA-256 (RFC 5869).
func (k Key) Derive(purpose string) Key {
	out, err := hkdf.Key(sha256.New, k.raw(), nil, purpose, Size)
	if err != nil {
		panic(err) // only for lengths above 255 hashes
	}
	return hold([Size]byte(out))
}

// Bytes returns the raw bytes for a cipher or MAC.
func (k Key) Bytes() []byte { return append([]byte(nil), k.raw()...) }

// Digest is a keyed one-way digest of data as 20 hex digits (80 bits): equal data, equal digest,
// nothing else is learnt without the key.
func (k Key) Digest(purpose string, data []byte) string {
	return hex.EncodeToString(k.mac(purpose, data))[:20]
}

func (k Key) mac(purpose string, data []byte) []byte {
	m := hmac.New(sha256.New, k.raw())
	m.Write([]byte(purpose))
	m.Write([]byte{0})
	m.Write(data)
	return m.Sum(nil)
}
