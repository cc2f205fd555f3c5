// Package migrations rehearses what a deploy will do to a database. It reads the migrations that are pending,
// learns from an empty clone what each statement demands of rows that exist, asks production read-only how many
// rows break it, replays everything on a sanitised copy, and gives each migration one verdict. It stands between
// snapshot and ci, holds no SQL of its own, and reaches databases only through internal/engine; what it writes, it
// writes to scratch databases that it drops.
package migrations
