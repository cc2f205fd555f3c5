package transport

import (
	"context"
	"slices"
	"strings"
)

// CatalogPath is where a host that is known by its catalogue alone has it: where Puppet's agent keeps it.
func CatalogPath(node string) string {
	return "/var/cache/puppet/client_data/catalog/" + node + ".json"
}

// maxCatalog bounds a catalogue's bytes.
const maxCatalog = 64 << 20

// catalogued is a host that nobody looks at: all that is known of it is the catalogue that Puppet has for it.
type catalogued struct {
	node, display string
	fetch         func(ctx context.Context) ([]byte, error)
}

func (c *catalogued) Describe() string { return c.display }

func (c *catalogued) Close() error { return nil }

// Fetch gets the catalogue once, and answers every want out of it alone.
func (c *catalogued) Fetch(ctx context.Context, wants []Want) (Sections, error) {
	body, err := c.fetch(ctx)
	if err != nil {
		return nil, err
	}
	file := File{Path: CatalogPath(c.node), Mode: 0o600, Size: int64(len(body)), Body: body}
	sections := make(Sections, len(wants))
	for _, w := range wants {
		switch {
		case len(w.Command) > 0:
			sections[w.ID] = Section{Problem: Unable, Detail: "only the catalogue of this host is looked at"}
		case w.Content == Body && slices.ContainsFunc(w.Globs, func(g string) bool { return Match(g, file.Path) }):
			sections[w.ID] = Section{Files: []File{file}}
		default:
			sections[w.ID] = Section{Problem: NotFound}
		}
	}
	return sections, nil
}

// validNode reports the name of a node as Puppet takes it for a certificate.
func validNode(name string) bool {
	return name != "" && len(name) <= 253 && name[0] != '-' && name[0] != '.' && strings.IndexFunc(name, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '_' || r == '-')
	}) < 0
}
