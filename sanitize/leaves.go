package sanitize

// Leaves says what a copy of the table has in common with its source in a column: all of a kept one, of a masked one what its mask
// keeps. A table of which only some rows are copied has nothing in common.
func (t *TablePolicy) Leaves(column string) []string {
	c, ok := t.Column(column)
	if !ok || t.Exclude || t.Preserve || t.Where != "" {
		return nil
	}
	switch c.Action {
	case Keep:
		return []string{KeepsNull, KeepsEquality, KeepsUnique, KeepsFold, KeepsLength, KeepsClass, KeepsFormat, KeepsValidity, KeepsSign, KeepsOrder, KeepsValue}
	case Mask:
		return masks[c.Mask].keeps
	}
	return nil
}
