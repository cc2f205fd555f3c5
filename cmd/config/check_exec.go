package config

import (
	"path"
	"regexp"
	"strconv"
	"strings"

	"github.com/envdiff/envdiff/internal/strictyaml"
)

var (
	programName  = regexp.MustCompile(`^[A-Za-z0-9_.-]+$`)
	programFacts = regexp.MustCompile(`^[a-z][a-z0-9_-]*([/#].*)?$`)
)

// checkPrograms checks those that the hosts of a role run.
func checkPrograms(programs []Program, at []string, doc *strictyaml.Document) {
	seen := map[string]bool{}
	for i, p := range programs {
		here := append(at[:len(at):len(at)], strconv.Itoa(i))
		checkProgram(p, here, doc)
		if seen[p.Title()] {
			doc.Errorf(here, "the program %q stands here twice: give one of them a name", p.Title())
		}
		seen[p.Title()] = true
		if len(p.Command) > 0 && strings.Contains(p.Command[0], "/") && !path.IsAbs(p.Command[0]) {
			doc.Errorf(append(here, "command"), "on a host the program's path is absolute, or a name that is in PATH there")
		}
	}
}

func checkProgram(p Program, at []string, doc *strictyaml.Document) {
	if len(p.Command) == 0 || p.Command[0] == "" {
		doc.Errorf(at, "a program needs a command: [PROGRAM, ARGUMENTS…]")
		return
	}
	if !programName.MatchString(p.Title()) {
		doc.Errorf(at, "the program %q needs a name of letters, digits, _ . and -", p.Title())
	}
	for i, glob := range p.Facts {
		if !programFacts.MatchString(glob) {
			doc.Errorf(append(at[:len(at):len(at)], "facts", strconv.Itoa(i)), "%q does not begin with a kind of facts, such as app/*", glob)
		}
	}
}

// Title is what a program is called: its name, or the command's last path element.
func (p Program) Title() string {
	if p.Name != "" || len(p.Command) == 0 {
		return p.Name
	}
	return path.Base(p.Command[0])
}
