package inventory_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/envdiff/envdiff/internal/inventory"
)

func plant(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		p := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// inventories are written in every way that Ansible knows.
var inventories = map[string]struct {
	files map[string]string
	path  string
}{
	"ini": {map[string]string{"hosts": `# hosts without a group
bastion.example ansible_user=root

[web]
web[1:3].prod.example ansible_port=2222 # three of them
www-[a:c] ansible_host=10.0.0.9 ansible_user='deploy me'
web9:2200

[db]
db[01:03:2].prod.example
"quoted.example"

[prod:children]
web
db

[web:vars]
ansible_user=deploy
http_port=80

[db:vars]
ansible_user = "postgres"
[prod:vars]
ansible_user=prod
ansible_become=true
[all:vars]
ansible_port=22
`}, "hosts"},
	"yaml": {map[string]string{"hosts.yml": `all:
  hosts:
    lonely.example:
  vars: {ansible_user: everybody}
  children:
    web:
      hosts:
        web[1:2].example: {ansible_host: 10.0.0.1, ansible_port: 2222}
        web3.example: {ansible_connection: local}
      vars: {ansible_user: deploy}
      children: {edge: {hosts: {edge1.example: null}}}
    db:
      hosts: {db1.example: {ansible_ssh_user: postgres}}
`}, "hosts.yml"},
	"groups at the top": {map[string]string{"x.yaml": "web:\n  hosts:\n    a:\n    b:\ndb: {children: {web: }}\n"}, "x.yaml"},
	"a directory": {map[string]string{
		"inv/01-web.yml": "web: {hosts: {a.example: , b.example: }}\n", "inv/02-db": "[db]\nc.example\n[web]\nd.example ansible_user=own\n", "inv/ignored.ini": "[x]\ny\n",
		"inv/group_vars/all.yml": "ansible_user: everybody\n", "inv/group_vars/web/main.yml": "ansible_user: deploy\nansible_port: 2222\n", "inv/host_vars/c.example.yml": "ansible_host: 10.0.0.3\n",
	}, "inv"},
	"variables of groups within groups": {map[string]string{"hosts": "[a]\nh1\n[b]\nh1\n[outer:children]\na\n[a:vars]\nansible_user=a\n[b:vars]\nansible_user=b\n[outer:vars]\nansible_user=outer\n",
		"group_vars/outer.yml": "ansible_user: file\n"}, "hosts"},
}

// What envdiff reads is what Ansible itself says of the same files.
func TestEqualToAnsible(t *testing.T) {
	for name, c := range inventories {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := plant(t, c.files)
			cmd := exec.Command("ansible-inventory", "-i", filepath.Join(dir, c.path), "--list")
			cmd.Env = append(os.Environ(), "HOME="+dir, "LC_ALL=C.UTF-8")
			cmd.Dir = dir
			list, err := cmd.Output()
			if err != nil {
				t.Fatalf("ansible-inventory: %v: run make deps", err)
			}
			printed := filepath.Join(t.TempDir(), "list.json")
			if err := os.WriteFile(printed, list, 0o644); err != nil {
				t.Fatal(err)
			}
			want, err := inventory.ReadAnsible(printed)
			if err != nil {
				t.Fatal(err)
			}
			got, err := inventory.ReadAnsible(filepath.Join(dir, c.path))
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(want.Groups, got.Groups); d != "" {
				t.Errorf("%s\nAnsible:\n%s", d, list)
			}
			if len(got.Groups) == 0 {
				t.Error("no groups")
			}
		})
	}
}

func TestInventoriesThatCanNotBeRead(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"hosts", "[web\nx y z\n", "line 1"},
		{"hosts", "[web]\na b\n", `line 2: "b" is no name=value`},
		{"hosts", "[web]\nw[1:\n", "line 2: "},
		{"hosts", "[web]\nw[5:1]\n", "is none such as [01:50]"},
		{"hosts", "[web]\nw[1:9999999]\n", "is none such as"},
		{"hosts", "[web:x]\na\n", "neither of hosts, nor of vars or children"},
		{"hosts", "[a:children]\nb\n[b:children]\na\n", "in a circle"},
		{"hosts", "[web]\na x='\n", "a quote that does not end"},
		{"hosts.yml", "a: [", "no YAML"},
		{"hosts.yml", "- a\n", "a mapping of groups"},
		{"hosts.yml", "web: {hosts: [a]}\n", "this is to be a mapping"},
	} {
		dir := plant(t, map[string]string{c.name: c.text})
		inv, err := inventory.ReadAnsible(filepath.Join(dir, c.name))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v %v", c.text, inv.Groups, err)
		}
	}
	dir := plant(t, map[string]string{"run.sh": "#!/bin/sh\necho {}\n"})
	if err := os.Chmod(filepath.Join(dir, "run.sh"), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := inventory.ReadAnsible(filepath.Join(dir, "run.sh")); err == nil || !strings.Contains(err.Error(), "is a program: run it yourself") {
		t.Errorf("a program: %v", err)
	}
}

func FuzzAnsible(f *testing.F) {
	for _, c := range inventories {
		for name, text := range c.files {
			f.Add(filepath.Ext(name), text)
		}
	}
	f.Fuzz(func(t *testing.T, ext, text string) {
		name := "hosts"
		if ext == ".yml" {
			name = "hosts.yml"
		}
		inv, err := inventory.ReadAnsible(filepath.Join(plant(t, map[string]string{name: text}), name))
		if err != nil {
			return
		}
		for _, hosts := range inv.Groups {
			for _, h := range hosts {
				_ = h.URL()
			}
		}
	})
}
