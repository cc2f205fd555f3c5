package objectstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/minio/minio-go/v7"
)

// Read returns a key of at most limit bytes and its version, for Replace. One that is not there is fs.ErrNotExist.
func (b *Bucket) Read(ctx context.Context, key string, limit int64) (body []byte, version string, err error) {
	var text limited
	text.left = limit
	version, err = b.copyTo(ctx, key, &text)
	return text.b, version, err
}

// Download copies a key. It ends well only when every byte has come.
func (b *Bucket) Download(ctx context.Context, key string, to io.Writer) error {
	_, err := b.copyTo(ctx, key, to)
	return err
}

func (b *Bucket) copyTo(ctx context.Context, key string, to io.Writer) (version string, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	r, info, _, err := b.core.GetObject(ctx, b.at.Bucket, b.name(key), minio.GetObjectOptions{})
	if err != nil {
		return "", b.explained("reading", key, err)
	}
	defer r.Close()
	watch := time.AfterFunc(stallTimeout, func() { cancel(errStalled) })
	defer watch.Stop()
	n, err := io.Copy(to, readerFunc(func(p []byte) (int, error) {
		watch.Reset(stallTimeout)
		return r.Read(p)
	}))
	if err == nil && n != info.Size {
		err = io.ErrUnexpectedEOF
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = fmt.Errorf("the transfer was cut after %d of %d bytes", n, info.Size)
	}
	return info.ETag, b.explained("reading", key, stalled(ctx, err))
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// limited collects up to a number of bytes.
type limited struct {
	b    []byte
	left int64
}

func (l *limited) Write(p []byte) (int, error) {
	if l.left -= int64(len(p)); l.left < 0 {
		return 0, errors.New("it is larger than it can be")
	}
	l.b = append(l.b, p...)
	return len(p), nil
}
