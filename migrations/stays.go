package migrations

import (
	"fmt"
	"strings"
)

// commits reports whether a statement ends the open transaction by itself, as changes of the schema do in MySQL and MariaDB.
// (https://dev.mysql.com/doc/refman/8.4/en/implicit-commit.html)
func commits(engineName, text string) bool {
	if engineName != "mysql" {
		return false
	}
	words := strings.Fields(strings.ToLower(text))
	if len(words) == 0 {
		return false
	}
	switch words[0] {
	case "alter", "create", "drop", "rename", "truncate", "grant", "revoke", "analyze", "optimize", "repair", "lock":
		return len(words) < 2 || words[1] != "temporary"
	}
	return false
}

// stays are the statements before a failed one that are not undone with it, by number.
func (r *rehearsal) stays(m *planned, failed int) []int {
	if failed <= 0 || failed > len(m.statements) || m.run != nil {
		return nil
	}
	name := r.in.Engine.Name()
	inside := newTransaction(nil, name, r.in.Spec, m).wrapped
	if t := r.src.tool; name == "mysql" && t != nil && t.wrapped && !m.noTx {
		inside = true // the tool opens one, which the first change of the schema ends
	}
	var kept, open []int
	for j, st := range m.statements[:failed] {
		text := withoutComments(st.Text)
		switch word := strings.ToUpper(firstWord(text)); {
		case word == begin || strings.HasPrefix(strings.ToUpper(text), startsByWords):
			kept, open, inside = append(kept, open...), nil, true
		case word == commit || word == "END":
			kept, open, inside = append(kept, open...), nil, false
		case word == rollback:
			open, inside = nil, false
		case commits(name, text):
			kept, open, inside = append(append(kept, open...), j), nil, false
		case inside:
			open = append(open, j)
		case word != "SET" && word != "SELECT" && word != "USE" && word != "PREPARE" && word != "DEALLOCATE":
			kept = append(kept, j)
		}
	}
	return kept
}

// stayShown bounds a statement that is named as staying, in characters.
const stayShown = 60

// leaves tells, for a migration that stops at a statement, what of it stays all the same, statement by statement; "" when nothing does.
func (r *rehearsal) leaves(m *planned, failed int) string {
	kept := r.stays(m, failed)
	if len(kept) == 0 {
		return ""
	}
	var list []string
	for i, j := range kept {
		if i == maxOthers {
			list = append(list, fmt.Sprintf("and %d more", len(kept)-i))
			break
		}
		text := []rune(strings.Join(strings.Fields(r.redact.statement(m.statements[j].Text)), " "))
		if len(text) > stayShown {
			text = append(text[:stayShown-1], '…')
		}
		list = append(list, fmt.Sprintf("statement %d (%s)", j+1, string(text)))
	}
	return "; what ran before stays applied: " + strings.Join(list, ", ")
}

// leavesPredicted is leaves for what production's rows will stop.
func (r *rehearsal) leavesPredicted(m *planned, b breach) string {
	if unenforced(r.in.Engine.Name(), b.demand) {
		return ""
	}
	return r.leaves(m, b.statement)
}
