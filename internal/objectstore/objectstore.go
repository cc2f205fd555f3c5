// Package objectstore keeps files in a bucket that speaks S3. What is written appears whole or not at all, and a write says what
// must be there before it, so that of two writers that meet one learns it.
package objectstore

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// Scheme starts the URL of a bucket.
const Scheme = "s3://"

// Location is where in which bucket.
type Location struct{ Bucket, Prefix string }

// Of S3's rules for new buckets; a dot would need a certificate for several levels of names, but self-hosted servers have such buckets.
var bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)

// ParseURL reads s3://BUCKET/PREFIX.
func ParseURL(text string) (Location, error) {
	rest, ok := strings.CutPrefix(text, Scheme)
	if !ok {
		return Location{}, fmt.Errorf("%q is not s3://BUCKET/PREFIX", text)
	}
	bucket, prefix, _ := strings.Cut(rest, "/")
	switch {
	case strings.Contains(bucket, "@"):
		return Location{}, errors.New("credentials do not belong into the URL: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
	case !bucketName.MatchString(bucket):
		return Location{}, fmt.Errorf("%q cannot be the name of a bucket: 3 to 63 lower case letters, digits, dots and hyphens", bucket)
	case strings.ContainsAny(prefix, "?#\\\x00\n"):
		return Location{}, fmt.Errorf("%q cannot be a prefix: letters, digits, dots, hyphens and slashes do", prefix)
	}
	prefix = strings.Trim(prefix, "/")
	if prefix != "" && path.Clean(prefix) != prefix || strings.HasPrefix(prefix, "..") {
		return Location{}, fmt.Errorf("%q cannot be a prefix: it has empty or dot elements", prefix)
	}
	return Location{bucket, prefix}, nil
}

func (l Location) String() string { return strings.TrimSuffix(Scheme+l.Bucket+"/"+l.Prefix, "/") }

// Access is how a bucket is reached.
type Access struct {
	Endpoint string // http:// or https:// with host and port; "" is Amazon's
	Region   string // "" is asked of Amazon; other servers mostly do not care
	// KeyID, Secret and Token are the credentials; Token belongs to temporary ones.
	KeyID, Secret, Token string
}

const (
	connectTimeout = 10 * time.Second
	answerTimeout  = time.Minute
	stallTimeout   = time.Minute // without a byte moving
	attempts       = 3           // of one request; between them is at most a second
)

// Bucket is a place in a bucket; keys are relative to it.
type Bucket struct {
	at   Location
	core minio.Core
}

// Open contacts nobody.
func Open(at Location, a Access) (*Bucket, error) {
	host, secure := "s3.amazonaws.com", true
	if a.Endpoint != "" {
		u, err := url.Parse(a.Endpoint)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" {
			return nil, errors.New("the endpoint of the object store is not http:// or https:// with a host and nothing else") // what was given may hold a secret
		}
		host, secure = u.Host, u.Scheme == "https"
		if a.Region == "" {
			a.Region = "us-east-1" // what servers other than Amazon's answer to
		}
	}
	core, err := minio.NewCore(host, &minio.Options{
		Creds:      credentials.NewStaticV4(a.KeyID, a.Secret, a.Token),
		Secure:     secure,
		Region:     a.Region,
		MaxRetries: attempts,
		Transport: &http.Transport{
			Proxy:                 http.ProxyFromEnvironment,
			DialContext:           (&net.Dialer{Timeout: connectTimeout}).DialContext,
			TLSHandshakeTimeout:   connectTimeout,
			ResponseHeaderTimeout: answerTimeout,
			IdleConnTimeout:       answerTimeout,
			MaxIdleConnsPerHost:   4,
			DisableCompression:    true, // what is stored comes as it is, with its length
		},
	})
	if err != nil {
		return nil, fmt.Errorf("the endpoint of the object store: %w", err)
	}
	core.SetAppInfo("envdiff", "1")
	return &Bucket{at, *core}, nil
}

// String is the bucket's URL, without credentials.
func (b *Bucket) String() string { return b.at.String() }

// URL is the URL of a key.
func (b *Bucket) URL(key string) string { return b.String() + "/" + key }

func (b *Bucket) name(key string) string { return path.Join(b.at.Prefix, key) }

// list lists what is directly below a key, a directory with a slash at its end.
func (b *Bucket) list(ctx context.Context, key string, each func(minio.ObjectInfo) error) error {
	ctx, cancel := context.WithCancel(ctx) // ends the listing's goroutine
	defer cancel()
	prefix := b.name(key)
	if prefix != "" {
		prefix += "/"
	}
	for o := range b.core.ListObjectsIter(ctx, b.at.Bucket, minio.ListObjectsOptions{Prefix: prefix}) {
		if o.Err != nil {
			return b.explained("listing", key, o.Err)
		}
		if o.Key = strings.TrimPrefix(o.Key, prefix); o.Key == "" {
			continue // a directory that a console made
		}
		if err := each(o); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// Directories are the names below a key that have something below them.
func (b *Bucket) Directories(ctx context.Context, key string) ([]string, error) {
	var names []string
	err := b.list(ctx, key, func(o minio.ObjectInfo) error {
		if name, ok := strings.CutSuffix(o.Key, "/"); ok {
			names = append(names, name)
		}
		return nil
	})
	return names, err
}

// File is a key without what it is below of.
type File struct {
	Name string
	Size int64     // bytes
	At   time.Time // when it was written, by the server's clock
}

// Files are the files directly below a key, by name.
func (b *Bucket) Files(ctx context.Context, key string, each func(File)) error {
	return b.list(ctx, key, func(o minio.ObjectInfo) error {
		if !strings.HasSuffix(o.Key, "/") {
			each(File{o.Key, o.Size, o.LastModified})
		}
		return nil
	})
}

// Remove deletes a key, at once and as a whole. One that is not there is no error.
func (b *Bucket) Remove(ctx context.Context, key string) error {
	return b.explained("removing", key, b.core.RemoveObject(ctx, b.at.Bucket, b.name(key), minio.RemoveObjectOptions{}))
}

// AbortUploads forgets the parts of uploads that were begun before a moment and never finished, and returns how many there were. Nobody sees
// such parts, but they are paid for.
func (b *Bucket) AbortUploads(ctx context.Context, before time.Time) (int, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	prefix := b.at.Prefix
	if prefix != "" {
		prefix += "/"
	}
	n := 0
	for u := range b.core.ListIncompleteUploads(ctx, b.at.Bucket, prefix, true) {
		if code := minio.ToErrorResponse(u.Err).Code; code == "NoSuchUpload" || code == "NotImplemented" {
			return n, nil // how some servers say that there are none, or that they know of none
		}
		if u.Err != nil {
			return n, b.explained("listing unfinished uploads of", "", u.Err)
		}
		if !u.Initiated.Before(before) {
			continue
		}
		if err := b.core.AbortMultipartUpload(ctx, b.at.Bucket, u.Key, u.UploadID); err != nil {
			return n, b.explained("forgetting an unfinished upload of", "", err)
		}
		n++
	}
	return n, ctx.Err()
}
