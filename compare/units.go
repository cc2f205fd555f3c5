package compare

import (
	"path"
	"strings"

	"github.com/envdiff/envdiff/snapshot"
)

// unitLink says what a captured link below /etc/systemd does to the unit that it names:
// "enabled", "masked", or "" for any other file.
func (j *judgement) unitLink() string {
	if !j.wholeObject() {
		return ""
	}
	switch dir := path.Base(path.Dir(snapshot.Unescape(j.d.node.addr.Name))); {
	case strings.HasSuffix(dir, ".wants"), strings.HasSuffix(dir, ".requires"), strings.HasSuffix(dir, ".upholds"):
		return "enabled"
	}
	for i, cell := range j.d.node.cells {
		if cell.addr.Kind == "" {
			continue
		}
		if line := findLine(j.c.sides[i].Snapshot, cell.addr.Attr("@link")); line != nil && len(line.Values) == 1 {
			if target, _ := line.Values[0].Value.Text(); target == "/dev/null" {
				return "masked"
			}
		}
	}
	return ""
}

// sayUnitLink says who has enabled or masked a unit: "web: cron.service is masked in production, not in staging".
func (j *judgement) sayUnitLink() string {
	name := snapshot.Unescape(j.d.node.addr.Name)
	s := name[strings.LastIndexByte(name, '/')+1:]
	if j.d.within {
		var have []string
		for _, sh := range j.d.shares {
			if !sh.absent {
				have = append(have, j.who(sh))
			}
		}
		return s + j.inside() + " is " + j.unitLink() + " on " + enumerate(have) + " only"
	}
	var have, lack []int
	for _, side := range j.d.sides {
		if j.d.lacks(side) {
			lack = append(lack, side)
		} else {
			have = append(have, side)
		}
	}
	return s + " is " + j.unitLink() + " in " + j.c.nameList(have) + ", not in " + j.c.nameList(lack)
}
