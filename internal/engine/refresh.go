package engine

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/envdiff/envdiff/internal/schema"
)

// Refresher is an engine that can replace everything a database holds: the new content is built in a stage beside it,
// which is a scratch database, and then takes its place.
type Refresher interface {
	// BeginRefresh takes the one refresh of a target that can run at a time; ErrRefreshing while there is another.
	// What an earlier one left behind is removed, and nothing else. With resume a Resumer's stage stays, until Left or Stage is called.
	BeginRefresh(ctx context.Context, t Target, resume bool) (Refresh, error)
}

// Resumer is a Refresh that another process, also on another machine, can go on with after its own was killed: what is finished is noted in the stage itself.
type Resumer interface {
	// Left is the stage that a killed refresh left, once nobody is in it any more, with its notes; without notes there is nothing to go on with, and Stage
	// makes a new one.
	Left(ctx context.Context) (stage Target, notes []string, err error)
	// Keep lets Close leave the stage for the next refresh.
	Keep()
	// Beside makes an empty scratch database on the target's server, which the next refresh removes if this one is killed.
	Beside(ctx context.Context) (Target, error)
}

// Noter is a scratch database in which notes lie beside the rows. As finds it behind wrappers.
type Noter interface {
	// Note runs statements as a Maker does and sets the note of a name: both or neither where the engine's DDL is transactional. Several may run at once after
	// the first.
	Note(ctx context.Context, statements []string, name, note string) error
	// Clear empties a table that may have indexes.
	Clear(ctx context.Context, table schema.Name) error
	// Recount repeats those of a Builder's statements of one table that bring counters behind its rows.
	Recount(ctx context.Context, statements []string) error
	// Unnote removes all notes and what held them.
	Unnote(ctx context.Context) error
}

// DiskFull reports an error of a server that has no room left for what it was told to write.
func DiskFull(err error) bool {
	var refusal *Error
	if !errors.As(err, &refusal) {
		return false
	}
	switch refusal.Code {
	case "53100", // PostgreSQL
		"1021", "1114": // MariaDB, MySQL
		return true
	}
	return false
}

// ErrRefreshing is returned while another refresh of the same target runs.
var ErrRefreshing = errors.New("another refresh of this database is running")

// Refresh is one refresh of one target, which nobody else refreshes until Close.
type Refresh interface {
	// Exists reports whether the target is there: a SQLite file may not be. The others have to be made empty first.
	Exists() bool
	// Stage makes the empty database for the new content, in the place of one that was left. Access of the target's database itself (owner, settings) is the stage's too.
	Stage(ctx context.Context) (Target, error)
	// Empty deletes the rows of a table of the stage.
	Empty(ctx context.Context, table schema.Name) error
	// Swap puts the stage in the target's place, marks it, and removes what was there. At any moment, also of a crash, the target is the old or
	// the new, except for what the engine's documentation names. Nobody may use the stage; whoever uses the target is disconnected.
	Swap(ctx context.Context, m Mark) (Swapped, error)
	// Close drops a stage that was not swapped in, and lets others refresh.
	Close(ctx context.Context) error
}

// Swapped tells what a swap did beside its work.
type Swapped struct {
	Ended    []string // sessions that were in the way, each as "user, application, address"
	Warnings []string
}

// Marker is a database that can carry the mark of a refresh. As finds it behind wrappers.
type Marker interface {
	// Mark returns the mark, nil where there is none.
	Mark(ctx context.Context) (*Mark, error)
}

// Mark is what a refreshed database says of itself. Without one, or empty, a database is no target of a refresh.
type Mark struct {
	CapturedAt  time.Time `json:"captured_at"`  // the moment of the source that the rows show
	RefreshedAt time.Time `json:"refreshed_at"` // when they were swapped in
	Source      string    `json:"source"`       // the environment that they come from
	Key         string    `json:"key"`          // id of the pseudonym key
	Version     string    `json:"version"`      // of envdiff
}

// MarkPrefix begins a mark's text, so that people who meet it know what it is. Captures leave comments with it out.
const MarkPrefix = "refreshed by envdiff, which may replace it: "

// Text is the mark as it is stored.
func (m Mark) Text() string {
	m.CapturedAt, m.RefreshedAt = m.CapturedAt.UTC().Truncate(time.Second), m.RefreshedAt.UTC().Truncate(time.Second)
	b, err := json.Marshal(m)
	if err != nil {
		return "" // strings and times always marshal
	}
	return MarkPrefix + string(b)
}

// ParseMark reads a stored mark; nil for any other text.
func ParseMark(text string) *Mark {
	rest, ok := strings.CutPrefix(text, MarkPrefix)
	if !ok {
		return nil
	}
	var m Mark
	if json.Unmarshal([]byte(rest), &m) != nil || m.CapturedAt.IsZero() {
		return nil
	}
	return &m
}
