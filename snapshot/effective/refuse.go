package effective

import (
	"regexp"
	"strings"

	"github.com/envdiff/envdiff/snapshot"
)

// refusal is why a program does not take its configuration, in words that hold nothing of it but names, and where.
type refusal struct {
	reason string
	place  string // FILE:LINE, FILE or ""
}

// refused tells a configuration that its program does not take.
func (p *parser) refused(object string, r refusal) {
	p.r.Add(p.at(object).Attr("refused"), snapshot.String(p.in.Redact.Text(r.reason)), r.place)
}

// unasked tells a program that could not be asked.
func (p *parser) unasked(command string) { p.note(command + " cannot be run by this user") }

func (p *parser) note(detail string) {
	p.r.Notes = append(p.r.Notes, snapshot.Note{Scope: p.in.Scope, Kind: "effective configuration", Count: 1, Detail: detail})
}

// What programs say of their files. The words that they quote may be anything that stands there, so of those only ones that look like names are passed on.
var (
	nginxPlace = regexp.MustCompile(` in (/[^"\n]{1,300}:\d+)$`)
	nginxSays  = regexp.MustCompile(`^(?:unknown directive "[A-Za-z_][A-Za-z0-9_]{0,40}"|unexpected "[{};]"|unexpected end of file, expecting "[{};]"(?: or "[{};]")?|` +
		`directive "[a-z0-9_]{1,40}" (?:has no opening "\{"|is not terminated by ";")|invalid number of arguments in "[a-z0-9_]{1,40}" directive|` +
		`"[a-z0-9_]{1,40}" directive (?:is not allowed here|is duplicate)|a duplicate (?:listen|default server|location|upstream)|host not found in (?:upstream|resolver)|` +
		`open\(\) "/[^"]{1,300}" failed \(2: No such file or directory\)|unknown "[a-z0-9_]{1,40}" variable|the size \S+ of shared memory|dlopen\(\) "/[^"]{1,300}" failed)`)
	nginxCertificate = regexp.MustCompile(`cannot load certificate(?: key)? "(/[^"]{1,300})": .*No such file or directory`)
	nginxTooSmall    = regexp.MustCompile(`^could not build [a-z_ ]{1,60}, you should increase [a-z_]{1,60}`)
	sshdPlace        = regexp.MustCompile(`(?m)^(/[^:\n]{1,300})(?:: | )line (\d+): ?(Bad configuration option: [A-Za-z]{1,40}$|[Mm]issing argument|no argument after keyword|[Bb]ad [a-z ]{1,40}|[Uu]nsupported option)?`)
	mysqldPlace      = regexp.MustCompile(`(?m)(Found option without preceding group|Wrong group definition) in config file:? '?(/[^'\n]{1,300}?)'?,? at line:? (\d+)`)
	phpPlace         = regexp.MustCompile(`(?m)^PHP:\s+syntax error,.* in (/[^\n]{1,300}) on line (\d+)$`)
)

// nginxRefuses reads what nginx -t says: the first line of [emerg]. Once it has found the syntax right, what fails is only that it was asked as a user who may make no files.
func nginxRefuses(said string) (refusal, bool) {
	if strings.Contains(said, " syntax is ok\n") {
		return refusal{}, false
	}
	for line := range strings.Lines(said) {
		_, text, ok := strings.Cut(strings.TrimRight(line, "\r\n"), "[emerg] ")
		if !ok {
			continue
		}
		if _, after, ok := strings.Cut(text, ": "); ok { // PID#TID
			text = after
		}
		if m := nginxCertificate.FindStringSubmatch(text); m != nil {
			return refusal{reason: "the certificate or key " + m[1] + " is not there"}, true
		}
		if m := nginxTooSmall.FindString(text); m != "" {
			return refusal{reason: m}, true
		}
		m := nginxPlace.FindStringSubmatch(text)
		if m == nil || strings.Contains(text, "(13: Permission denied)") || strings.Contains(text, "(1: Operation not permitted)") {
			return refusal{}, false // something that root may and this user may not: nothing is known to be wrong
		}
		reason := nginxSays.FindString(text)
		if reason == "" {
			reason = "an argument that it does not take"
		}
		return refusal{reason, m[1]}, true
	}
	return refusal{}, false
}

// sshdRefuses reads what sshd -T says where it fails.
func sshdRefuses(said string) (refusal, bool) {
	m := sshdPlace.FindStringSubmatch(said)
	switch {
	case m != nil && m[3] != "":
		return refusal{m[3], m[1] + ":" + m[2]}, true
	case m != nil:
		return refusal{"an argument that it does not take", m[1] + ":" + m[2]}, true
	}
	return refusal{reason: "bad configuration options"}, strings.Contains(said, "bad configuration options")
}

// mysqldRefuses reads what my_print_defaults says where it fails.
func mysqldRefuses(said string) (refusal, bool) {
	if m := mysqldPlace.FindStringSubmatch(said); m != nil {
		return refusal{m[1], m[2] + ":" + m[3]}, true
	}
	return refusal{}, false
}

// phpRefuses reads what php -i says beside its answer: PHP starts nevertheless, without the rest of the file.
func phpRefuses(said string) (refusal, bool) {
	if m := phpPlace.FindStringSubmatch(said); m != nil {
		return refusal{"syntax error: PHP leaves out the rest of the file", m[1] + ":" + m[2]}, true
	}
	return refusal{}, false
}
