// Package container is the host collector of containers that docker or podman run: their images and their environment. Like every host collector it declares what to
// fetch and parses the sections that a transport filled.
package container

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/internal/transport"
	"github.com/envdiff/envdiff/snapshot"
)

// Collector reads running containers.
type Collector struct{}

// New makes the collector.
func New() Collector { return Collector{} }

// Name is the collector's folder.
func (Collector) Name() string { return "container" }

// Doc describes the collector.
func (Collector) Doc() snapshot.Doc {
	return snapshot.Doc{
		Title: "Running containers of docker and podman: images and environment",
		Text: `Asks docker where its socket is, and podman where it has storage, for the containers that run. A container is called PROJECT/SERVICE where compose made it,
NAMESPACE/CONTAINER where Kubernetes did, else by its name; of several that are called alike every value counts. Environment variables are compared one by one, secrets as keyed
digests; HOSTNAME and what engines add themselves are left out.

Not read: containers that do not run, their files, and what containerd or CRI-O run without docker.`,
		Needs: []string{"docker with /run/docker.sock, or podman, and the right to ask them"},
		Attributes: []string{"container/NAME#image: as it was asked for, with its tag", "container/NAME#image_id: what that is: the same tag is another image after a pull",
			"container/NAME#env.VARIABLE: the environment that it was started with"},
	}
}

// Kinds declares how containers are compared.
func (Collector) Kinds() []snapshot.Kind {
	return []snapshot.Kind{{Pattern: "container/*", Area: finding.AreaConfig, Doc: "a running container"}}
}

// program prints what the engines tell of their running containers, each behind a line of its own. Engines that were never used are left alone: asking podman makes its storage.
const program = `ask() {
	ids=$("$1" ps -q --no-trunc) || return
	printf '\n= %s\n' "$1"
	[ "$ids" ] && "$1" inspect $ids
	printf '\n= end %s %s\n' "$1" $?
}
if [ -S /run/docker.sock ] || [ -S /var/run/docker.sock ]; then ask docker; fi
for d in /var/lib/containers/storage/*-containers; do [ -d "$d" ] && { ask podman; break; }; done
exit 0`

// Wants declares the one program.
func (Collector) Wants(snapshot.RoleSpec) []transport.Want {
	return []transport.Want{{ID: "containers", Command: []string{"sh", "-c", program}, MaxBytes: 32 << 20, Sudo: true, Doc: "running containers"}}
}

// inspected is what docker and podman inspect tell of a container, as far as it is of use.
type inspected struct {
	Name      string
	ID        string `json:"Id"`
	Image     string // the image's id
	ImageName string // podman's reference
	Config    struct {
		Image  string // docker's reference
		Env    []string
		Labels map[string]string
	}
}

// Parse reads the engines' answers.
func (Collector) Parse(in snapshot.Input) snapshot.Result {
	r := snapshot.Result{Looked: []string{}}
	s, fetched := in.Sections["containers"]
	switch {
	case !fetched, s.Problem == transport.Unable, s.Problem == transport.NotFound:
		return r
	case s.Problem != transport.OK:
		r.Missing(snapshot.At(in.Scope, "container", ""), "the containers could not be asked for: "+string(s.Problem), "run docker ps or podman ps on the host", "container/*")
		return r
	}
	found := map[snapshot.Address]map[snapshot.Value]bool{}
	from := map[snapshot.Address]string{}
	whole := true
	engines := 0
	for engine, answer := range answers(s.Output) {
		engines++
		list, ok := decode(answer)
		if !ok {
			whole = false
			r.Missing(snapshot.At(in.Scope, "container", ""), "the answer of "+engine+" inspect could not be read", "run "+engine+" inspect on the host", "container/*")
			continue
		}
		for _, c := range list {
			tell(in, c, func(a snapshot.Address, v snapshot.Value) {
				if found[a] == nil {
					found[a] = map[snapshot.Value]bool{}
				}
				found[a][v] = true
				from[a] = engine + " inspect"
			})
		}
	}
	for _, a := range slices.SortedFunc(maps.Keys(found), func(a, b snapshot.Address) int { return strings.Compare(a.String(), b.String()) }) {
		values := slices.Collect(maps.Keys(found[a]))
		value := values[0]
		if len(values) > 1 {
			value = snapshot.Set(values...)
		}
		r.Add(a, value, from[a])
	}
	if whole && engines > 0 {
		r.Looked = append(r.Looked, "container/*")
	}
	return r
}

// answers are the engines' answers by name; one that did not come to its end is nil.
func answers(output []byte) map[string][]byte {
	out := map[string][]byte{}
	for part := range bytes.SplitSeq(append([]byte("\n"), output...), []byte("\n= ")) {
		head, body, _ := bytes.Cut(part, []byte("\n"))
		words := strings.Fields(string(head))
		switch {
		case len(words) == 1 && (words[0] == "docker" || words[0] == "podman"):
			out[words[0]] = body
		case len(words) == 3 && words[0] == "end" && words[2] != "0" && len(bytes.TrimSpace(out[words[1]])) > 0:
			out[words[1]] = []byte("cut")
		}
	}
	return out
}

func decode(answer []byte) (list []inspected, ok bool) {
	if len(bytes.TrimSpace(answer)) == 0 {
		return nil, true // no container runs
	}
	return list, json.Unmarshal(answer, &list) == nil
}

func tell(in snapshot.Input, c inspected, add func(snapshot.Address, snapshot.Value)) {
	name := c.name()
	if name == "" {
		return
	}
	a := snapshot.At(in.Scope, "container", name)
	image := c.ImageName
	if image == "" {
		image = c.Config.Image
	}
	if image != "" {
		add(a.Attr("image"), in.Redact.Line(image))
	}
	if id := strings.TrimPrefix(c.Image, "sha256:"); id != "" {
		add(a.Attr("image_id"), snapshot.String(id))
	}
	for _, variable := range c.Config.Env {
		key, value, ok := strings.Cut(variable, "=")
		if !ok || key == "" || key == "HOSTNAME" || key == "container" || key == "TERM" {
			continue
		}
		add(a.Path("env", key), in.Redact.Scalar(key, value))
	}
}

// name is what stays the same when a container is made anew.
func (c inspected) name() string {
	l := c.Config.Labels
	if l["io.kubernetes.container.name"] != "" {
		return l["io.kubernetes.pod.namespace"] + "/" + l["io.kubernetes.container.name"]
	}
	if l["com.docker.compose.service"] != "" {
		return l["com.docker.compose.project"] + "/" + l["com.docker.compose.service"]
	}
	return strings.TrimPrefix(c.Name, "/")
}
