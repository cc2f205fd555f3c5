package engine

import "context"

// RoleLister is a database whose server has roles that grants and policies name. As finds it behind wrappers.
type RoleLister interface {
	// Roles are the names of the server's roles without its own.
	Roles(ctx context.Context) ([]string, error)
}

// RoleMaker is an engine that can give a server of envdiff's own the roles of another one, so that grants to them work.
type RoleMaker interface {
	// MakeRoles makes those that are missing on t's server; they may do nothing.
	MakeRoles(ctx context.Context, t Target, names []string) error
}
