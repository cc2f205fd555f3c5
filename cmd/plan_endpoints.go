package cmd

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"time"

	"github.com/envdiff/envdiff/cmd/config"
	"github.com/envdiff/envdiff/internal/fetch"
	"github.com/envdiff/envdiff/internal/transport"
	"github.com/envdiff/envdiff/snapshot"
)

// endpointType is the type of scopes that are endpoints.
const endpointType = "endpoint"

// endpoints lists the endpoints of an environment that are asked directly; the others go along with their hosts.
func (s *session) endpoints(c *config.Config, name string) []snapshot.DumpTarget {
	env := c.Environments[name]
	var targets []snapshot.DumpTarget
	for _, ep := range slices.Sorted(maps.Keys(env.Endpoints)) {
		loc := env.Endpoints[ep]
		if loc.Via != "" {
			continue
		}
		add := func(instance string, u config.Text) {
			targets = append(targets, snapshot.DumpTarget{Type: endpointType, Scope: ep, Instance: instance, Spec: endpointSpec(c, ep),
				Fetch: func(ctx context.Context) (snapshot.Dump, error) {
					r, err := s.request(c, name, ep, loc, u)
					if err != nil {
						return snapshot.Dump{}, err
					}
					a, err := fetch.Get(ctx, r)
					if errors.Is(err, context.DeadlineExceeded) {
						err = fmt.Errorf("%s gave no whole answer in time", fetch.Display(r.URL))
					}
					return snapshot.Dump{Text: a.Body, MediaType: a.MediaType}, err
				}})
		}
		add(loc.Instance(), loc.URL)
		for _, instance := range slices.Sorted(maps.Keys(loc.Replicas)) {
			add(instance, loc.Replicas[instance])
		}
	}
	return targets
}

func endpointSpec(c *config.Config, name string) snapshot.DumpSpec {
	e := c.Endpoints[name]
	return snapshot.DumpSpec{Format: e.Format, Keys: e.Keys, Metrics: e.Metrics}
}

// request resolves the variables of an endpoint, and reads its ca.
func (s *session) request(c *config.Config, env, name string, loc config.EndpointLocation, u config.Text) (fetch.Request, error) {
	purpose := fmt.Sprintf("the endpoint %s of %s", name, env)
	r := fetch.Request{Headers: map[string]string{}, Insecure: loc.Insecure, Proxy: http.ProxyFromEnvironment}
	var err error
	if r.URL, err = u.Expand(s.lookup, purpose); err != nil {
		return r, err
	}
	for _, header := range slices.Sorted(maps.Keys(loc.Headers)) {
		if r.Headers[header], err = loc.Headers[header].Expand(s.lookup, purpose); err != nil {
			return r, err
		}
	}
	if loc.CA != "" {
		if r.CA, err = os.ReadFile(c.Path(loc.CA)); err != nil {
			return r, fmt.Errorf("%s: the file of ca can not be read: %w", purpose, err)
		}
	}
	return r, r.Check()
}

// hostAsks is how long a host may take for one endpoint: less than a command may, so that it can still say what went wrong.
const hostAsks = transport.CommandTimeout - 5*time.Second

// endpointsVia lists the endpoints that the hosts of a role are asked for. A variable that is not set leaves a want that no host can answer.
func (s *session) endpointsVia(c *config.Config, name, role string) []snapshot.HostDump {
	env := c.Environments[name]
	var dumps []snapshot.HostDump
	for _, ep := range slices.Sorted(maps.Keys(env.Endpoints)) {
		loc := env.Endpoints[ep]
		if loc.Via != role {
			continue
		}
		r, err := s.request(c, name, ep, loc, loc.URL)
		d := snapshot.HostDump{Type: endpointType, Scope: ep, Spec: endpointSpec(c, ep), Want: transport.Want{Command: []string{"true"}, Doc: "the endpoint " + ep},
			Read: func(transport.Section) (snapshot.Dump, error) { return snapshot.Dump{}, err }}
		if err == nil {
			d.Want.Command, d.Want.Input = r.Command(hostAsks)
			d.Want.MaxBytes = fetch.OutputLimit
			d.Read = func(got transport.Section) (snapshot.Dump, error) {
				if err := sectionError(got); err != nil {
					return snapshot.Dump{}, fmt.Errorf("%s, asked on the host: %w", fetch.Display(r.URL), err)
				}
				a, err := fetch.Read(r.URL, got.Output)
				return snapshot.Dump{Text: a.Body, MediaType: a.MediaType}, err
			}
		}
		dumps = append(dumps, d)
	}
	return dumps
}

// sectionError is why a command gave no output, in words.
func sectionError(s transport.Section) error {
	switch {
	case s.Problem == transport.OK:
		return nil
	case s.Detail != "":
		return errors.New(s.Detail)
	}
	return errors.New(string(s.Problem))
}
