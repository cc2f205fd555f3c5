package config

import (
	"strings"

	"github.com/envdiff/envdiff/snapshot"
)

// parseCollectd reads collectd.conf(5): blocks by their name and argument, so that a curl_json URL and each Key of it have addresses of their own
// (Plugin.curl_json.URL.http://….Key.a/*/b.Type). Keys that repeat are sets, but for the rules of filter chains, which are tried in order.
func parseCollectd(src []byte) ([]entry, error) {
	var c collected
	type block struct {
		name string
		path []string
	}
	var open []block
	path := func() []string {
		if len(open) == 0 {
			return nil
		}
		return open[len(open)-1].path
	}
	for _, l := range joined(lines(src), "#") {
		text := l.text
		if name, ok := strings.CutPrefix(text, "</"); ok {
			name = strings.TrimSpace(strings.TrimSuffix(name, ">"))
			if len(open) == 0 || !strings.EqualFold(name, open[len(open)-1].name) {
				return nil, errAt(l.no, "a block that is not open is closed")
			}
			open = open[:len(open)-1]
			continue
		}
		inner, opens := strings.CutPrefix(text, "<")
		if opens {
			var closed bool
			if inner, closed = strings.CutSuffix(inner, ">"); !closed {
				return nil, errAt(l.no, "a block has no >")
			}
		}
		words, ok := haproxyWords(inner)
		if !ok || len(words) == 0 || !plainKey(words[0]) {
			return nil, errAt(l.no, "no option, or a quote that is not closed")
		}
		key := collectdKey(words[0])
		switch {
		case opens && key == "LoadPlugin" && len(words) > 1: // the block's options are of the plugin's loading
			c.add(l.no, set, snapshot.String(words[1]), "LoadPlugin")
			open = append(open, block{words[0], []string{"LoadPlugin " + words[1]}})
		case opens:
			at := append(append([]string{}, path()...), key)
			if len(words) > 1 {
				at = append(at, strings.Join(words[1:], " "))
			}
			if len(open) > maxBlocks {
				return nil, errAt(l.no, "blocks are nested too deep")
			}
			open = append(open, block{words[0], at})
		default:
			r := set
			if len(open) > 0 && strings.EqualFold(open[0].name, "Chain") {
				r = list
			}
			v := snapshot.Bool(true)
			if len(words) == 2 {
				v = coreScalar(words[1])
			} else if len(words) > 2 {
				v = snapshot.String(strings.Join(words[1:], " "))
			}
			c.add(l.no, r, v, append(append([]string{}, path()...), key)...)
		}
	}
	if len(open) > 0 {
		return nil, errAt(0, "a block is not closed")
	}
	return c.entries()
}

// maxBlocks bounds the nesting of blocks.
const maxBlocks = 32

// collectdKey spells the names that decide about addresses as the manual does; collectd takes any case of them.
func collectdKey(name string) string {
	for _, known := range []string{"LoadPlugin", "Plugin", "URL", "Key", "Sock", "Instance", "Type", "Chain", "Rule", "Match", "Target", "Node", "View", "Database", "Query", "Module"} {
		if strings.EqualFold(name, known) {
			return known
		}
	}
	return name
}
