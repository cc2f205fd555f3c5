package objectstore

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/minio/minio-go/v7"
)

const (
	partSize = 16 << 20
	maxParts = 10_000 // of S3: with parts that grow a file may have 5 TiB
	// MaxSize is the largest file that S3 takes, in bytes.
	MaxSize = 5 << 40
	// writerMark is the metadata by which a writer recognises what it wrote itself, when the answer to it was lost.
	writerMark = "Envdiff-Write"
)

// Create writes a key that must not be there: else the error is ErrTaken. Up to a part's size goes in one request, more in parts that
// nobody sees before the last request puts them together.
func (b *Bucket) Create(ctx context.Context, key string, body io.ReaderAt, size int64) error {
	if size > MaxSize {
		return fmt.Errorf("writing %s: %d bytes are more than an object can hold", b.URL(key), size)
	}
	opts := minio.PutObjectOptions{}
	opts.SetMatchETagExcept("*")
	var err error
	if size <= partSize {
		err = b.put(ctx, key, body, size, opts)
	} else {
		err = b.upload(ctx, key, body, size, opts)
	}
	if conditionFailed(err) {
		return fmt.Errorf("writing %s: %w", b.URL(key), ErrTaken)
	}
	return b.explained("writing", key, err)
}

// Write writes a key whatever is there.
func (b *Bucket) Write(ctx context.Context, key string, body []byte) error {
	return b.explained("writing", key, b.put(ctx, key, bytes.NewReader(body), int64(len(body)), minio.PutObjectOptions{}))
}

// Replace writes a key that is still what version names, as Read returned it; "" is a key that is not there. Else the error is ErrChanged.
func (b *Bucket) Replace(ctx context.Context, key string, body []byte, version string) error {
	opts := minio.PutObjectOptions{}
	if version == "" {
		opts.SetMatchETagExcept("*")
	} else {
		opts.SetMatchETag(version)
	}
	err := b.put(ctx, key, bytes.NewReader(body), int64(len(body)), opts)
	if conditionFailed(err) || version != "" && minio.ToErrorResponse(err).Code == "NoSuchKey" {
		return fmt.Errorf("writing %s: %w", b.URL(key), ErrChanged)
	}
	return b.explained("writing", key, err)
}

// put writes in one request. The digest goes with it, and the server refuses what does not have it.
func (b *Bucket) put(ctx context.Context, key string, body io.ReaderAt, size int64, opts minio.PutObjectOptions) error {
	mark := rand.Text()
	opts.UserMetadata = map[string]string{writerMark: mark}
	opts.DisableContentSha256 = true // of minio-go's chunked signature over plain HTTP: the digest of the whole is signed instead
	part, sum, err := section(body, 0, size)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	paced := newPaced(part, cancel)
	defer paced.watch.Stop()
	_, err = b.core.PutObject(ctx, b.at.Bucket, b.name(key), paced, size, "", sum, opts)
	if conditionFailed(err) && b.wrote(ctx, key, mark) {
		return nil
	}
	return stalled(ctx, err)
}

// upload writes in parts. Only the last request carries the condition: the parts are seen by nobody. What is not finished is forgotten at
// once, or by AbortUploads when this process was killed.
func (b *Bucket) upload(ctx context.Context, key string, body io.ReaderAt, size int64, opts minio.PutObjectOptions) (err error) {
	if err := b.free(ctx, key); err != nil { // a server that does not know the condition at the end must not replace
		return err
	}
	mark := rand.Text()
	id, err := b.core.NewMultipartUpload(ctx, b.at.Bucket, b.name(key), minio.PutObjectOptions{UserMetadata: map[string]string{writerMark: mark}})
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			forget, cancel := context.WithTimeout(context.WithoutCancel(ctx), connectTimeout)
			defer cancel()
			_ = b.core.AbortMultipartUpload(forget, b.at.Bucket, b.name(key), id)
		}
	}()
	each := max(partSize, (size+maxParts-1)/maxParts)
	var parts []minio.CompletePart
	for at := int64(0); at < size; at += each {
		part, err := b.part(ctx, key, id, len(parts)+1, body, at, min(each, size-at))
		if err != nil {
			return err
		}
		parts = append(parts, part)
	}
	_, err = b.core.CompleteMultipartUpload(ctx, b.at.Bucket, b.name(key), id, parts, opts)
	if err != nil && b.wrote(ctx, key, mark) { // an upload that was put together answers the second time that there is none
		return nil
	}
	return err
}

func (b *Bucket) part(ctx context.Context, key, id string, number int, body io.ReaderAt, at, size int64) (minio.CompletePart, error) {
	part, sum, err := section(body, at, size)
	if err != nil {
		return minio.CompletePart{}, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	paced := newPaced(part, cancel)
	defer paced.watch.Stop()
	done, err := b.core.PutObjectPart(ctx, b.at.Bucket, b.name(key), id, number, paced, size, minio.PutObjectPartOptions{Sha256Hex: sum, DisableContentSha256: true})
	if err != nil {
		return minio.CompletePart{}, stalled(ctx, err)
	}
	return minio.CompletePart{PartNumber: number, ETag: done.ETag}, nil
}

// free reports ErrTaken for a key that is there.
func (b *Bucket) free(ctx context.Context, key string) error {
	_, err := b.core.StatObject(ctx, b.at.Bucket, b.name(key), minio.StatObjectOptions{})
	switch {
	case err == nil:
		return ErrTaken
	case minio.ToErrorResponse(err).Code == "NoSuchKey":
		return nil
	}
	return err
}

// wrote reports whether what is at a key is what this writer has written.
func (b *Bucket) wrote(ctx context.Context, key, mark string) bool {
	info, err := b.core.StatObject(ctx, b.at.Bucket, b.name(key), minio.StatObjectOptions{})
	return err == nil && info.UserMetadata[writerMark] == mark
}

// section is a part of a file with its SHA-256 in hex.
func section(body io.ReaderAt, at, size int64) (*io.SectionReader, string, error) {
	part := io.NewSectionReader(body, at, size)
	hash := sha256.New()
	if n, err := io.Copy(hash, part); err != nil || n != size {
		return nil, "", errors.Join(err, fmt.Errorf("%d of %d bytes could be read", n, size))
	}
	_, err := part.Seek(0, io.SeekStart)
	return part, hex.EncodeToString(hash.Sum(nil)), err
}

var errStalled = errors.New("the connection stalled: nothing moved for a minute")

// stalled names the reason of a transfer that was given up.
func stalled(ctx context.Context, err error) error {
	if err != nil && errors.Is(context.Cause(ctx), errStalled) {
		return errStalled
	}
	return err
}

// paced gives a transfer up when nothing of it is asked for any more. It is a Seeker, so that a request can be sent again.
type paced struct {
	io.ReadSeeker
	watch *time.Timer
}

func newPaced(r io.ReadSeeker, cancel context.CancelCauseFunc) *paced {
	return &paced{r, time.AfterFunc(stallTimeout+answerTimeout, func() { cancel(errStalled) })}
}

func (p *paced) Read(b []byte) (int, error) {
	p.watch.Reset(stallTimeout + answerTimeout) // the answer to the last byte takes its time
	return p.ReadSeeker.Read(b)
}
