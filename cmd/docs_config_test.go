package cmd

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/envdiff/envdiff/cmd/config"
	"github.com/envdiff/envdiff/sanitize"
)

// schemaNode is what configurationPage reads of a JSON Schema.
type schemaNode struct {
	Description          string                 `json:"description"`
	Properties           map[string]*schemaNode `json:"properties"`
	AdditionalProperties json.RawMessage        `json:"additionalProperties"`
	Items                *schemaNode            `json:"items"`
	AnyOf                []*schemaNode          `json:"anyOf"`
}

// configurationPage lists every key of envdiff.yaml with the text that editors show.
func configurationPage(t *testing.T) string {
	text, err := config.Schema()
	if err != nil {
		t.Fatal(err)
	}
	var root schemaNode
	if err := json.Unmarshal(text, &root); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString("# envdiff.yaml\n\nWhere things are belongs to an environment; what is captured and how it is judged belongs to a role, database or endpoint\n" +
		"name that all environments share. Unknown keys are errors. Relative paths are relative to the file. `${VAR}` is looked up in the\n" +
		"environment, then in `.envdiff/keys.env`, when the part that names it is used. `envdiff schema config` prints the JSON Schema.\n\n| key | what |\n|---|---|\n")
	root.list(&b, "")
	return b.String()
}

func (n *schemaNode) list(b *strings.Builder, path string) {
	for _, name := range slices.Sorted(maps.Keys(n.Properties)) {
		p := n.Properties[name]
		at := strings.TrimPrefix(path+"."+name, ".")
		fmt.Fprintf(b, "| `%s` | %s |\n", at, strings.ReplaceAll(p.Description, "|", `\|`))
		p.below(b, at)
	}
}

// below lists the keys of a value: of a mapping by name, of list items, of the long form of a scalar.
func (n *schemaNode) below(b *strings.Builder, path string) {
	n.list(b, path)
	for _, alternative := range n.AnyOf {
		alternative.below(b, path)
	}
	if n.Items != nil {
		n.Items.below(b, path+"[]")
	}
	var named schemaNode
	if json.Unmarshal(n.AdditionalProperties, &named) == nil {
		named.below(b, path+".NAME")
	}
}

// sanitizePage says how to write a policy and which masks there are.
func sanitizePage() string {
	var b strings.Builder
	b.WriteString("# sanitize.yaml\n\n`envdiff scan ENV -w sanitize.yaml` proposes it; review it before rows are copied. Every column of every copied table is named: a column\n" +
		"that is not stops the copy.\n\n```yaml\n" + sanitizeExample + "```\n\nA mask keeps NULL, '', blanks and equality. It keeps more (uniqueness, case folding, length, order) only where an index, key, check,\n" +
		"foreign key or pending migration can see it, and the report's `sanitize` section says what was kept. The same value in the same `domain`\ngets the same pseudonym, " +
		"over tables, runs and databases, as long as the pseudonym key is the same. Masked e-mail ends in `.invalid`.\n\n" +
		"`review: true` is what `scan` writes where it can neither tell that nobody is in a column nor mask its type (a NOT NULL `point`, say). It stops the copy until somebody\nwrites `keep`, `set` or `drop` instead.\n\n" +
		"`groups: {by: [born, postcode, gender], k: 5}` of a table names columns that tell people apart when they are taken together. In a copy that is kept, rows of a combination that fewer\nthan `k` rows of the source share " +
		"are made coarser in these columns: a date becomes its year, a number its first digit, a text its first two characters. Where fewer than `k` such rows are alike even then, the\ncells become NULL (in NOT NULL columns '', 0 or 1900-01-01). " +
		"The report says how many rows that were, and which columns they still show as they are.\n\n" +
		"Arrays are masked element by element with the mask of their column, in any nesting; NULL elements stay. Domains are what they are made of. Enumerations have no mask: their\nlabels are in the schema. " +
		"A `tsvector` that a trigger fills is emptied; one that is generated is made anew from masked words.\n\n" +
		"A copy that is kept gets the schema, too: its defaults, comments, labels of enumerations, checks, partition bounds, views, routines and triggers are searched for values of masked\n" +
		"columns as the rows are, and one of 64 bits or more is a leak: the copy is dropped, and the finding names the statements, never the value. The default of a masked column is nobody's value. What\n" +
		"a person has looked at is named here: `schema: [{in: CREATE VIEW public.directors, reason: the address is on the website}]`, by the beginning of the statement as the finding shows it. Planner statistics\n" +
		"are never copied.\n\n| mask | what it does |\n|---|---|\n")
	for _, m := range sanitize.Masks() {
		fmt.Fprintf(&b, "| `%s` | %s |\n", m, sanitize.MaskDoc(m))
	}
	return b.String()
}

const sanitizeExample = `tables:
  users:
    columns:
      id:      {keep: true, reason: surrogate key}
      email:   {mask: email, domain: email, reason: personal data}
      plan:    {keep: true, reason: few distinct values}
      born:    {keep: true, reason: statistics by age}
      postcode: {keep: true, reason: statistics by place}
      api_key: {set: "", reason: staging must not call production's partners}
    where: "created_at > '2024-01-01'"        # optional: these rows alone
    groups: {by: [born, postcode], k: 5}      # optional: rows that fewer than five are like show less
    strata: {by: [plan], rows: 20}            # optional: a sample has at least 20 rows of each plan
  audit_log: {exclude: true, reason: free text}
references: [{from: comments.subject_id, to: users.id, when: "subject_type = 'User'"}]   # undeclared foreign keys
`

// TestSanitizeExampleIsValid reads the page's example as envdiff would.
func TestSanitizeExampleIsValid(t *testing.T) {
	if _, err := sanitize.ParsePolicy([]byte(sanitizeExample), "docs/sanitize.md"); err != nil {
		t.Error(err)
	}
}
