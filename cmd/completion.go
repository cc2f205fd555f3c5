package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/envdiff/envdiff/internal/atomicfile"
)

func completionCommand() command {
	return command{
		name: "completion", args: "bash|zsh|fish|man DIR",
		short: "print a shell's completion, or write the man pages",
		long: `Prints what a shell needs to complete commands, flags and the names of environments:

  bash   source <(envdiff completion bash)
  zsh    envdiff completion zsh > "${fpath[1]}/_envdiff"
  fish   envdiff completion fish > ~/.config/fish/completions/envdiff.fish

man DIR writes one man page for each command and one for all of them.`,
		run: runCompletion,
	}
}

func runCompletion(_ context.Context, s *session, args []string) (int, error) {
	print := func(text string) (int, error) {
		_, err := io.WriteString(s.world.Stdout, text)
		return exitOK, err
	}
	switch {
	case len(args) == 1 && args[0] == "bash":
		return print(bashCompletion())
	case len(args) == 1 && args[0] == "zsh":
		return print(zshCompletion())
	case len(args) == 1 && args[0] == "fish":
		return print(fishCompletion())
	case len(args) == 1 && args[0] == "environments": // what the scripts call
		c, err := s.loadConfig()
		if err != nil {
			return exitOK, nil // nothing to complete
		}
		return print(strings.Join(slices.Sorted(maps.Keys(c.Environments)), "\n") + "\n")
	case len(args) == 2 && args[0] == "man":
		return exitOK, writeManPages(s.path(args[1]), s.world.Now().UTC().Format("2006-01-02"))
	}
	return 0, hinted(errors.New("say which shell"), "envdiff completion bash, zsh or fish; envdiff completion man DIR")
}

// flagWords are the flags of a command as they are typed.
func flagWords(c command) []string {
	var o options
	var words []string
	newFlagSet(c, &o).VisitAll(func(f *pflag.Flag) {
		words = append(words, "--"+f.Name)
		if f.Shorthand != "" {
			words = append(words, "-"+f.Shorthand)
		}
	})
	return append(words, "--help")
}

// subjects are the words that a command takes as its first argument, as its usage spells them: "write|prune ENV".
func subjects(c command) []string {
	first, _, _ := strings.Cut(c.args, " ")
	var words []string
	for _, w := range strings.Split(first, "|") {
		if w != "" && w == strings.ToLower(w) && !strings.ContainsAny(w, "[]<>.") {
			words = append(words, w)
		}
	}
	return words
}

func commandNames() []string {
	var names []string
	for _, c := range commands() {
		names = append(names, c.name)
	}
	return names
}

func bashCompletion() string {
	var b strings.Builder
	b.WriteString("# bash completion of envdiff\n_envdiff() {\n  local cur=${COMP_WORDS[COMP_CWORD]} name=compare flags words= w\n  for w in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n    case $w in\n")
	fmt.Fprintf(&b, "      %s) name=$w; break ;;\n    esac\n  done\n  case $name in\n", strings.Join(commandNames(), "|"))
	for _, c := range commands() {
		fmt.Fprintf(&b, "    %s) flags=%q; words=%q ;;\n", c.name, strings.Join(flagWords(c), " "), strings.Join(subjects(c), " "))
	}
	fmt.Fprintf(&b, "  esac\n  if [[ $cur == -* ]]; then\n    COMPREPLY=($(compgen -W \"$flags\" -- \"$cur\"))\n    return\n  fi\n  words+=\" $(envdiff completion environments 2>/dev/null)\"\n"+
		"  if (( COMP_CWORD == 1 )); then words+=\" %s help\"; fi\n  COMPREPLY=($(compgen -W \"$words\" -- \"$cur\") $(compgen -f -- \"$cur\"))\n}\ncomplete -o filenames -F _envdiff envdiff\n", strings.Join(commandNames(), " "))
	return b.String()
}

