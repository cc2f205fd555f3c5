package snapshot

import (
	"encoding/hex"
	"hash"
	"io"
)

// digester counts and digests what passes through it, written or read.
type digester struct {
	hash hash.Hash
	n    int64
	to   io.Writer
	from io.Reader
}

func (d *digester) Write(p []byte) (int, error) {
	n, err := d.to.Write(p)
	d.hash.Write(p[:n])
	d.n += int64(n)
	return n, err
}

func (d *digester) Read(p []byte) (int, error) {
	n, err := d.from.Read(p)
	d.hash.Write(p[:n])
	d.n += int64(n)
	return n, err
}

func (d *digester) file() File {
	return File{Bytes: d.n, SHA256: hex.EncodeToString(d.hash.Sum(nil))}
}
