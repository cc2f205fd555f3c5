package transport

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// SSHOptions names a host, and how ssh is called.
type SSHOptions struct {
	Host string // as ssh takes it: a name, an address, or a Host of ssh_config
	User string // "" leaves it to ssh_config
	Port int    // 0 leaves it to ssh_config
	// Sudo runs the whole program under sudo -n: as root, and without ever giving a password.
	Sudo bool
	// Args are further arguments of ssh: -F FILE for another ssh_config.
	Args []string
	// Program is ssh's path; "" looks for it in PATH.
	Program string
	// Jumps limits how many hosts are connected to at once through the same jump host; nil does not.
	Jumps *Jumps
	// Now is this side's clock, to see how far the host's is from it; nil leaves that out.
	Now func() time.Time

	commandTimeout time.Duration // of one command; tests have no 20 s
}

// ParseSSH reads ssh://[USER@]HOST[:PORT]. Its errors do not quote the URL, which may hold what it should not.
func ParseSSH(raw string) (SSHOptions, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "ssh" || u.Opaque != "" {
		return SSHOptions{}, errors.New("an ssh host is ssh://HOST, ssh://USER@HOST or ssh://USER@HOST:PORT")
	}
	if _, has := u.User.Password(); has {
		return SSHOptions{}, errors.New("an ssh host takes no password: envdiff logs in with your keys and agent, so load the key with ssh-add")
	}
	if strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return SSHOptions{}, errors.New("an ssh host has no path: the whole host is read, and `config:` of its role names the files")
	}
	o := SSHOptions{Host: u.Hostname(), User: u.User.Username()}
	if p := u.Port(); p != "" {
		if o.Port, err = strconv.Atoi(p); err != nil || o.Port < 1 || o.Port > 65535 {
			return SSHOptions{}, errors.New("an ssh host's port is a number from 1 to 65535")
		}
	}
	return o, o.check()
}

// check refuses names that ssh, or a shell that ssh_config's ProxyCommand puts them into, could take for something else.
func (o SSHOptions) check() error {
	if o.Host == "" || strings.HasPrefix(o.Host, "-") || strings.ContainsFunc(o.Host, func(r rune) bool { return !isHostRune(r) }) {
		return errors.New("an ssh host's name may hold letters, digits and . : _ - %, and does not begin with -")
	}
	if strings.HasPrefix(o.User, "-") || strings.ContainsFunc(o.User, func(r rune) bool { return !isHostRune(r) && r != '@' && r != '+' }) {
		return errors.New("an ssh user's name may hold letters, digits and . _ - + @, and does not begin with -")
	}
	return nil
}

func isHostRune(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune(".:_-%", r)
}

// remote serves a host over ssh: one connection, on which one program runs that answers questions.
type remote struct {
	options SSHOptions
	pauses  []time.Duration // before each further attempt to connect
	line    *line
}

// SSH serves a host through the system's own ssh, so that the user's ssh_config, agent, jump hosts and known_hosts hold. Nothing is installed or written there,
// and nobody is asked for anything. It connects when it is first asked, and Want.Sudo has no effect: the options decide.
//
// A Fetch is one connection and a conversation of usually two questions on it: what there is at the places that the wants' patterns lead to, and then
// the contents of the files that match, with the commands. Where links lead elsewhere another question follows. What patterns mean is decided here, by the same walk as
// for a directory tree: no pattern ever reaches the host's shell.
//
// A host that stops answering before the context's deadline gives the sections that were complete by then; the others Failed.
func SSH(o SSHOptions) (Transport, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	o.commandTimeout = CommandTimeout
	return &remote{options: o, pauses: []time.Duration{500 * time.Millisecond, 2 * time.Second}}, nil
}

func (r *remote) Describe() string {
	name := r.options.Host
	if r.options.User != "" {
		name = r.options.User + "@" + name
	}
	if r.options.Port != 0 {
		name += ":" + strconv.Itoa(r.options.Port)
	}
	return "ssh://" + name
}

func (r *remote) Close() error {
	if r.line != nil {
		r.line.close()
		r.line = nil
	}
	return nil
}

// margin is what is left of a deadline to hand over what is there, or a tenth of it.
const margin = time.Second

func (r *remote) Fetch(ctx context.Context, wants []Want) (Sections, error) {
	inner := ctx
	if end, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		inner, cancel = context.WithDeadline(ctx, end.Add(-min(margin, time.Until(end)/10)))
		defer cancel()
	}
	if err := r.connect(inner); err != nil {
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case inner.Err() != nil:
			return nil, fmt.Errorf("%s did not answer in time; try: %s", r.options.Host, r.options.byHand())
		}
		return nil, err
	}
	c := newConversation(r.line, wants, r.options.commandTimeout)
	c.now = r.options.Now
	err := c.run(inner)
	if err == nil {
		return c.sections, nil
	}
	r.line.kill()
	<-r.line.ended
	r.line = nil
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if inner.Err() != nil {
		err = errors.New("it did not answer in time")
	}
	if len(c.sections) == 0 {
		return nil, fmt.Errorf("%s: %w; try: %s", r.options.Host, err, r.options.byHand())
	}
	c.giveUp(err)
	return c.sections, nil
}

// connect makes the connection unless it is there, with a few attempts where another one may succeed.
func (r *remote) connect(ctx context.Context) error {
	if r.line != nil {
		r.line.stream.left = maxTotal
		return nil
	}
	release, err := r.options.Jumps.enter(ctx, r.options)
	if err != nil {
		return err
	}
	defer release()
	for attempt := 0; ; attempt++ {
		r.line, err = r.options.dial(ctx)
		var failed *ConnectError
		if err == nil || !errors.As(err, &failed) || !failed.again || attempt >= len(r.pauses) {
			return err
		}
		select {
		case <-time.After(r.pauses[attempt]):
		case <-ctx.Done():
			return err
		}
	}
}
