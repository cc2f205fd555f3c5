package transport

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// ConnectError says why the program did not come to run on a host, and what to do next.
type ConnectError struct {
	text  string
	again bool // another attempt may succeed
}

func (e *ConnectError) Error() string { return e.text }

// cause is what ssh, sudo or the host's shell say in one case, and what it means. %[1]s is the host, %[2]s the command that connects by hand, %[3]s
// the host as known_hosts names it.
type cause struct {
	words string // on standard error
	text  string
	again bool
}

// changedKey is what ssh says of a host whose key is not the one in known_hosts.
const changedKey = "REMOTE HOST IDENTIFICATION HAS CHANGED"

// causes are in the order in which they are looked for: ssh says several things in some cases. The words are those of OpenSSH 8.4 to 10 and sudo 1.8 to 1.9.
var causes = [...]cause{
	{changedKey, "the host key of %[1]s is not the one in known_hosts: another machine answers, or it was installed anew. Ask who runs it; if the change is meant: ssh-keygen -R '%[3]s', then %[2]s", false},
	{"Host key verification failed", "the host key of %[1]s is not known: compare its fingerprint once by hand with: %[2]s", false},
	{"Could not resolve hostname", "the name %[1]s cannot be resolved: correct it in envdiff.yaml or your ssh_config", false},
	{"Permission denied (", "%[1]s lets none of your keys in (permission denied): load the key with ssh-add, or try by hand: %[2]s", false},
	{"Too many authentication failures", "%[1]s was offered too many keys: name the one to use in your ssh_config (IdentityFile, IdentitiesOnly yes)", false},
	{"sudo: a password is required", "sudo on %[1]s asks for a password, which is never given: allow this user /bin/sh with NOPASSWD in sudoers, or leave out sudo: true", false},
	{"sudo: ", "sudo refuses on %[1]s: allow this user /bin/sh with NOPASSWD in sudoers, or leave out sudo: true", false},
	{"is not in the sudoers file", "sudo refuses on %[1]s: allow this user /bin/sh with NOPASSWD in sudoers, or leave out sudo: true", false},
	{"is not allowed to", "sudo refuses on %[1]s: allow this user /bin/sh with NOPASSWD in sudoers, or leave out sudo: true", false},
	{"Bad configuration option", "ssh cannot read its configuration: correct your ssh_config; see: %[2]s", false},
	{"Bad owner or permissions", "ssh refuses its configuration for its owner or permissions: correct them; see: %[2]s", false},
	{"Connection refused", "%[1]s refuses the connection: does sshd run there, on this port? Try: %[2]s", true},
	{"timed out", "%[1]s does not answer: is it up, and is the way to it open? Try: %[2]s", true},
	{"No route to host", "there is no way to %[1]s (no route to host): is it up? Try: %[2]s", true},
	{"Network is unreachable", "there is no way to %[1]s (network is unreachable): is this machine connected? Try: %[2]s", true},
	{"onnection closed by", "%[1]s closes the connection before anybody is let in: too many connections at once (MaxStartups), or this machine is not welcome. Try: %[2]s", true},
	{"onnection reset by", "%[1]s resets the connection before anybody is let in: too many connections at once (MaxStartups), or this machine is not welcome. Try: %[2]s", true},
	{"kex_exchange_identification", "what answers at %[1]s is no ssh server, or one that closes at once. Try: %[2]s", true},
	{"banner exchange", "what answers at %[1]s is no ssh server. Try: %[2]s", false},
}

// explain makes an error of what was said on standard error.
func (o SSHOptions) explain(said string) *ConnectError {
	for _, c := range causes {
		if strings.Contains(said, c.words) {
			return &ConnectError{text: fmt.Sprintf(c.text, o.Host, o.byHand(), o.known()), again: c.again}
		}
	}
	text := o.Host + " let us in, but its login shell did not run /bin/sh"
	if last := lastLine(said); last != "" {
		text += " (" + last + ")"
	}
	return &ConnectError{text: text + ": does this user have a shell there? Try: " + o.byHand() + " 'exec /bin/sh -c true'"}
}

// byHand is the command that connects to the host, for people.
func (o SSHOptions) byHand() string {
	words := []string{"ssh"}
	if o.Port != 0 {
		words = append(words, "-p", strconv.Itoa(o.Port))
	}
	if o.User != "" {
		return strings.Join(append(words, o.User+"@"+o.Host), " ")
	}
	return strings.Join(append(words, o.Host), " ")
}

// known is how known_hosts names the host.
func (o SSHOptions) known() string {
	if o.Port == 0 || o.Port == 22 {
		return o.Host
	}
	return "[" + o.Host + "]:" + strconv.Itoa(o.Port)
}

// lastLine is the last line that was said, shortened and without control characters.
func lastLine(said string) string {
	lines := strings.Split(strings.TrimSpace(said), "\n")
	line := strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, strings.TrimSpace(lines[len(lines)-1]))
	if runes := []rune(line); len(runes) > 120 {
		line = string(runes[:120]) + "…"
	}
	return line
}
