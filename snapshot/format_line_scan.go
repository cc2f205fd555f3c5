package snapshot

import (
	"bytes"
)

// stringLength is the length of the JSON string at the start of b with its quotes, or -1.
func stringLength(b []byte) int {
	for i := 1; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return -1
}

// valueLength is the length of the value at the start of b, or -1. What it spans is checked by value.
func valueLength(b []byte) int {
	if len(b) == 0 {
		return -1
	}
	switch b[0] {
	case '"':
		return stringLength(b)
	case '[', '{':
		for i := 1; i < len(b); i++ {
			switch b[i] {
			case '"':
				n := stringLength(b[i:])
				if n < 0 {
					return -1
				}
				i += n - 1
			case ']', '}':
				return i + 1
			}
		}
		return -1
	}
	return bytes.IndexByte(b, ',')
}

// listLength is the length of the strings and commas before the bracket that ends a list, or -1.
func listLength(b []byte) int {
	for i := 0; i < len(b); {
		switch b[i] {
		case ']':
			return i
		case ',':
			i++
		case '"':
			n := stringLength(b[i:])
			if n < 0 {
				return -1
			}
			i += n
		default:
			return -1
		}
	}
	return -1
}
