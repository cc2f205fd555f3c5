// Package config captures configuration files and flattens them by meaning: what a program reads from a file becomes
// facts, and what it skips (comments, whitespace, the order of keys) leaves no trace.
//
// Flow: the globs of a role → one Want → for each file: text → format (formats.go) → entries → redaction → facts
// config/PATH#key.path. A format is one pure parser in one file and one line in the table.
package config
