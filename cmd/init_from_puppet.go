package cmd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/envdiff/envdiff/internal/inventory"
	"github.com/envdiff/envdiff/internal/transport"
)

// fromPuppet reads the nodes that PuppetDB knows, that Puppet has kept below its cache directory, or that manifests name.
func (s *session) fromPuppet(ctx context.Context, dir, path string) (map[string]inventory.Inventory, error) {
	if strings.Contains(path, "://") {
		return puppetDBNodes(ctx, path)
	}
	if info, err := os.Stat(path); path != "" && err == nil && info.IsDir() {
		dir, path = path, ""
	}
	if path == "" {
		nodes, err := inventory.ReadPuppetState(dir)
		if err == nil {
			return nodes.Inventories(), nil
		}
		if !errors.Is(err, inventory.ErrNoState) {
			return nil, err
		}
	}
	return puppetManifests(dir, path)
}

// puppetTakes is how long PuppetDB may take for its list.
const puppetTakes = 60 * time.Second

func puppetDBNodes(ctx context.Context, url string) (map[string]inventory.Inventory, error) {
	ctx, cancel := context.WithTimeout(ctx, puppetTakes)
	defer cancel()
	known, err := transport.PuppetDBNodes(ctx, url)
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("PuppetDB gave no whole answer within %s", puppetTakes)
	}
	if err != nil {
		return nil, err
	}
	nodes := inventory.PuppetNodes{}
	for _, n := range known {
		nodes[n.Name] = &inventory.PuppetNode{Environment: n.Environment, Classes: n.Classes}
	}
	return nodes.Inventories(), nil
}

// puppetManifests reads the node blocks of a site manifest, or of those of each environment.
func puppetManifests(dir, path string) (map[string]inventory.Inventory, error) {
	files := map[string]string{}
	if path != "" {
		files["production"] = path
	} else {
		sites, _ := filepath.Glob(filepath.Join(dir, "environments", "*", "manifests", "site.pp"))
		for _, f := range sites {
			files[filepath.Base(filepath.Dir(filepath.Dir(f)))] = f
		}
		if main := filepath.Join(dir, "manifests", "site.pp"); len(files) == 0 {
			files["production"] = main
		}
	}
	found := map[string]inventory.Inventory{}
	for env, file := range files {
		text, err := readSmall(file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		found[env] = inventory.ParseSite(text)
	}
	return found, nil
}
