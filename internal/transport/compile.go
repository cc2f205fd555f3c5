package transport

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"
)

// CompileOptions say which catalogue is compiled.
type CompileOptions struct {
	Environment string // the directory of a Puppet environment, with manifests and modules
	Node        string
	Facts       string // a file of facts, as JSON of facter or as Puppet's YAML; "" is the node's name alone
	TempDir     string // for Puppet's own state, removed afterwards
}

// ParseCompile reads puppet:DIRECTORY?node=NODE, with &facts=FILE.
func ParseCompile(raw string) (CompileOptions, error) {
	var o CompileOptions
	dir, query, _ := strings.Cut(strings.TrimPrefix(raw, "puppet:"), "?")
	values, err := url.ParseQuery(query)
	if dir == "" || err != nil || !validNode(values.Get("node")) {
		return o, errors.New("write a catalogue to be compiled as puppet:DIRECTORY?node=NODE: the directory of a Puppet environment, and the node's name")
	}
	for name, v := range values {
		if name != "node" && name != "facts" || len(v) != 1 {
			return o, errors.New("puppet: takes node and facts, each once")
		}
	}
	o.Environment, o.Node, o.Facts = dir, values.Get("node"), values.Get("facts")
	if name := filepath.Base(filepath.Clean(dir)); !environmentName.MatchString(name) {
		return o, errors.New("puppet: needs a directory that is called like a Puppet environment: letters, digits and _")
	}
	return o, nil
}

var environmentName = regexp.MustCompile(`^[a-z0-9_]+$`)

// Compile serves a host by the catalogue that `puppet catalog compile` makes of an environment's manifests: on this machine, without a server, and with the facts
// that are given, never with those of this machine.
func Compile(o CompileOptions) (Transport, error) {
	if info, err := os.Stat(o.Environment); err != nil || !info.IsDir() {
		return nil, fmt.Errorf("%s is no directory: puppet: names the directory of a Puppet environment", o.Environment)
	}
	return &catalogued{node: o.Node, display: "puppet:" + o.Environment + "?node=" + o.Node, fetch: o.compile}, nil
}

func (o CompileOptions) compile(ctx context.Context) ([]byte, error) {
	program := findCommand("puppet")
	if program == "" {
		if program = "/opt/puppetlabs/bin/puppet"; !executable(program) {
			return nil, errors.New("puppet is not installed here: install Puppet's agent, or compile elsewhere and use root:DIR")
		}
	}
	dir, err := os.MkdirTemp(o.TempDir, "puppet-")
	if err != nil {
		return nil, fmt.Errorf("no directory for Puppet's state: %w", err)
	}
	defer os.RemoveAll(dir)
	if err := o.writeFacts(dir); err != nil {
		return nil, err
	}
	environment, err := filepath.Abs(o.Environment)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, program, "catalog", "compile", o.Node, "--environmentpath", filepath.Dir(environment), "--environment", filepath.Base(environment),
		"--vardir", filepath.Join(dir, "var"), "--confdir", filepath.Join(dir, "conf"), "--certname", o.Node, "--facts_terminus", "yaml", "--log_level", "err", "--color", "false")
	cmd.Env = []string{"LC_ALL=C.UTF-8", "PATH=" + commandPath(), "HOME=" + dir}
	cmd.Dir = dir
	out := &cappedOutput{limit: maxCatalog, full: func() {}}
	said := &cappedOutput{limit: 1 << 20, full: func() {}}
	cmd.Stdout, cmd.Stderr = out, said
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	err = cmd.Run()
	if cancelled := ctx.Err(); cancelled != nil {
		return nil, cancelled
	}
	if out.over {
		return nil, fmt.Errorf("the catalogue of %s is larger than %d bytes", o.Node, maxCatalog)
	}
	start := bytes.IndexByte(out.held.Bytes(), '{') // notices of manifests come before it
	if err != nil || start < 0 {
		return nil, o.failure(append(out.held.Bytes(), said.held.Bytes()...))
	}
	return out.held.Bytes()[start:], nil
}

// writeFacts writes the node's facts where Puppet's yaml terminus looks for them.
func (o CompileOptions) writeFacts(dir string) error {
	short, domain, _ := strings.Cut(o.Node, ".")
	facts, err := json.Marshal(map[string]any{"hostname": short, "fqdn": o.Node, "domain": domain, "networking": map[string]string{"hostname": short, "fqdn": o.Node, "domain": domain}})
	if err != nil {
		return err
	}
	if o.Facts != "" {
		if facts, err = os.ReadFile(o.Facts); err != nil {
			return fmt.Errorf("the facts of %s cannot be read: %w", o.Node, err)
		}
	}
	if bytes.HasPrefix(bytes.TrimSpace(facts), []byte("{")) {
		facts = append([]byte("--- !ruby/object:Puppet::Node::Facts\nname: "+o.Node+"\nvalues: "), facts...)
	}
	at := filepath.Join(dir, "var/yaml/facts")
	if err := os.MkdirAll(at, 0o700); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(at, o.Node+".yaml"), facts, 0o600)
}

// manifestPlace is where Puppet says that a manifest is wrong. What it says beside that may quote values.
var manifestPlace = regexp.MustCompile(`\(file: ([^(),]{1,300}), line: (\d+)`)

func (o CompileOptions) failure(said []byte) error {
	by := fmt.Sprintf("see: puppet catalog compile %s --environmentpath %s --environment %s", o.Node, filepath.Dir(o.Environment), filepath.Base(o.Environment))
	if m := manifestPlace.FindSubmatch(said); m != nil {
		return fmt.Errorf("puppet could not compile the catalogue of %s: %s:%s; %s", o.Node, m[1], m[2], by)
	}
	return fmt.Errorf("puppet could not compile the catalogue of %s (facts that its manifests need? &facts=FILE); %s", o.Node, by)
}

func executable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && !info.IsDir() && info.Mode()&0o111 != 0
}
