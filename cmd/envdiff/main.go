// Command envdiff compares environments and rehearses migrations; see envdiff --help.
package main

import (
	"os"

	"github.com/envdiff/envdiff/cmd"
)

func main() {
	os.Exit(cmd.Main())
}
