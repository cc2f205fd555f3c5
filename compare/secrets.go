package compare

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/internal/keys"
	"github.com/envdiff/envdiff/snapshot"
)

// holdsSecret reports whether a value is, lists or embeds the digest of a secret.
func holdsSecret(json string) bool {
	return strings.Contains(json, `{"secret":"`) || strings.Contains(json, "‹secret:")
}

// holdsContent reports whether a value is the digest of something that is compared as a whole.
func holdsContent(json string) bool { return strings.Contains(json, "‹content:") }

var digestPattern = regexp.MustCompile(`\{"secret":"([0-9a-f]+)"\}|‹secret:([0-9a-f]+)›`)

// maskedKey is what a group is compared by across environments: their secrets are meant to differ.
func maskedKey(g *group) string { return digestPattern.ReplaceAllString(g.key, "‹secret›") }

// digests are the secrets in a value.
func digests(json string) []string {
	if !holdsSecret(json) {
		return nil
	}
	var out []string
	for _, m := range digestPattern.FindAllStringSubmatch(json, -1) {
		out = append(out, m[1]+m[2])
	}
	return out
}

// onlySecretsDiffer reports that all values of a difference are equal but for the secrets in them.
func (d *difference) onlySecretsDiffer() bool {
	masked := map[string]bool{}
	for _, s := range d.shares {
		if s.absent || !holdsSecret(s.groups[0].raw) {
			return false
		}
		masked[maskedKey(&s.groups[0])] = true
	}
	return len(masked) == 1
}

// sharedSecret finds sides of different environments that hold the same secret at a node. Sides whose secrets were
// redacted with different keys are noted as not comparable.
func (c *comparison) sharedSecret(shares [][]share) []int {
	holders := map[string][]int{}
	for i := range shares {
		seen := map[string]bool{}
		for _, s := range shares[i] {
			for _, g := range s.groups {
				for _, d := range digests(g.raw) {
					d = c.sides[i].Snapshot.Manifest.RedactKey + "/" + d
					if !seen[d] {
						seen[d] = true
						holders[d] = append(holders[d], i)
					}
				}
			}
		}
	}
	var best []int
	for _, digest := range slices.Sorted(maps.Keys(holders)) {
		sides := holders[digest]
		environments := map[string]bool{}
		for _, i := range sides {
			environments[environmentOf(c.sides[i])] = true
		}
		if len(environments) > 1 && len(sides) > len(best) {
			best = sides
		}
	}
	return best
}

// noteKeys records the first address at which secrets or row digests of two sides cannot
// be compared, because their keys differ.
func (c *comparison) noteKeys(a snapshot.Address, sides []int) bool {
	first := c.sides[sides[0]].Snapshot.Manifest.RedactKey
	for _, i := range sides[1:] {
		key := c.sides[i].Snapshot.Manifest.RedactKey
		if key == first {
			continue
		}
		if !c.keysNoted {
			c.keysNoted = true
			c.extraGaps = append(c.extraGaps, finding.Gap{
				Environment: c.sides[i].Name, Address: a.String(),
				Reason: "digests of secrets, files and rows are not comparable with " + c.sides[sides[0]].Name + ": they were redacted with different keys (" +
					keyName(first) + ", " + keyName(key) + ")",
				Hint: "capture both with the same `keys: redact:` in envdiff.yaml",
			})
		}
		return true
	}
	return false
}

func keyName(id string) string {
	if id == "" {
		return "none"
	}
	return id
}

// secretNames decides by its name whether a key holds a secret; the redactor's own rules, which need no key.
var secretNames = snapshot.NewRedactor(keys.Key{}, nil)

// guessable are the placeholders that anybody can guess. Templates (${VAR}) and
// words that switch a secret off are none.
var guessable = regexp.MustCompile(`(?i)^(change|replace|your|insert|put|enter|todo|fixme|tbd|dummy|placeholder|example|sample|default|password|passwd|passphrase|secret|token|x+$|0+$|1?23456|<)`)

// guessablePlaceholder reports whether the value at a key is a placeholder where a secret should be.
func guessablePlaceholder(n *node, v snapshot.Value) bool {
	if n.kind.Area != finding.AreaConfig && n.kind.Area != finding.AreaEndpoint || n.presence || !n.namesSecret() {
		return false
	}
	text, ok := v.Text()
	return ok && text != "" && len(text) <= 60 && guessable.MatchString(strings.Trim(text, `"' `)) && snapshot.IsPlaceholder(text)
}

// namesSecret reports whether the node's key is one of a secret; it is asked of every value, so the answer is kept.
func (n *node) namesSecret() bool {
	if n.secret == 0 {
		n.secret = 1
		if secretNames.IsSecretName(snapshot.Unescape(attributeOf(n.key))) {
			n.secret = 2
		}
	}
	return n.secret == 2
}
