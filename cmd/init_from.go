package cmd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/envdiff/envdiff/ci"
	"github.com/envdiff/envdiff/cmd/config"
	"github.com/envdiff/envdiff/internal/inventory"
)

// imports is where each system keeps its hosts.
var imports = map[string]func(s *session, ctx context.Context, dir, path string) (map[string]inventory.Inventory, error){
	"ansible": (*session).fromAnsible, "capistrano": (*session).fromCapistrano, "puppet": (*session).fromPuppet,
}

// importSystem writes an envdiff.yaml with the environments and roles of another system; names are its environments.
func (s *session) importSystem(ctx context.Context, dir, from string) (content []byte, names string, err error) {
	system, path, _ := strings.Cut(from, ":")
	read, ok := imports[system]
	if !ok {
		return nil, "", hinted(fmt.Errorf("--from %s is not known", system), "use ansible, capistrano or puppet")
	}
	if path != "" && !strings.Contains(path, "://") {
		path = s.path(path)
	}
	found, err := read(s, ctx, dir, path)
	if err != nil {
		return nil, "", err
	}
	for _, env := range slices.Sorted(maps.Keys(found)) {
		for _, note := range found[env].Notes {
			fmt.Fprintf(s.world.Stdout, "note    %s: %s\n", ci.Terminal(env), ci.Terminal(note))
		}
		if len(found[env].Groups) == 0 {
			delete(found, env)
		}
	}
	if len(found) == 0 {
		return nil, "", hinted(fmt.Errorf("%s names no hosts here", system), "name its file: --from %s:PATH", system)
	}
	content, err = importedConfig(system, found)
	return content, strings.Join(slices.Sorted(maps.Keys(found)), ", "), err
}

// environmentName is a name that envdiff.yaml accepts; roleName too, for addresses.
func environmentName(text string) string { return strange.ReplaceAllString(text, "-") }

func roleName(text string) string { return strings.ReplaceAll(environmentName(text), ".", "-") }

// yamlKey quotes a name that YAML readers could take for something else.
func yamlKey(name string) string {
	if plainKey.MatchString(name) && !slices.Contains([]string{"y", "n", "yes", "no", "on", "off", "true", "false", "null"}, strings.ToLower(name)) {
		return name
	}
	return strconv.Quote(name)
}

