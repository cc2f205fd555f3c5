package cmd

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"

	"github.com/envdiff/envdiff/cmd/config"
	"github.com/envdiff/envdiff/internal/objectstore"
	"github.com/envdiff/envdiff/snapshot"
)

// store is the project's store; a directory that is not there yet is an empty one. A bucket needs its credentials, and
// is contacted when it is used.
func (s *session) store(c *config.Config) (*snapshot.Store, error) {
	at, ok := c.StoreBucket()
	if !ok {
		return snapshot.FindStore(c.StoreDir())
	}
	access, err := s.bucketAccess(at)
	if err != nil {
		return nil, err
	}
	b, err := objectstore.Open(at, access)
	if err != nil {
		return nil, hinted(err, "correct AWS_ENDPOINT_URL")
	}
	temp, err := s.scratch()
	if err != nil {
		return nil, err
	}
	return snapshot.BucketStore(b, temp), nil
}

// errNoCredentials says that the variables of the object store are not set.
var errNoCredentials = errors.New("credentials are missing")

// bucketAccess reads the variables that Amazon's own tools read, also from the key file.
func (s *session) bucketAccess(at objectstore.Location) (objectstore.Access, error) {
	first := func(names ...string) string {
		for _, name := range names {
			if v, ok := s.lookup(name); ok && v != "" {
				return v
			}
		}
		return ""
	}
	a := objectstore.Access{
		Endpoint: first("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"),
		Region:   first("AWS_REGION", "AWS_DEFAULT_REGION"),
		KeyID:    first("AWS_ACCESS_KEY_ID"),
		Secret:   first("AWS_SECRET_ACCESS_KEY"),
		Token:    first("AWS_SESSION_TOKEN"),
	}
	if a.KeyID == "" || a.Secret == "" {
		return a, hinted(fmt.Errorf("the store %s: %w", at, errNoCredentials), "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (AWS_SESSION_TOKEN with temporary ones), AWS_REGION, and AWS_ENDPOINT_URL where the bucket is not Amazon's")
	}
	return a, nil
}

// plainEndpoint reports whether snapshots would go over a network in plain text.
func plainEndpoint(endpoint string) bool {
	u, err := url.Parse(endpoint)
	if err != nil || u.Scheme != "http" {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback())
}

// writableStore is the store of a command that stores: its directory is made.
func (s *session) writableStore(c *config.Config) (*snapshot.Store, error) {
	if _, ok := c.StoreBucket(); !ok {
		if err := makeStore(c.StoreDir()); err != nil {
			return nil, err
		}
		return snapshot.OpenStore(c.StoreDir())
	}
	return s.store(c)
}

// makeStore makes a store directory that git ignores: it holds facts about production, and the keys.
func makeStore(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("making the store: %w", err)
	}
	ignore := filepath.Join(dir, ".gitignore")
	if _, err := os.Stat(ignore); errors.Is(err, fs.ErrNotExist) {
		return os.WriteFile(ignore, []byte("*\n"), 0o600)
	}
	return nil
}

// memory is the store for what a run leaves in passing: nil where there is none yet, and where this run has no
// credentials for it, which a run that needs nothing stored does not have to have.
func (s *session) memory(c *config.Config) (*snapshot.Store, error) {
	if c.File == "" {
		return nil, nil
	}
	store, err := s.store(c)
	if errors.Is(err, errNoCredentials) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if there, err := store.Exists(); err != nil || !there {
		return nil, err
	}
	return store, nil
}
