package compare

import (
	"strings"
	"testing"

	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/snapshot"
)

// settingsOf is an environment whose database server has the settings known, and these values.
func settingsOf(name, known string, values map[string]string) *env {
	e := newEnv(name).instances("main", "database", "primary")
	if known != "" {
		e.set("main:setting#known", snapshot.Strings(true, strings.Fields(known)...))
	}
	for setting, value := range values {
		e.set("main:setting/"+setting+"#value", value)
	}
	return e
}

func TestASettingThatOneVersionLacksIsNoDifference(t *testing.T) {
	for _, c := range []struct {
		name string
		a, b *env
		want int
	}{
		{"new in b", settingsOf("a", "work_mem", nil), settingsOf("b", "work_mem idle_session_timeout", map[string]string{"idle_session_timeout": "5min"}), 0},
		{"gone in b", settingsOf("a", "work_mem vacuum_defer_cleanup_age", map[string]string{"vacuum_defer_cleanup_age": "7"}), settingsOf("b", "work_mem", nil), 0},
		{"both have it, one says it", settingsOf("a", "work_mem idle_session_timeout", nil), settingsOf("b", "work_mem idle_session_timeout", map[string]string{"idle_session_timeout": "5min"}), 1},
		{"both say it", settingsOf("a", "work_mem", map[string]string{"work_mem": "4MB"}), settingsOf("b", "work_mem", map[string]string{"work_mem": "8MB"}), 1},
		{"an application's own", settingsOf("a", "work_mem", nil), settingsOf("b", "work_mem", map[string]string{"app%2Eflag": "on"}), 1},
		{"nothing is said of the versions", settingsOf("a", "", nil), settingsOf("b", "", map[string]string{"foreign_keys": "on"}), 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := compareSides(t, c.a.side(), c.b.side()).Findings; len(got) != c.want {
				t.Errorf("got %+v", got)
			}
			if got := compareSides(t, c.b.side(), c.a.side()).Findings; len(got) != c.want {
				t.Errorf("the other way round: %+v", got)
			}
		})
	}
	three := compareSides(t, settingsOf("a", "work_mem", nil).side(), settingsOf("b", "work_mem new", map[string]string{"new": "1"}).side(), settingsOf("c", "work_mem new", map[string]string{"new": "2"}).side())
	if len(three.Findings) != 1 || three.Findings[0].Change != finding.Changed {
		t.Errorf("two that have it differ: %+v", three.Findings)
	}
}
