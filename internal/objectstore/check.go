package objectstore

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"strings"
)

// ProbePrefix starts the name of the key that Check writes and removes.
const ProbePrefix = ".envdiff-probe-"

// Check lists the bucket, writes a key of a dozen bytes, tries to write it once more as one that must not be there, and removes it.
func (b *Bucket) Check(ctx context.Context) error {
	if _, err := b.Directories(ctx, ""); err != nil {
		return err
	}
	key := ProbePrefix + strings.ToLower(rand.Text())
	probe := []byte("envdiff probe")
	if err := b.Create(ctx, key, bytes.NewReader(probe), int64(len(probe))); err != nil {
		return err
	}
	second := b.Create(ctx, key, bytes.NewReader(probe), int64(len(probe)))
	if err := b.Remove(ctx, key); err != nil {
		return err
	}
	if !errors.Is(second, ErrTaken) {
		if second != nil {
			return second
		}
		return &Problem{"writing " + b.String(), "the server ignores the condition of a conditional write, so that two writers could replace each other's snapshots", reasons["NotImplemented"].hint}
	}
	return nil
}
