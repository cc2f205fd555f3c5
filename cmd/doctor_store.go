package cmd

import (
	"context"
	"errors"
	"os"

	"github.com/envdiff/envdiff/cmd/config"
	"github.com/envdiff/envdiff/internal/objectstore"
)

// store looks whether snapshots can be stored and read.
func (d *checkup) store(ctx context.Context, c *config.Config) {
	ctx, cancel := context.WithTimeout(ctx, d.deadline())
	defer cancel()
	store, err := d.s.store(c)
	if err != nil {
		d.bad("store", err.Error(), hintOf(err))
		return
	}
	there, err := store.Exists()
	if err != nil {
		d.bad("store", err.Error(), "")
		return
	}
	if !there {
		d.note("store", store.String()+" is not there yet", "envdiff snapshot ENV makes it")
		return
	}
	if err := store.Check(ctx); err != nil {
		d.bad("store", err.Error(), hintOf(err))
		return
	}
	envs, err := store.Environments(ctx)
	if err != nil {
		d.bad("store", err.Error(), hintOf(err))
		return
	}
	d.ok("store", "%s can be written and read; it has snapshots of %s", store, count(len(envs), "environment"))
	if at, ok := c.StoreBucket(); ok {
		if access, err := d.s.bucketAccess(at); err == nil && plainEndpoint(access.Endpoint) {
			d.note("store", "its endpoint speaks plain HTTP: snapshots cross the network for everyone to read", "use an https:// endpoint")
		}
	} else if info, err := os.Stat(c.StoreDir()); err == nil && info.Mode().Perm()&0o077 != 0 {
		d.note("store", store.String()+" is readable by other accounts", "chmod 700 it")
	}
}

// hintOf is the next command that an error carries.
func hintOf(err error) string {
	var f *failure
	if errors.As(err, &f) {
		return f.hint
	}
	var p *objectstore.Problem
	if errors.As(err, &p) {
		return p.Hint
	}
	return ""
}
