package fetch

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

//go:embed host.sh
var hostProgram string

// Command is the same request as a command for a host, which uses what it has: curl, or wget. input is its standard input: the URL
// and the headers stand there, so that no list of processes shows them. A CA of ours is of no use there: the host trusts whom it trusts.
func (r Request) Command(limit time.Duration) (argv []string, input string) {
	var b strings.Builder
	fmt.Fprintf(&b, "url = %s\n", curlQuote(r.URL))
	for _, name := range slices.Sorted(maps.Keys(r.Headers)) {
		fmt.Fprintf(&b, "header = %s\n", curlQuote(name+": "+r.Headers[name]))
	}
	mode, protocols := "verify", "http,https"
	if r.Insecure {
		mode = "insecure"
	}
	if strings.HasPrefix(strings.ToLower(r.URL), "https:") {
		protocols = "https"
	}
	seconds := strconv.Itoa(max(1, int(limit/time.Second)))
	return []string{"sh", "-c", hostProgram, "sh", seconds, strconv.Itoa(MaxRedirects), protocols, mode, strconv.Itoa(len(r.Headers))}, b.String()
}

// curlQuote writes a parameter of curl's configuration file.
func curlQuote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// OutputLimit is how much the command may print.
const OutputLimit = MaxBytes + 4096

// Read understands what the command has printed.
func Read(raw string, output []byte) (Answer, error) {
	at := Display(raw)
	text, last, ok := cutLastLine(output, "envdiff ")
	tool, exit, said := strings.Cut(last, " ")
	if !ok || !said {
		return Answer{}, fmt.Errorf("%s: the host did not answer with what was asked for", at)
	}
	if exit != "0" {
		return Answer{}, fmt.Errorf("%s, asked on the host: %w", at, toolError(tool, exit))
	}
	body, status, ok := cutLastLine(text, "envdiff-http ")
	if !ok {
		return Answer{}, fmt.Errorf("%s: the host did not answer with what was asked for", at)
	}
	code, contentType, _ := strings.Cut(status, " ")
	if n, err := strconv.Atoi(code); err == nil && n != 200 && n != 0 { // wget fails by itself
		return Answer{}, statusError(raw, n)
	}
	return answer(raw, body, contentType)
}

// cutLastLine takes the last line, which begins with a mark, off a text.
func cutLastLine(text []byte, mark string) (rest []byte, line string, ok bool) {
	text = bytes.TrimSuffix(text, []byte("\n"))
	at := bytes.LastIndexByte(text, '\n')
	if at < 0 || !bytes.HasPrefix(text[at+1:], []byte(mark)) {
		return text, "", false
	}
	return text[:at], string(text[at+1+len(mark):]), true
}

// errNoTool is a host that can not ask.
var errNoTool = errors.New("it has neither curl nor a wget that can do this: install curl there, or ask directly, without via")

// toolError says what an exit status of curl (its manual, "Exit codes") or GNU wget ("Exit Status") means.
func toolError(tool, status string) error {
	if tool == "none" {
		return errNoTool
	}
	texts := map[string]string{
		"curl 5": "the proxy's name does not resolve", "curl 6": "the name does not resolve", "curl 7": "it cannot be connected to", "curl 18": "the answer is not whole",
		"curl 28": "there was no whole answer in time", "curl 35": "TLS fails", "curl 47": errRedirects.Error(), "curl 1": errScheme.Error(), "curl 51": "its certificate is for another name",
		"curl 23": "it answers more than is read", "curl 52": "it ends the connection without an answer", "curl 56": "the connection breaks", "curl 63": fmt.Sprintf("it answers more than %d MiB", MaxBytes>>20),
		"curl 60": "its certificate is of an authority that the host does not know, or for another name: install the authority there, or set insecure: true",
		"wget 4":  "it cannot be connected to", "wget 5": "its certificate is not one that the host trusts", "wget 8": "it answers with an error", "wget 124": "there was no whole answer in time", "wget 143": "there was no whole answer in time",
	}
	if text, ok := texts[tool+" "+status]; ok {
		return errors.New(text)
	}
	return fmt.Errorf("%s fails with exit status %s", tool, status)
}