func zshCompletion() string {
	var b strings.Builder
	b.WriteString("#compdef envdiff\n# zsh completion of envdiff\n_envdiff() {\n  local -a names environments flags subjects\n  local name=compare w\n  names=(\n")
	for _, c := range commands() {
		fmt.Fprintf(&b, "    '%s:%s'\n", c.name, zshText(c.short))
	}
	fmt.Fprintf(&b, "  )\n  environments=(${(f)\"$(envdiff completion environments 2>/dev/null)\"})\n  for w in ${(@)words[2,CURRENT-1]}; do\n    case $w in (%s) name=$w; break;; esac\n  done\n  case $name in\n", strings.Join(commandNames(), "|"))
	for _, c := range commands() {
		fmt.Fprintf(&b, "    (%s) flags=(%s); subjects=(%s);;\n", c.name, strings.Join(flagWords(c), " "), strings.Join(subjects(c), " "))
	}
	b.WriteString("  esac\n  if [[ $PREFIX == -* ]]; then\n    compadd -- $flags\n    return\n  fi\n  (( CURRENT == 2 )) && _describe command names\n  compadd -- $subjects $environments\n  _files\n}\n" +
		// As a file of $fpath it is the function's body the first time that it is called; sourced it only has to be known.
		"if [[ $funcstack[1] == _envdiff ]]; then\n  _envdiff \"$@\"\nelse\n  compdef _envdiff envdiff\nfi\n")
	return b.String()
}

func zshText(s string) string {
	return strings.NewReplacer("'", "’", ":", `\:`).Replace(s)
}

func fishCompletion() string {
	var b strings.Builder
	b.WriteString("# fish completion of envdiff\n")
	fmt.Fprintf(&b, "set -l names %s\n", strings.Join(commandNames(), " "))
	b.WriteString("complete -c envdiff -n \"not __fish_seen_subcommand_from $names\" -a '(envdiff completion environments 2>/dev/null)' -d environment\n")
	for _, c := range commands() {
		fmt.Fprintf(&b, "complete -c envdiff -n \"not __fish_seen_subcommand_from $names\" -a %s -d '%s'\n", c.name, strings.ReplaceAll(c.short, "'", "’"))
		seen := "__fish_seen_subcommand_from " + c.name
		for _, w := range subjects(c) {
			fmt.Fprintf(&b, "complete -c envdiff -n '%s' -a %s\n", seen, w)
		}
		fmt.Fprintf(&b, "complete -c envdiff -n '%s' -a '(envdiff completion environments 2>/dev/null)'\n", seen)
		var o options
		newFlagSet(c, &o).VisitAll(func(f *pflag.Flag) {
			fmt.Fprintf(&b, "complete -c envdiff -n '%s' -l %s", seen, f.Name)
			if f.Shorthand != "" {
				fmt.Fprintf(&b, " -s %s", f.Shorthand)
			}
			if f.NoOptDefVal == "" {
				b.WriteString(" -r")
			}
			_, usage := pflag.UnquoteUsage(f)
			fmt.Fprintf(&b, " -d '%s'\n", strings.ReplaceAll(usage, "'", "’"))
		})
	}
	return b.String()
}

// writeManPages writes envdiff.1 and a page for each command.
func writeManPages(dir, day string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	var all strings.Builder
	if err := usage(&all); err != nil {
		return err
	}
	pages := map[string]string{"envdiff.1": manPage("envdiff", "what differs between environments, before the deploy", all.String(), day)}
	for _, c := range commands() {
		pages["envdiff-"+c.name+".1"] = manPage("envdiff-"+c.name, c.short, helpText(c), day)
	}
	for _, name := range slices.Sorted(maps.Keys(pages)) {
		if err := atomicfile.WriteMode(filepath.Join(dir, name), 0o644, func(w io.Writer) error {
			_, err := io.WriteString(w, pages[name])
			return err
		}); err != nil {
			return err
		}
	}
	return nil
}

// manPage is a help text as a man page: its lines in capitals are headings, the rest is set as it is.
func manPage(name, short, help, day string) string {
	var b strings.Builder
	fmt.Fprintf(&b, ".TH %s 1 %s \"envdiff\" \"envdiff\"\n.SH NAME\n%s \\- %s\n", strings.ToUpper(name), day, roff(name), roff(short))
	_, body, _ := strings.Cut(help, "\n\n")
	b.WriteString(".SH DESCRIPTION\n.nf\n")
	for line := range strings.Lines(body) {
		line = strings.TrimRight(line, "\n")
		switch {
		case line != "" && line == strings.ToUpper(line) && strings.Trim(line, "ABCDEFGHIJKLMNOPQRSTUVWXYZ ") == "":
			fmt.Fprintf(&b, ".fi\n.SH %s\n.nf\n", line)
		default:
			b.WriteString(roff(line) + "\n")
		}
	}
	b.WriteString(".fi\n")
	return b.String()
}

// roff makes a line of text one that troff sets as it is.
func roff(line string) string {
	line = strings.NewReplacer(`\`, `\e`, "-", `\-`, "'", `\(aq`).Replace(line)
	if strings.HasPrefix(line, ".") {
		line = `\&` + line
	}
	return line
}
