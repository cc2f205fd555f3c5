package engine

import (
	"context"
	"time"
)

// Replicator is a database that can tell how its server takes part in replication. As finds it behind wrappers.
type Replicator interface {
	// Replication asks this server alone, and none of the others. What the role
	// may not see is in Unknown and is no error.
	Replication(ctx context.Context) (Replication, error)
}

// As finds an ability of a database, behind the wrappers that have an Unwrap method.
func As[T any](db DB) (T, bool) {
	for {
		if able, ok := db.(T); ok {
			return able, true
		}
		wrapper, ok := db.(interface{ Unwrap() DB })
		if !ok {
			var none T
			return none, false
		}
		db = wrapper.Unwrap()
	}
}

// Role is the part that a server plays.
type Role string

// The roles. A primary that nobody follows is standalone; in a multi-primary cluster every node is a member.
const (
	RolePrimary    Role = "primary"
	RoleReplica    Role = "replica"
	RoleStandalone Role = "standalone"
	RoleMember     Role = "member"
)

// Thread is what one half of a replica, receiver or applier, is doing. Only Running is running: a receiver
// that connects, for how long ever, is not.
type Thread string

// The states. ThreadUnknown is a thread that is there and whose state the role may not see.
const (
	ThreadRunning    Thread = "running"
	ThreadConnecting Thread = "connecting"
	ThreadPaused     Thread = "paused"
	ThreadStopped    Thread = "stopped"
	ThreadUnknown    Thread = "unknown"
)

// Replication is how one server takes part in replication, in its own words.
type Replication struct {
	Role     Role
	Writable bool // clients without special privileges can write
	// Server tells servers of a topology apart: its server id, or the system identifier, which
	// physical replicas share with their primary.
	Server   string
	Host     string // what the server's machine calls itself; "" where the server does not know
	Version  string
	Timeline int64  // PostgreSQL; 0 where there is none or it is unknown
	Position string // up to where this server has written, or applied
	// Transactions are the sets of transactions that this server has, where it counts them globally.
	Transactions []Transactions
	Sources      []Source   // what it follows
	Followers    []Follower // who is connected and follows it
	Slots        []Slot
	Cluster      *Cluster // of a multi-primary cluster's member
	// Subscriptions are what this database takes from the publications of others.
	Subscriptions []Subscription
	Unknown       []Unknown
}

// Source is one stream of changes that a replica follows.
type Source struct {
	Channel   string // "" is the default one
	Upstream  string // HOST:PORT, as the replica was told
	Server    string // the upstream's Replication.Server; "" while it is not known
	Receiving Thread
	Applying  Thread
	Lag       *time.Duration // nil is unknown, which is not zero
	Delay     time.Duration  // it lags on purpose, by this much
	Error     string         // number and thread; the server's text may hold row values
	Position  string         // what it has applied of the upstream's log
	Filters   []string       // databases and tables that it leaves out
}

// Follower is a replica as its upstream sees it.
type Follower struct {
	Name    string // what it calls itself
	Address string // HOST or HOST:PORT
	State   string // streaming, catchup, …
}

// Slot is a promise to keep log for a consumer.
type Slot struct {
	Name     string
	Type     string // physical or logical
	Active   bool
	Status   string // reserved, extended, unreserved, lost
	Retained int64  // bytes of log that are kept for it; -1 is unknown
}

// Subscription is one logical stream into a database. Where it comes from is not said: the way there holds a password.
type Subscription struct {
	Name    string
	Enabled bool
	Running bool // a worker applies its changes
	// SwitchedOff: it was to be disabled by its first error, and is.
	SwitchedOff bool
	Pending     int // tables whose first copy has not ended
}

// Cluster is how a member sees its multi-primary cluster.
type Cluster struct {
	ID      string // of the cluster's state; members of two halves have different ones
	Size    int
	Quorum  bool   // this member belongs to the part that may write
	State   string // Synced, Donor/Desynced, …
	Ready   bool
	Members []string // addresses
}

// Transactions are transactions of one origin, numbered by it.
type Transactions struct {
	Origin string // uuid, or domain-server
	Own    bool   // this server itself wrote them
	Ranges []TransactionRange
}

// TransactionRange is From to To, both inclusive, from 1.
type TransactionRange struct{ From, To uint64 }

// Unknown is something that the role may not see, and the statement that lets it.
type Unknown struct{ About, Privilege string }
