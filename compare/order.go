package compare

import "strings"

// ordering reports an attribute that holds the order of children: of a file's blocks, or of a table's columns.
func ordering(key string) bool {
	return strings.HasSuffix(key, "@order") || strings.HasSuffix(key, "#column_order")
}

// finishOrder makes the node of a list of children. Only the order of those that everybody has is compared: an
// added or removed child has keys of its own.
func (c *comparison) finishOrder(o *object, r *row) {
	n := &node{key: r.key, object: o.key, parent: parentOf(r.key), addr: r.address(), kind: r.kind, order: true, cells: make([]nodeCell, len(r.cells))}
	if !c.opt.KeepAbsorbed && strings.HasSuffix(n.key, "@order") {
		n.key = n.parent // the order is said of the parent
		n.addr.Attribute = n.addr.Attribute[:max(strings.LastIndexByte(n.addr.Attribute, '.'), 0)]
	}
	common := map[string]int{}
	lists := 0
	for i := range r.cells {
		for _, g := range r.cells[i].groups {
			lists++
			once := map[string]bool{}
			for _, item := range c.orderItems(i, g) {
				if !once[item] {
					once[item] = true
					common[item]++
				}
			}
		}
	}
	for i := range r.cells {
		n.cells[i].addr = r.cells[i].addr
		for _, g := range r.cells[i].groups {
			if !c.opt.KeepAbsorbed {
				var kept []string
				for _, item := range c.orderItems(i, g) {
					if common[item] == lists {
						kept = append(kept, item)
					}
				}
				g.key = "[" + strings.Join(kept, "\x00") + "]"
				g.raw = g.key
			}
			n.cells[i].present = append(n.cells[i].present, g)
		}
	}
	c.keep(n)
}

func (c *comparison) orderItems(side int, g group) []string {
	items := g.value.Items()
	out := make([]string, len(items))
	for i, item := range items {
		text := compared(item)
		host := -1
		if n := c.norms[side]; n.hostWords && g.on.count() == 1 {
			// Own names in identities are replaced as in addresses, where that is unambiguous.
			_, hosts := n.values.touches(text)
			if len(hosts) > 0 {
				host = hosts[0]
			}
		}
		out[i] = c.norms[side].values.replace(text, host, nil)
	}
	return out
}
