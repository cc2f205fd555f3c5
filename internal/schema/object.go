package schema

// Ref names any object as addresses do: its kind, its name, and what it is called inside that (a column, a policy, a routine's argument types).
type Ref struct {
	Kind string
	Name Name
	Part string
}

// Less orders refs.
func (r Ref) Less(o Ref) bool {
	switch {
	case r.Kind != o.Kind:
		return r.Kind < o.Kind
	case r.Name != o.Name:
		return r.Name.Less(o.Name)
	}
	return r.Part < o.Part
}

// Object is what a catalogue holds beyond the types above, compared attribute by attribute: types, extensions, policies, publications, roles, …
type Object struct {
	Ref
	// Properties are what there is to say, in the engine's terms; what is as by default is left out.
	Properties map[string]string
	// Lists are ordered: an enum's labels, a policy's roles (sorted by the engine where their order means nothing).
	Lists map[string][]string
	// Of are the objects that take this one with them when they go.
	Of []Ref
}

// Access says who owns an object, and what others may do with it.
type Access struct {
	Ref
	Owner string // "" where the object has none of its own
	// Grants are what differs from the engine's defaults, sorted by grantee.
	Grants []Grant
}

// Grant is what one grantee may do. No privileges at all stand for a default that was revoked.
type Grant struct {
	Grantee    string
	Privileges []string // sorted
}

// Dependency says that one object can only be made when another is there.
type Dependency struct {
	Object, Needs Ref
}

// Gap is a part of the schema that could not be seen.
type Gap struct {
	Kinds  []string // globs over kind/name#attribute of what stays unknown
	Parts  []Part   // what stays unknown of single objects, whatever the model holds of it
	Reason string
	Hint   string // the exact privilege
	// Busy says that another session is in the way, for the moment: what is made by this model would silently lack a part that the role may see.
	Busy bool `json:",omitempty"`
}

// Part is a part of one object: the glob goes on where the object's address ends ("#definition", ".*#columns").
type Part struct {
	Ref
	Glob string
}

// Exclusion is an exclusion constraint.
type Exclusion struct {
	Name       string
	Definition string   // "EXCLUDE USING …", as the server prints it
	Columns    []string // those that are keys themselves
	Properties map[string]string
}
