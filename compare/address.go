package compare

import (
	"strings"

	"github.com/envdiff/envdiff/snapshot"
)

func attributeOf(key string) string {
	_, attribute, _ := strings.Cut(key, "#")
	return attribute
}

// address is the object's address on the last side that has it: findings are read
// from the first to the last environment.
func (o *object) address(c *comparison) snapshot.Address {
	for i := len(c.sides) - 1; i >= 0; i-- {
		if a := o.addressOn(i); a.Kind != "" {
			return a
		}
	}
	return snapshot.Address{}
}

func (o *object) addressOn(side int) snapshot.Address {
	for _, r := range o.rows {
		if a := r.cells[side].addr; a.Kind != "" {
			return a.Whole()
		}
	}
	return snapshot.Address{}
}

// address is the row's address on the last side that has it.
func (r *row) address() snapshot.Address {
	for i := len(r.cells) - 1; i >= 0; i-- {
		if r.cells[i].addr.Kind != "" {
			return r.cells[i].addr
		}
	}
	return snapshot.Address{}
}

func firstKey(r *row) string {
	for i := range r.cells {
		if len(r.cells[i].groups) > 0 {
			return r.cells[i].groups[0].key
		}
	}
	return ""
}

func scopeOf(key string) string {
	scope, _, _ := strings.Cut(key, ":")
	return scope
}

// parentOf is the key under which an attribute's siblings stand.
func parentOf(key string) string {
	object, attribute, ok := strings.Cut(key, "#")
	if !ok {
		return directory(key)
	}
	if i := strings.LastIndexByte(attribute, '.'); i >= 0 {
		return object + "#" + attribute[:i]
	}
	return object
}

// directory is the key under which an object's siblings stand: its directory, its table, or its kind.
func directory(key string) string {
	slash := strings.LastIndexByte(key, '/')
	if slash < 0 {
		return scopeOf(key)
	}
	if strings.Contains(key, ":config/") {
		return key[:slash]
	}
	if dot := strings.LastIndexByte(key, '.'); dot > slash {
		return key[:dot]
	}
	return key[:slash]
}
