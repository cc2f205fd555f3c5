package transport

import (
	"context"
	"os/exec"
	"strings"
	"sync"
)

// perJump is how many connections are made at once through one jump host. sshd drops some beyond ten that are not let in yet
// (MaxStartups 10:30:100, sshd_config(5)).
const perJump = 4

// Jumps limits how many connections are made at once through each jump host of ssh_config. Its zero value is ready.
type Jumps struct {
	mutex sync.Mutex
	held  map[string]chan struct{}
}

// enter waits for a place at the host's jump host, if it has one. The caller releases it when it is connected.
func (j *Jumps) enter(ctx context.Context, o SSHOptions) (release func(), err error) {
	via := ""
	if j != nil {
		via = o.jumpHost(ctx)
	}
	if via == "" {
		return func() {}, nil
	}
	j.mutex.Lock()
	if j.held == nil {
		j.held = map[string]chan struct{}{}
	}
	places := j.held[via]
	if places == nil {
		places = make(chan struct{}, perJump)
		j.held[via] = places
	}
	j.mutex.Unlock()
	select {
	case places <- struct{}{}:
		return func() { <-places }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// jumpHost asks ssh what its configuration says of the host: its ProxyJump, or "". What is wrong with the configuration shows when connecting.
func (o SSHOptions) jumpHost(ctx context.Context) string {
	name := o.Program
	if name == "" {
		name = "ssh"
	}
	args := append([]string{"-G"}, o.arguments()...)
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.WaitDelay = closing
	out, err := cmd.Output()
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(out)) {
		if via, ok := strings.CutPrefix(strings.TrimSpace(line), "proxyjump "); ok && via != "none" {
			return via
		}
	}
	return ""
}
