// Package transport fills the sections that host collectors ask for: from a directory tree (root:DIR), from this machine (local:),
// or from a host over ssh. Collectors never learn which: one walk finds the files for all three, over what each source can list and read.
package transport

import (
	"context"
	"io/fs"
	"time"
)

// Content says how much of a file a want needs.
type Content int

// The contents. Body and digests imply the file's metadata.
const (
	Body    Content = iota // the bytes, up to MaxBytes
	MD5                    // dpkg's digest, streamed: any size up to MaxBytes
	SHA256                 // streamed
	Names                  // metadata and link target only
	GoBuild                // what Go's linker wrote into a program, as text in Body; files that are no such program are left out. Of directory trees only
)

// Want is one section, in data: files by glob, or one command. Globs are absolute; ** crosses directories.
type Want struct {
	ID       string // unique within the collector
	Globs    []string
	Exclude  []string
	Content  Content
	MaxBytes int64    // per file; 0 means DefaultMaxBytes
	MaxFiles int      // per want; 0 means DefaultMaxFiles
	Command  []string // argv; a directory tree runs nothing and leaves the section unavailable
	Input    string   // what the command reads on its standard input; no list of processes shows it
	// Tree asks a directory tree alone, which runs no command that would tell the same: elsewhere the section is Unable.
	Tree bool
	Sudo bool   // needs root; whether that is used is the transport's configuration
	Doc  string // why it is read, for docs and doctor
}

// The limits unless a want sets its own. Exceeding one marks the file or the section, and the collector reports a gap.
const (
	DefaultMaxBytes = 4 << 20
	DefaultMaxFiles = 20000
	// DefaultMaxOutput bounds a command's output.
	DefaultMaxOutput = 16 << 20
	// MinGoProgram and MaxGoProgram bound the size of what GoBuild looks into.
	MinGoProgram, MaxGoProgram = 1000 << 10, 200_000 << 10
)

// Problem says why a file or section is not what was asked for.
type Problem string

// The problems. Text for people is in Detail.
const (
	OK       Problem = ""
	NotFound Problem = "not found"
	Denied   Problem = "permission denied"
	TooLarge Problem = "larger than the limit"
	TooMany  Problem = "more files than the limit"
	Outside  Problem = "a link that leaves the tree"
	Loop     Problem = "a loop of links"
	Special  Problem = "not a regular file"
	Failed   Problem = "failed"
	Unable   Problem = "not possible here" // a command asked of a directory tree
)

// File is one matched file. Path is as on the host, with a leading slash, whatever the tree's own place.
type File struct {
	Path    string
	Mode    fs.FileMode
	Size    int64
	UID     int
	GID     int
	Target  string // of a symbolic link, as written
	Body    []byte // Content Body
	Digest  string // hex, Content MD5 or SHA256
	Problem Problem
	Detail  string // without file content
}

// Section is the answer to one Want. Files are sorted by path.
type Section struct {
	Files  []File
	Output []byte // of Command
	Status int    // exit status of Command
	// Taken is when a remote Command began to answer, by this side's clock; zero where the transport has no clock, or the same one as the host.
	Taken   time.Time
	Problem Problem
	Detail  string
}

// Sections maps Want.ID to its answer; an id that is missing was not fetched.
type Sections map[string]Section

// Transport reaches one host.
type Transport interface {
	// Fetch fills all wants, in as few round trips as the transport can. A want that cannot be filled has a Problem;
	// an error means that the host as a whole could not be asked.
	Fetch(ctx context.Context, wants []Want) (Sections, error)
	// Describe names the host for messages, without credentials.
	Describe() string
	Close() error
}
