// Package mmm asks the monitor of an MMM cluster (MySQL Multi-Master Replication Manager) what it believes of its
// hosts. Its answer is a claim: the monitor waits for its agents without a deadline, takes a replica that only connects
// for a running one and an unknown lag for none. What the hosts say themselves is the truth that it is compared with.
package mmm

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"regexp"
	"strings"
	"time"
)

// Status is an answer to `mmm_control show`.
type Status struct {
	Hosts    []Host
	Passive  bool     // the monitor only watches: somebody has to decide
	Warnings []string // lines that begin with #
}

// Host is one line of the answer.
type Host struct {
	Name, Address string
	Mode          string   // master or slave
	State         string   // ONLINE, ADMIN_OFFLINE, HARD_OFFLINE, AWAITING_RECOVERY, REPLICATION_DELAY, REPLICATION_FAIL
	Roles         []string // writer(192.0.2.50)
}

// Writer reports that the monitor has given the host the writer role.
func (h Host) Writer() bool {
	for _, r := range h.Roles {
		if name, _, _ := strings.Cut(r, "("); name == "writer" {
			return true
		}
	}
	return false
}

// maxAnswer bounds an answer: a line is about 100 bytes.
const maxAnswer = 1 << 20

// deadline bounds the whole conversation, whatever time the caller has.
const deadline = 5 * time.Second

// Ask sends `show` to a monitor at HOST:PORT, 9988 where the port is left out. It always returns within 5 seconds. The
// error says what to do, and repeats nothing of the answer.
func Ask(ctx context.Context, address string) (Status, error) {
	if _, _, err := net.SplitHostPort(address); err != nil {
		address = net.JoinHostPort(strings.Trim(address, "[]"), "9988")
	}
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		if ctx.Err() != nil {
			return Status{}, late(address)
		}
		return Status{}, fmt.Errorf("the MMM monitor at %s cannot be reached: is mmm_mond running, and does it listen on this address?", address)
	}
	defer conn.Close()
	// Closing is what ends a read or write that hangs.
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	if _, err = io.WriteString(conn, "show\nquit\n"); err != nil {
		return Status{}, failed(ctx, address)
	}
	text, err := io.ReadAll(io.LimitReader(conn, maxAnswer+1))
	switch {
	case err != nil:
		return Status{}, failed(ctx, address)
	case len(text) > maxAnswer:
		return Status{}, fmt.Errorf("what answers at %s is no MMM monitor: its answer does not end", address)
	}
	s, err := Parse(string(text))
	if err != nil {
		return Status{}, fmt.Errorf("the MMM monitor at %s: %w", address, err)
	}
	return s, nil
}

func late(address string) error {
	return fmt.Errorf("the MMM monitor at %s did not answer within %s: one of its agents probably hangs", address, deadline)
}

func failed(ctx context.Context, address string) error {
	if ctx.Err() != nil {
		return late(address)
	}
	return fmt.Errorf("the MMM monitor at %s closed the connection without an answer", address)
}

// hostLine is a line of `show`; version 1 printed a colon after the address.
var hostLine = regexp.MustCompile(`^\s*([^\s(]+)\(([^)\s]*)\):?\s+(master|slave)/([A-Z_]+)\.\s+Roles:\s*(.*?)\s*$`)

// Parse reads the text of `show`. A text without any host is an error, so is one that says ERROR:
// mmm_control itself ends with status 0 then.
func Parse(text string) (Status, error) {
	var s Status
	for line := range strings.Lines(text) {
		line = strings.TrimRight(strings.ToValidUTF8(line, "\uFFFD"), "\r\n")
		bare := strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(bare, "ERROR"):
			return Status{}, errors.New("it answered with an error; mmm_control show prints it")
		case strings.HasPrefix(bare, "#"):
			s.Passive = s.Passive || strings.Contains(bare, "PASSIVE MODE")
			s.Warnings = append(s.Warnings, strings.TrimSpace(strings.Trim(bare, "# ")))
		default:
			if m := hostLine.FindStringSubmatch(line); m != nil {
				s.Hosts = append(s.Hosts, Host{Name: m[1], Address: m[2], Mode: m[3], State: m[4], Roles: roles(m[5])})
			}
		}
	}
	if len(s.Hosts) == 0 {
		return Status{}, errors.New("its answer names no host; is this the port of mmm_mond?")
	}
	return s, nil
}

// roles splits "writer(192.0.2.50), reader(192.0.2.51)". Version 1 wrote "reader(192.0.2.51;)" and "None".
func roles(text string) []string {
	var out []string
	for _, r := range strings.Split(text, ",") {
		r = strings.ReplaceAll(strings.TrimSpace(r), ";)", ")")
		if r != "" && r != "None" {
			out = append(out, r)
		}
	}
	return out
}
