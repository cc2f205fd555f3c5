package sanitize

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"
	neturl "net/url"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/envdiff/envdiff/internal/engine"
)

// claims are what a mask says that it keeps, each as something that two values and their masks show. "" is that it holds.
var claims = map[string]func(c claimed) string{
	KeepsNull: func(c claimed) string {
		if blank(c.v) && !bytes.Equal(c.v, c.mv) {
			return "blanks have changed"
		}
		return ""
	},
	KeepsEquality: func(c claimed) string {
		if !bytes.Equal(c.mv, c.again) {
			return "the same value has two masks"
		}
		return ""
	},
	KeepsUnique: func(c claimed) string {
		if !bytes.Equal(c.v, c.w) && bytes.Equal(c.mv, c.mw) {
			return fmt.Sprintf("%q has the same mask", c.w)
		}
		return ""
	},
	KeepsFold: func(c claimed) string {
		if asciiLower(string(c.lower)) != asciiLower(string(c.mv)) {
			return fmt.Sprintf("in lower case its mask is %q", c.lower)
		}
		return ""
	},
	KeepsLength: func(c claimed) string {
		if len(c.v) != len(c.mv) || utf8.RuneCount(c.v) != utf8.RuneCount(c.mv) {
			return "the length has changed"
		}
		return ""
	},
	KeepsClass: func(c claimed) string {
		if utf8.Valid(c.v) != utf8.Valid(c.mv) || repertoire(c.v) != repertoire(c.mv) {
			return "the repertoire has changed"
		}
		if isASCII(c.v) && !bytes.Equal(classes(c.v), classes(c.mv)) {
			return "a letter, digit or sign has become another kind of character"
		}
		return ""
	},
	KeepsFormat: func(c claimed) string {
		if valid := formats[c.mask]; valid != nil && valid(c.v) && !valid(c.mv) {
			return "it was one of its kind and is none"
		}
		return ""
	},
	KeepsValidity: func(c claimed) string {
		valid := map[string]func([]byte) bool{"card": func(v []byte) bool { return luhnText(string(v)) }, "iban": func(v []byte) bool { return validIBAN(string(v)) }}[c.mask]
		if valid(c.v) != valid(c.mv) {
			return "right check digits are wrong, or wrong ones right"
		}
		return ""
	},
	KeepsSign: func(c claimed) string {
		n, ok := parseNumber(c.v)
		m, still := parseNumber(c.mv)
		if ok && (!still || (c.v[0] == '-') != (c.mv[0] == '-') || n.end-n.from != m.end-m.from || zeroText(c.v) != zeroText(c.mv)) {
			return "it is no number of that sign and size any more"
		}
		return ""
	},
	KeepsOrder: func(c claimed) string {
		d, ok := parseDate(c.v)
		m, still := parseDate(c.mv)
		if ok && d.class == classISO && (!still || m.class != d.class) {
			return "it is no date any more"
		}
		return ""
	},
}

// claimed is a value with its mask, beside another one.
type claimed struct {
	mask                       string
	v, w, mv, mw, again, lower []byte
}

// formats are what "stays one of its kind" means, where a mask has a kind.
var formats = map[string]func([]byte) bool{
	"email": func(v []byte) bool { return !blank(v) && classify(v) == valueEmail },
	"uuid":  isUUID,
	"ip":    func(v []byte) bool { _, err := netip.ParseAddr(string(v)); return err == nil },
	"json":  json.Valid,
	"url": func(v []byte) bool {
		u, err := neturl.Parse(string(v))
		return err == nil && u.Host != "" && isASCII(v)
	},
	"date": isDate, "birth-date": isDate,
}

// repertoire is the widest kind of character in a text: what a column's character set has to hold.
func repertoire(v []byte) int {
	widest := 0
	for _, r := range string(v) {
		switch {
		case r >= 0x10000:
			widest = max(widest, 3)
		case r > 0xff:
			widest = max(widest, 2)
		case r > 0x7f:
			widest = max(widest, 1)
		}
	}
	return widest
}

// classes writes a for letters, 9 for digits, and signs as they are.
func classes(v []byte) []byte {
	out := slices.Clone(v)
	for i, b := range out {
		switch {
		case isLetter(b):
			out[i] = 'a'
		case b >= '0' && b <= '9':
			out[i] = '9'
		}
	}
	return out
}

func zeroText(v []byte) bool { return !bytes.ContainsAny(v, "123456789") }

// FuzzEveryClaimOfEveryMask holds each mask, in each variant that a plan may choose, to everything that the report says it keeps.
func FuzzEveryClaimOfEveryMask(f *testing.F) {
	seeds := []string{"Anna Schmidt", "A.B@C.example", "a.b@c.example", "ÄÖÜ straße", "Ωmega Ж", "\xff\xfe", "  x ", "+49 30 1234567", `{"A":"b"}`, `{"a": [1, null]}`, "2024-02-29", "2023-02-30", "2024-02-29 10:11:12", "ǅ", "https://a.b/c%20", "10.1.2.3",
		"2a00:1450:4001::65", "4111111111111111", "4111 1111 1111 1112", "DE89370400440532013000", "DE88 3704 0044 0532 0130 00", "f81d4fae-7dec-11d0-a765-00a0c91e6bf6", "00:1b:44:11:3a:b7", "-12.50", "0", "007", "😀😀 ok", "", " \t", "52.520008, 13.404954",
		"$2b$12$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy", "5d41402abc4b2a76b9719d911017c592"}
	for i, s := range seeds {
		f.Add(s, seeds[(i+7)%len(seeds)])
		f.Add(s, strings.ToUpper(s))
	}
	key := testKey(f)
	type variant struct {
		name  string
		keeps []string
		c     *column
		again *column
	}
	var variants []variant
	for _, name := range Masks() {
		for _, o := range []maskOptions{unique, faithful, private, {unique: true}} {
			variants = append(variants, variant{fmt.Sprintf("%s %+v", name, o), masks[name].kept(o), newColumn(key, masks[name], name, family{}, o), newColumn(key, masks[name], name, family{}, o)})
		}
	}
	f.Fuzz(func(t *testing.T, v, w string) {
		if len(v) > 200 || len(w) > 200 {
			return
		}
		for _, m := range variants {
			mask := func(c *column, text string) []byte {
				return c.append(nil, engine.Cell{Type: engine.CellText, Data: []byte(text)})
			}
			name, _, _ := strings.Cut(m.name, " ")
			c := claimed{name, []byte(v), []byte(w), mask(m.c, v), mask(m.c, w), mask(m.again, v), mask(m.c, asciiLower(v))}
			for _, claim := range m.keeps {
				if wrong := claims[claim](c); wrong != "" {
					t.Errorf("%s claims to keep %s: %q became %q: %s", m.name, claim, v, c.mv, wrong)
				}
			}
		}
	})
}
