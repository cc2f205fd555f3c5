package cmd

import (
	"os"
	"os/exec"
	"regexp"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
	"go.yaml.in/yaml/v4"
)

// What the CI systems do with the files below ci/ is played with a shell: their expressions are filled in, their steps
// run one after the other until one fails.

var (
	expression = regexp.MustCompile(`\$\{\{\s*([a-z_.-]+)\s*\}\}`)
	usedAction = regexp.MustCompile(`^[\w-]+/[\w/-]+@v\d+$`)
)

// githubaction STATUS INPUT=VALUE…: runs the steps of the composite action.
func githubAction(ts *testscript.TestScript, _ bool, args []string) {
	var action struct {
		Inputs map[string]struct {
			Required bool
			Default  string
		}
		Runs struct {
			Using string
			Steps []struct {
				ID, If, Shell, Run, Uses string
				Env, With                map[string]string
			}
		}
	}
	readYAML(ts, "../ci/github/action.yml", &action)
	values := map[string]string{"github.action_path": ts.Getenv("ACTION_PATH"), "github.token": "the-token"}
	for name, in := range action.Inputs {
		values["inputs."+name] = fill(in.Default, values)
	}
	for _, a := range args[1:] {
		name, value, _ := strings.Cut(a, "=")
		if _, ok := action.Inputs[name]; !ok {
			ts.Fatalf("the action has no input %q", name)
		}
		values["inputs."+name] = value
	}
	for name, in := range action.Inputs {
		if in.Required && values["inputs."+name] == "" {
			ts.Fatalf("the input %q is required", name)
		}
	}
	if action.Runs.Using != "composite" {
		ts.Fatalf("it is no composite action")
	}
	status := "0"
	for _, step := range action.Runs.Steps {
		if step.Uses != "" {
			if !usedAction.MatchString(step.Uses) {
				ts.Fatalf("%q names no action and version", step.Uses)
			}
			continue
		}
		if step.Shell != "bash" {
			ts.Fatalf("a step of a composite action needs its shell")
		}
		if strings.Contains(step.Run, "${{") {
			ts.Fatalf("an expression inside of a script is an injection")
		}
		for name, value := range step.Env {
			ts.Setenv(name, fill(value, values))
		}
		if status = shell(ts, "bash", step.Run); status != "0" {
			break
		}
	}
	if status != args[0] {
		ts.Fatalf("the action ends with %s, want %s", status, args[0])
	}
}

func fill(text string, values map[string]string) string {
	return expression.ReplaceAllStringFunc(text, func(m string) string { return values[expression.FindStringSubmatch(m)[1]] })
}

// gitlabjob STATUS: runs the script of the GitLab template's job, whose lines are one script there, too.
func gitlabJob(ts *testscript.TestScript, _ bool, args []string) {
	var template struct {
		Variables map[string]string
		Hidden    struct {
			Script    []string
			Artifacts struct {
				When    string
				Paths   []string
				Reports map[string]string
			}
		} `yaml:".envdiff"`
		Job struct {
			Extends string
			Rules   []map[string]string
		} `yaml:"envdiff"`
	}
	readYAML(ts, "../ci/gitlab/envdiff.gitlab-ci.yml", &template)
	if template.Job.Extends != ".envdiff" || template.Hidden.Artifacts.When != "always" || template.Hidden.Artifacts.Reports["junit"] == "" {
		ts.Fatalf("the job lacks its script or its reports")
	}
	for name, value := range template.Variables {
		if ts.Getenv(name) == "" {
			ts.Setenv(name, value)
		}
	}
	if status := shell(ts, "sh", "set -e\n"+strings.Join(template.Hidden.Script, "\n")); status != args[0] {
		ts.Fatalf("the job ends with %s, want %s", status, args[0])
	}
}

// jenkinsfile STATUS: runs the shell steps of the Jenkinsfile.
func jenkinsfile(ts *testscript.TestScript, _ bool, args []string) {
	text, err := os.ReadFile("../ci/jenkins/Jenkinsfile")
	ts.Check(err)
	if strings.Count(string(text), "{") != strings.Count(string(text), "}") || strings.Count(string(text), "'''")%2 != 0 {
		ts.Fatalf("the Jenkinsfile is not balanced")
	}
	steps := regexp.MustCompile(`(?s)(catchError\([^)]*\) \{\s*)?sh '''(.*?)'''`).FindAllStringSubmatch(string(text), -1)
	if len(steps) != 2 {
		ts.Fatalf("%d shell steps", len(steps))
	}
	status := "0"
	for _, m := range steps {
		if strings.Contains(m[2], "$REHEARSE") && ts.Getenv("REHEARSE") == "" {
			continue // its stage's condition
		}
		// Jenkins runs sh -xe; in a Groovy string \\ is one backslash.
		if got := shell(ts, "sh", "set -xe\n"+strings.ReplaceAll(m[2], `\\`, `\`)); got != "0" {
			status = got
			if m[1] == "" {
				break
			}
		}
	}
	if status != args[0] {
		ts.Fatalf("the job ends with %s, want %s", status, args[0])
	}
}

// cisnippet STATUS: runs the steps of what init writes for GitHub, each as far as its condition says.
func ciSnippet(ts *testscript.TestScript, _ bool, args []string) {
	var workflow struct {
		Jobs map[string]struct {
			Steps []struct {
				If, Run, Uses string
				Env           map[string]string
			}
		}
	}
	readYAML(ts, "init.ci.yaml", &workflow)
	status := "0"
	for _, step := range workflow.Jobs["envdiff"].Steps {
		if step.Run == "" || status != "0" && step.If != "always()" {
			continue
		}
		for name, value := range step.Env {
			ts.Setenv(name, fill(value, map[string]string{"github.token": "the-token", "secrets.ENVDIFF_KEY": ts.Getenv("ENVDIFF_KEY"), "secrets.ENVDIFF_PSEUDONYM_KEY": ts.Getenv("ENVDIFF_PSEUDONYM_KEY")}))
		}
		if got := shell(ts, "bash", step.Run); status == "0" {
			status = got
		}
	}
	if status != args[0] {
		ts.Fatalf("the job ends with %s, want %s", status, args[0])
	}
}

func readYAML(ts *testscript.TestScript, path string, into any) {
	text, err := os.ReadFile(path)
	ts.Check(err)
	ts.Check(yaml.Unmarshal(text, into))
}

func shell(ts *testscript.TestScript, name, script string) string {
	err := ts.Exec(name, "-c", script)
	if exit, ok := err.(*exec.ExitError); ok {
		return string(rune('0' + exit.ExitCode()))
	}
	ts.Check(err)
	return "0"
}

// nightly STATUS: runs the nightly job as cron does.
func nightly(ts *testscript.TestScript, _ bool, args []string) {
	script, err := os.ReadFile("../ci/nightly/envdiff-nightly")
	ts.Check(err)
	if status := shell(ts, "sh", string(script)); status != args[0] {
		ts.Fatalf("the nightly job ends with %s, want %s", status, args[0])
	}
}

// damage DIR: alters the newest snapshot below it, as a bad disk does.
func damage(ts *testscript.TestScript, _ bool, args []string) {
	entries, err := os.ReadDir(ts.MkAbs(args[0]))
	ts.Check(err)
	facts := ts.MkAbs(args[0]) + "/" + entries[len(entries)-1].Name() + "/facts.jsonl"
	ts.Check(os.WriteFile(facts, []byte("{}\n"), 0o600))
}
