package database

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"github.com/envdiff/envdiff/internal/schema"
	"github.com/envdiff/envdiff/snapshot"
)

// profileWork names the profiling of a table: whatever decides what it comes to is in it.
func profileWork(in snapshot.DatabaseInput, grade snapshot.Grade, t *schema.Table) []string {
	if in.Unfinished == nil {
		return nil
	}
	work := []string{"profile", in.Redact.KeyID(), in.Scope, in.Instance, tableName(t.Name), string(grade), fmt.Sprintf("%v %+v", in.Spec.References, t.ForeignKeys)}
	columns := newColumns(in, t)
	for i := range t.Columns {
		work = append(work, t.Columns[i].Name, t.Columns[i].Type, fmt.Sprint(columns[i].kept, columns[i].key, columns[i].leaves))
	}
	return work
}

// keptFact is a fact as a run leaves it to the next.
type keptFact struct {
	Address string          `json:"address"`
	Value   json.RawMessage `json:"value"`
}

// write writes a table's facts, one a line. A snapshot has the same.
func (t *tableProfile) write(w io.Writer) error {
	out := json.NewEncoder(w)
	for _, f := range t.result.Facts {
		if err := out.Encode(keptFact{f.Address.String(), json.RawMessage(f.Value.JSON())}); err != nil {
			return err
		}
	}
	return nil
}

// take takes a table over from a run that was interrupted, and reports that it did.
func (p *profiling) take(t *tableProfile) bool {
	var text bytes.Buffer
	at, about, err := p.in.Unfinished.Take(&text, t.work...)
	if err != nil || about == nil {
		return false
	}
	var r snapshot.Result
	lines := bufio.NewScanner(&text)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var f keptFact
		if json.Unmarshal(lines.Bytes(), &f) != nil {
			return false
		}
		a, wrong := snapshot.ParseAddress(f.Address)
		v, damaged := snapshot.ParseValue(f.Value)
		if wrong != nil || damaged != nil {
			return false
		}
		r.Add(a, v, "")
	}
	if lines.Err() != nil || len(r.Facts) == 0 {
		return false
	}
	resumedAt(snapshot.Object(p.in.Scope, "profile", t.table.Name.Idents()...), at, &r)
	t.result = r
	return true
}
