package compare

import (
	"strings"

	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/snapshot"
)

// knownNames are names that the configuration and the captured hosts vouch for. A name that is a near miss of one of
// them, and is none itself, is a misspelling wherever it stands.
type knownNames struct {
	known    map[string]bool
	byLength map[int][]string
	memo     map[string]string // token → what it was meant to be
}

// maxMemo bounds the tokens that are remembered.
const maxMemo = 1 << 16

func newKnownNames(sides []Side, opt Options) *knownNames {
	k := &knownNames{known: map[string]bool{}, byLength: map[int][]string{}, memo: map[string]string{}}
	for _, params := range allEnvironments(sides, opt.AllParams) {
		for _, v := range params {
			k.addTokens(v)
		}
	}
	for _, s := range sides {
		for _, params := range s.HostParams {
			for _, v := range params {
				k.addTokens(v)
			}
		}
		for _, sc := range s.Snapshot.Manifest.Scopes {
			for _, instance := range sc.Instances {
				k.addTokens(instance)
			}
		}
	}
	for _, n := range opt.KnownNames {
		k.addTokens(n)
	}
	for n := range k.known {
		k.byLength[len(n)] = append(k.byLength[len(n)], n)
	}
	return k
}

func (k *knownNames) addTokens(text string) {
	for _, token := range hostTokens(text) {
		k.known[token] = true
	}
}

// misspelt is the known name that a name in the value was meant to be, or "". Only host-like names (with a dot and a
// letter) in configuration are looked at.
func (k *knownNames) misspelt(n *node, v snapshot.Value) string {
	if n.kind.Area != finding.AreaConfig && n.kind.Area != finding.AreaEndpoint || n.presence || n.order || len(k.known) == 0 {
		return ""
	}
	json := v.JSON()
	if len(json) > 4096 || !strings.Contains(json, ".") || v.IsSecret() {
		return ""
	}
	for _, item := range v.Items() {
		text, _ := item.Text()
		for _, token := range hostTokens(text) {
			if meant := k.meant(token); meant != "" {
				return meant
			}
		}
	}
	return ""
}

func (k *knownNames) meant(token string) string {
	if k.known[token] {
		return ""
	}
	meant, ok := k.memo[token]
	if ok {
		return meant
	}
	for d := -2; d <= 2; d++ {
		for _, name := range k.byLength[len(token)+d] {
			if (meant == "" || name < meant) && nearHost(token, name) {
				meant = name
			}
		}
	}
	if len(k.memo) < maxMemo {
		k.memo[token] = meant
	}
	return meant
}

// hostTokens are the host-like names in a text: at least five letters, digits, '-' and dots, with a dot and a letter.
func hostTokens(text string) []string {
	var out []string
	for len(text) > 0 {
		end := strings.IndexFunc(text, func(r rune) bool { return r != '.' && r != '-' && !(r < 0x80 && wordByte(byte(r))) })
		if end < 0 {
			end = len(text)
		}
		if t := strings.Trim(text[:end], ".-"); len(t) >= 5 && hostLike(t) {
			out = append(out, t)
		}
		if end < len(text) {
			end++
		}
		text = text[end:]
	}
	return out
}

// hostLike leaves out versions, numbers and file names: a host name's last label is
// letters, and it has at least two more labels.
func hostLike(t string) bool {
	labels := strings.Split(t, ".")
	last := labels[len(labels)-1]
	if len(labels) < 3 || len(last) < 2 || strings.Contains(t, "_") {
		return false
	}
	for _, l := range labels {
		if l == "" {
			return false
		}
	}
	return strings.IndexFunc(last, func(r rune) bool { return r >= '0' && r <= '9' }) < 0
}
