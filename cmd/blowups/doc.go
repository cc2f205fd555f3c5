// Package blowups measures what the rehearsal is for: how many of the migrations in testdata/migrations that fail on one odd row among many it finds,
// and that it says nothing of the harmless ones. `make blowups` prints it per class, a test holds it.
package blowups