var (
	plainKey   = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]*$`)
	strange    = regexp.MustCompile(`[^A-Za-z0-9_.-]+`)
	production = regexp.MustCompile(`(?i)^(prod|production|live)([_.-]|$)`)
)

// importedConfig is envdiff.yaml with the head and tail of init's own, checked before it is written.
func importedConfig(system string, found map[string]inventory.Inventory) ([]byte, error) {
	head, rest, _ := strings.Cut(string(initConfig), "\nenvironments:\n")
	_, tail, _ := strings.Cut(rest, "\n# databases:\n")
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n# Hosts and roles are those that %s knew when this was written.\nenvironments:\n", head, system)
	roles := map[string]bool{}
	for _, env := range slices.Sorted(maps.Keys(found)) {
		fmt.Fprintf(&b, "  %s:\n", yamlKey(environmentName(env)))
		if production.MatchString(env) {
			b.WriteString("    protected: true      # never a write target\n")
		}
		b.WriteString("    # params: {db_host: …}   # values that are expected to differ\n    hosts:\n")
		for _, group := range slices.Sorted(maps.Keys(found[env].Groups)) {
			role := roleName(group)
			roles[role] = true
			fmt.Fprintf(&b, "      %s:\n", yamlKey(role))
			for _, h := range found[env].Groups[group] {
				fmt.Fprintf(&b, "        - %s\n", hostLine(config.FromInventory(h)))
			}
		}
	}
	b.WriteString("\nroles:\n")
	for _, role := range slices.Sorted(maps.Keys(roles)) {
		fmt.Fprintf(&b, "  %s: {config: [\"/etc/**\"]}   # narrow it to what the role is about\n", yamlKey(role))
	}
	b.WriteString("\n# databases:\n" + tail)
	if _, err := config.Parse(config.Name, []byte(b.String())); err != nil {
		return nil, fmt.Errorf("what %s says makes no valid envdiff.yaml: %w", system, err)
	}
	return []byte(b.String()), nil
}

func hostLine(h config.Host) string {
	if h.Name == "" && !h.Sudo {
		return strconv.Quote(string(h.URL))
	}
	line := "{"
	if h.Name != "" {
		line += "name: " + strconv.Quote(h.Name) + ", "
	}
	line += "url: " + strconv.Quote(string(h.URL))
	if h.Sudo {
		line += ", sudo: true"
	}
	return line + "}"
}

// environmentWords are names by which files and groups of Ansible are environments.
var environmentWords = regexp.MustCompile(`(?i)^(prod|production|live|stage|staging|test|testing|uat|qa|dev|development|preprod|integration|demo)([_.-].*)?$`)

func (s *session) fromAnsible(_ context.Context, dir, path string) (map[string]inventory.Inventory, error) {
	paths := []string{path}
	if path == "" {
		paths = ansibleInventories(dir)
	}
	found := map[string]inventory.Inventory{}
	for _, p := range paths {
		inv, err := inventory.ReadAnsible(p)
		if err != nil {
			return nil, err
		}
		for env, part := range splitGroups(ansibleName(p, dir), inv) {
			found[env] = part
		}
	}
	return found, nil
}

// ansibleInventories looks where inventories usually are: one for each environment, else one for all.
func ansibleInventories(dir string) []string {
	var out []string
	add := func(parent string, every bool) {
		entries, _ := os.ReadDir(parent)
		for _, e := range entries {
			base := strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(e.Name(), ".ini"), ".yml"), ".yaml")
			if !strings.HasPrefix(base, ".") && base != "group_vars" && base != "host_vars" && (every || environmentWords.MatchString(base)) && filepath.Ext(e.Name()) != ".cfg" {
				out = append(out, filepath.Join(parent, e.Name()))
			}
		}
	}
	for _, parent := range []string{"inventories", "environments", "inventory"} {
		if info, err := os.Stat(filepath.Join(dir, parent)); err == nil && info.IsDir() {
			if add(filepath.Join(dir, parent), parent == "inventories"); len(out) == 0 {
				out = append(out, filepath.Join(dir, parent))
			}
			return out
		}
	}
	if add(dir, false); len(out) > 0 {
		return out
	}
	for _, name := range []string{"hosts", "hosts.ini", "hosts.yml", "hosts.yaml", "inventory", "inventory.ini", "inventory.yml", "inventory.yaml"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			return []string{filepath.Join(dir, name)}
		}
	}
	return nil
}

// ansibleName is the environment that an inventory is of, by its name or its directory's.
func ansibleName(path, dir string) string {
	name := strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
	switch name {
	case "hosts", "inventory", "inventories", "list":
		if parent := filepath.Dir(path); parent != filepath.Clean(dir) && environmentWords.MatchString(filepath.Base(parent)) {
			return filepath.Base(parent)
		}
		return "production"
	}
	return name
}

// splitGroups makes environments of an inventory's groups where some are called like environments.
func splitGroups(name string, inv inventory.Inventory) map[string]inventory.Inventory {
	out := map[string]inventory.Inventory{}
	for env, hosts := range inv.Groups {
		if !environmentWords.MatchString(env) {
			continue
		}
		in := map[string]bool{}
		for _, h := range hosts {
			in[h.Name] = true
		}
		part := inventory.Inventory{Groups: map[string][]inventory.Host{}}
		for group, hosts := range inv.Groups {
			if environmentWords.MatchString(group) {
				continue
			}
			mine := slices.DeleteFunc(slices.Clone(hosts), func(h inventory.Host) bool { return !in[h.Name] })
			if len(mine) > 0 {
				part.Groups[group] = mine
			}
		}
		if len(part.Groups) > 0 {
			out[env] = part
		}
	}
	if len(out) == 0 {
		out[name] = inv
	}
	return out
}

// capTakes is how long cap may take for one stage.
const capTakes = 60 * time.Second

func (s *session) fromCapistrano(ctx context.Context, dir, path string) (map[string]inventory.Inventory, error) {
	if path == "" {
		path = filepath.Join(dir, "config", "deploy")
	}
	files := []string{path}
	if info, err := os.Stat(path); err != nil || info.IsDir() {
		files, _ = filepath.Glob(filepath.Join(path, "*.rb"))
	}
	found := map[string]inventory.Inventory{}
	for _, file := range files {
		stage := strings.TrimSuffix(filepath.Base(file), ".rb")
		inv, err := askCap(ctx, dir, stage)
		if err != nil {
			text, readErr := readSmall(file)
			if readErr != nil {
				return nil, readErr
			}
			inv = inventory.ParseStage(text)
			inv.Notes = append(inv.Notes, err.Error()+": the stage file was read instead")
		}
		found[stage] = inv
	}
	return found, nil
}

// askCap has Capistrano itself say what the servers of a stage are.
func askCap(ctx context.Context, dir, stage string) (inventory.Inventory, error) {
	if _, err := os.Stat(filepath.Join(dir, "Capfile")); err != nil {
		return inventory.Inventory{}, errors.New("there is no Capfile")
	}
	program, err := exec.LookPath("cap")
	if err != nil {
		return inventory.Inventory{}, errors.New("cap is not there")
	}
	ctx, cancel := context.WithTimeout(ctx, capTakes)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, stage, "doctor:servers")
	cmd.Dir = dir
	cmd.WaitDelay = time.Second
	out, err := cmd.Output()
	if err != nil {
		return inventory.Inventory{}, fmt.Errorf("cap %s doctor:servers fails", stage)
	}
	return inventory.ParseServers(string(out)), nil
}

// readSmall reads a file that people write.
func readSmall(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() || info.Size() > 4<<20 {
		return "", fmt.Errorf("%s is no file of a size to be read", path)
	}
	text, err := os.ReadFile(path)
	return string(bytes.ToValidUTF8(text, []byte("?"))), err
}
