// Package throwaway starts database servers from this machine's own binaries, for minutes: unprivileged, without durability, gone with the
// process that started them. A rehearsal whose configuration names no scratch server stands on one, and so do the tests.
package throwaway
