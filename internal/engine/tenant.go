package engine

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"strings"
)

// Tenant is an engine whose scratch databases stand on a server that outlives the run that made them. A run that is killed leaves them
// there; the next one recognises and removes them.
type Tenant interface {
	// Occupy claims a place on base's server for the scratch databases of one run: those that are made on the place's target are that run's
	// as long as the place is held. owner tells people who it is and since when; everybody on that server can read it.
	Occupy(ctx context.Context, base Target, owner string) (Place, error)
	// Sweep drops the scratch databases on base's server whose run is gone and that are not kept, and tells which. A
	// database that could not be dropped is in the error, and the others are dropped all the same.
	Sweep(ctx context.Context, base Target) ([]string, error)
}

// Place is held by a session of its own, which ends with the process: the server itself tells the dead from the living.
type Place interface {
	Target() Target
	Close()
}

// Run is one run's claim, as its scratch databases carry it.
type Run struct {
	ID    string // 16 hexadecimal digits; "" is no run
	Owner string // for people: host, process, and since when
}

// NewRun makes a claim that nobody else has.
func NewRun(owner string) (Run, error) {
	id, err := randomName()
	return Run{ID: id, Owner: owner}, err
}

func randomName() (string, error) {
	var random [8]byte
	if _, err := rand.Read(random[:]); err != nil {
		return "", err
	}
	return hex.EncodeToString(random[:]), nil
}

// Name is a name that no other scratch database has and that says whose it is.
func (r Run) Name(prefix string) (string, error) {
	random, err := randomName()
	if err != nil || r.ID == "" {
		return prefix + random, err
	}
	return prefix + "r" + r.ID + "_" + random[:8], nil
}

// RunOf is the id of the run that a scratch database's name carries; "" where it carries none.
func RunOf(prefix, name string) string {
	rest, ok := strings.CutPrefix(name, prefix+"r")
	id, _, found := strings.Cut(rest, "_")
	if _, err := hex.DecodeString(id); !ok || !found || len(id) != 16 || err != nil {
		return ""
	}
	return id
}

// Text says whose it is, for people who meet the database.
func (r Run) Text() string {
	if r.ID == "" {
		return ""
	}
	return "by " + r.Owner
}
