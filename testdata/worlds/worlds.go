// Package worlds embeds the estates that the demo and the tests are built from. It is data; internal/world builds them.
package worlds

import "embed"

// FS holds one directory per world.
//
//go:embed all:shop
var FS embed.FS
