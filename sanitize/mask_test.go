package sanitize

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/keys"
)

// testKey is fixed, so that a failure is the same on every machine.
func testKey(t testing.TB) keys.Key {
	t.Helper()
	k, err := keys.Parse(base64.StdEncoding.EncodeToString([]byte("a test key of thirty-two bytes..")))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func testColumn(t testing.TB, maskName string, o maskOptions) *column {
	t.Helper()
	m, ok := masks[maskName]
	if !ok {
		t.Fatalf("no mask %q", maskName)
	}
	return newColumn(testKey(t), m, maskName, family{}, o)
}

func (c *column) text(v string) string {
	return string(c.append(nil, engine.Cell{Type: engine.CellText, Data: []byte(v)}))
}

func (c *column) integer(v string) string {
	return string(c.append(nil, engine.Cell{Type: engine.CellInteger, Data: []byte(v)}))
}

var (
	faithful = maskOptions{faithful: true}
	unique   = maskOptions{unique: true, faithful: true}
	private  = maskOptions{}
)

// TestKeptTextReachesNobody: addresses and numbers inside a text of a copy that is kept lead nowhere; those of a rehearsal's copy are permuted like
// everything else.
func TestKeptTextReachesNobody(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"write to Anna.Schmidt@Mail.example.org, or <B@C.DE>. 3@4 is 12", `^[a-z]{5} [a-z]{2} [A-Z][a-z]{3}\.[A-Z][a-z]{6}@[A-Z][a-z]{3}\.[a-z]{3}\.invalid, [a-z]{2} <[A-Z]@[A-Z]\.ZZ>\. \d@\d [a-z]{2} \d\d$`},
		{"a@b is none, x@y.z1.com- and jo@gmx.net", `^[a-z]@[a-z] [a-z]{2} [a-z]{4}, [a-z]@[a-z]\.[a-z]\d\.alt- [a-z]{3} [a-z]{2}@[a-z]{3}\.alt$`},
		{"x@y.info or x@y.Co, a@b.museum", `^[a-z]@[a-z]\.test [a-z]{2} [a-z]@[a-z]\.Zz, [a-z]@[a-z]\.zzzzzz$`},
		{"mail jo.lee@gmx.net.", `^[a-z]{4} [a-z]{2}\.[a-z]@[a-z]\.invalid\.$`},
		{"an IDN: someone@münchen.de", `@[^@.]*\.(invalid|zz)$`},
		{"call 0170 1234567 or +49 (0)170 1234567, (212) 736-5000", `^[a-z]{4} 0\d\d\d 5550 1\d\d [a-z]{2} \+99 \(9\)\d{3} \d{7}, \(\d{3}\) 555-01\d\d$`},
		{"0170 1234567 030 7654321", `^0\d\d\d 55501\d\d 0\d\d 55501\d\d$`},
		{"+49 170 1234567 on 12.05.", `^\+99 9\d\d \d{7} [a-z]{2} \d\d\.\d\d\.$`},
		{"on 2024-05-12 from 10.1.2.3: 1.234.567,00 EUR, x0170123456789", `^[a-z]{2} \d{4}-\d\d-\d\d [a-z]{4} \d\d\.\d\.\d\.\d: \d\.\d{3}\.\d{3},\d\d [A-Z]{3}, [a-z]\d{13}$`},
	} {
		got := testColumn(t, "text", private).text(c.text)
		if len(got) != len(c.text) || !regexp.MustCompile(strings.ReplaceAll(c.want, "5550 1", "555 ?01 ?")).MatchString(got) && !regexp.MustCompile(c.want).MatchString(got) {
			t.Errorf("%s became %s", c.text, got)
		}
	}
	if got := testColumn(t, "text", faithful).text("a@bc.org"); strings.HasSuffix(got, ".alt") {
		t.Errorf("a faithful mask lost letters: %s", got)
	}
	for _, c := range []struct {
		text  string
		valid bool
	}{
		{"card 4111 1111 0000 1119 05/27 ok", false}, {"card 4111 1111 1111 1111 05/27 ok", true}, {"cards 4111-1111-1111-1111, fine", true},
	} {
		got := testColumn(t, "text", private).text(c.text)
		number := regexp.MustCompile(`(\d{4}[ -]){3}\d{4}`).FindString(got)
		if luhnText(number) != c.valid && c.valid || number == "" || strings.Contains(c.text, number) {
			t.Errorf("%s became %s", c.text, got)
		}
	}
	for _, text := range []string{"IBAN: DE89 3704 0044 0532 0130 00 and more", "to de89370400440532013000, soon"} {
		got := testColumn(t, "text", private).text(text)
		if number := regexp.MustCompile(`(?i)DE\d\d[\d ]+\d`).FindString(got); !validIBAN(number) || strings.Contains(text, number) {
			t.Errorf("%s became %s", text, got)
		}
	}
}

func TestMaskedValuesKeepWhatTheirMaskPromises(t *testing.T) {
	for _, c := range []struct {
		name, mask, value string
		want              func(masked string) bool
	}{
		{"an address stays one and ends in .invalid", "email", "Anna.Schmidt@Mail.example", func(m string) bool {
			return emailAt([]byte(m)) == 12 && strings.HasSuffix(m, ".invalid") && m[0] >= 'A' && m[0] <= 'Z' && m[1] >= 'a' && m[4] == '.'
		}},
		{"a broken address stays broken", "email", "anna.schmidt.example", func(m string) bool { return emailAt([]byte(m)) < 0 && len(m) == 20 }},
		{"blanks around an address stay", "email", "  a@b.example ", func(m string) bool { return strings.HasPrefix(m, "  ") && strings.HasSuffix(m, ".invalid ") }},
		{"a name keeps its words and case", "name", "Jürgen van der Berg", func(m string) bool {
			return utf8.RuneCountInString(m) == 19 && len(m) == 20 && m[:1] == strings.ToUpper(m[:1]) && strings.Count(m, " ") == 3
		}},
		{"an international number gets the unassigned country code", "phone", "+49 170 1234567", func(m string) bool { return strings.HasPrefix(m, "+99 9") && len(m) == 15 }},
		{"a national number ends in 555-01xx", "phone", "(212) 736-5000", func(m string) bool { return strings.Contains(m, ") 555-01") && len(m) == 14 }},
		{"a valid card stays valid", "card", "4111 1111 1111 1111", luhnText},
		{"an invalid card stays invalid", "card", "4111 1111 1111 1112", func(m string) bool { return !luhnText(m) && len(m) == 19 }},
		{"a valid IBAN stays valid", "iban", "DE89 3704 0044 0532 0130 00", validIBAN},
		{"an invalid IBAN stays invalid", "iban", "DE88 3704 0044 0532 0130 00", func(m string) bool { return !validIBAN(m) && m[:2] == "DE" }},
		{"a date stays a date within 512 days", "date", "1987-05-12", func(m string) bool { d, ok := parseDate([]byte(m)); return ok && d.class == classISO }},
		{"midnight stays", "date", "2024-02-29 00:00:00", func(m string) bool { return strings.HasSuffix(m, " 00:00:00") }},
		{"a time moves", "date", "2024-02-29T12:34:56.5Z", func(m string) bool {
			return !strings.Contains(m, "12:34:56") && strings.HasSuffix(m, "Z") && len(m) == 22
		}},
		{"an impossible date stays impossible", "date", "2023-02-30", func(m string) bool { _, ok := parseDate([]byte(m)); return !ok }},
		{"a date without a day stays one", "date", "1987-05-00", func(m string) bool {
			return partialDate([]byte(m)) == 10 && m != "1987-05-00" && m[5:7] != "00" && m[8:] == "00"
		}},
		{"a year alone stays one", "date", "1987-00-00 00:00:00", func(m string) bool { return m[:3] == "198" && m[3] != '7' && m[4:] == "-00-00 00:00:00" }},
		{"before Christ is no data", "date", "0044-03-15 BC", func(m string) bool { return m == "0044-03-15 BC" }},
		{"the year 10000 is no data", "date", "10000-01-01 00:00:00", func(m string) bool { return m == "10000-01-01 00:00:00" }},
		{"forever stays", "date", "9999-12-31", func(m string) bool { return m == "9999-12-31" }},
		{"an address of the internet is never routed", "ip", "93.184.216.34", func(m string) bool { a, err := netip.ParseAddr(m); return err == nil && a.As4()[0] >= 240 }},
		{"an IPv6 address is documentation", "ip", "2a00:1450:4001::65", func(m string) bool { return strings.HasPrefix(m, "2001:db8:") }},
		{"a MAC keeps its flags", "mac", "00:1B:44:11:3A:B7", func(m string) bool { return isMAC([]byte(m)) && m[1] == '0' }},
		{"a UUID keeps version and variant", "uuid", "f81d4fae-7dec-11d0-a765-00a0c91e6bf6", func(m string) bool { return isUUID([]byte(m)) && m[14] == '1' && m[19] == 'a' }},
		{"a URL keeps scheme, port and escapes", "url", "https://shop.example:8443/u/anna%20s?x=1#top", func(m string) bool {
			return strings.HasPrefix(m, "https://") && strings.Contains(m, ".invalid:8443/") && strings.Contains(m, "%20")
		}},
		{"a bcrypt hash keeps algorithm and cost", "hash", "$2b$12$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy", func(m string) bool { return strings.HasPrefix(m, "$2b$12$") && len(m) == 60 }},
		{"a hexadecimal digest stays one", "hash", "5d41402abc4b2a76b9719d911017c592", func(m string) bool { return isHex([]byte(m)) && len(m) == 32 }},
		{"a coordinate keeps its tens", "geo", "52.520008, 13.404954", func(m string) bool { return m[0] == '5' && strings.Contains(m, ", 1") && len(m) == 20 }},
		{"a number keeps sign and size", "number", "-1204.50", func(m string) bool { return len(m) == 8 && m[0] == '-' && m[5] == '.' && m[1] != '0' && m[7] == '0' }},
		{"zero stays", "number", "0", func(m string) bool { return m == "0" }},
		{"JSON stays JSON and keeps its keys", "json", `{"name": "Anna Schmidt", "tags": ["a\u00e9b", true, null, 12.5], "e@x.example": 1}`, func(m string) bool {
			return json.Valid([]byte(m)) && strings.Contains(m, `"name": `) && !strings.Contains(m, "Anna") && strings.Contains(m, "true, null") && strings.Contains(m, `\u00`) && !strings.Contains(m, "e@x")
		}},
		{"broken JSON stays broken", "json", `{"name": "Anna`, func(m string) bool { return !json.Valid([]byte(m)) }},
		{"Cyrillic stays Cyrillic", "text", "Москва", func(m string) bool { return len(m) == 12 && m != "Москва" && m[0] >= 0xd0 && m[0] <= 0xd3 }},
		{"Chinese stays Chinese", "text", "北京市朝阳区", func(m string) bool { return len(m) == 18 && m != "北京市朝阳区" }},
		{"emoji stay four bytes", "text", "😀😀 ok", func(m string) bool { return len(m) == 11 && utf8.ValidString(m) }},
		{"Latin-1 in UTF-8 stays invalid", "text", "M\xfcller", func(m string) bool { return !utf8.ValidString(m) && len(m) == 6 }},
		{"punctuation alone changes too", "text", "?!?!--..", func(m string) bool { return m != "?!?!--.." && len(m) == 8 }},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, o := range []maskOptions{faithful, private} {
				if m := testColumn(t, c.mask, o).text(c.value); !c.want(m) {
					t.Errorf("%+v: %q became %q", o, c.value, m)
				}
			}
		})
	}
}

func luhnText(s string) bool {
	b := []byte(s)
	last := lastDigit(b)
	return cardLike(b) && luhnDigit(b[:last]) == b[last]-'0'
}

func validIBAN(s string) bool {
	m := &iban{}
	m.at = ibanPositions(nil, []byte(s))
	return m.at != nil && m.mod97([]byte(s)) == 1
}

func TestBlanksAreNoData(t *testing.T) {
	for _, name := range Masks() {
		c := testColumn(t, name, faithful)
		for _, v := range []string{"", " ", "\t \n"} {
			if m := c.text(v); m != v {
				t.Errorf("%s: %q became %q", name, v, m)
			}
		}
	}
}

// samples are values on which masks have to be injective and without fixed points.
func samples(maskName string) []string {
	var vs []string
	n := 3000
	if raceDetector {
		n = 500
	}
	for i := range n {
		j := i * 7919 % 100003
		switch maskName {
		case "email":
			vs = append(vs, fmt.Sprintf("user%d@mail%d.example", j, i%7))
		case "card":
			p := fmt.Sprintf("4%014d", j*7)
			vs = append(vs, p+string('0'+rune(luhnDigit([]byte(p)))))
		case "date", "birth-date":
			y, m, d := civil(i * 9)
			vs = append(vs, fmt.Sprintf("%04d-%02d-%02d", y, m, d))
		case "ip":
			vs = append(vs, fmt.Sprintf("10.%d.%d.%d", i%200, j%250, i/13))
		case "mac":
			vs = append(vs, fmt.Sprintf("00:1b:44:%02x:%02x:%02x", i%256, j%256, i/256))
		case "uuid":
			vs = append(vs, fmt.Sprintf("f81d4fae-7dec-4%03x-a765-%012x", i%4096, j))
		case "iban":
			vs = append(vs, fmt.Sprintf("DE893704%014d", j))
		case "number":
			vs = append(vs, fmt.Sprint(j*j))
		case "geo":
			vs = append(vs, fmt.Sprintf("%d.%05d", i%180, j))
		case "url":
			vs = append(vs, fmt.Sprintf("https://www%d.example/u/%d", i%9, j))
		case "json":
			vs = append(vs, fmt.Sprintf(`{"id":%d,"n":"user %d"}`, j, i))
		default:
			vs = append(vs, fmt.Sprintf("Value %d of %dx", j, i))
		}
	}
	return vs
}

func TestUniqueMasksAreInjectiveAndMoveEveryValue(t *testing.T) {
	for _, name := range Masks() {
		t.Run(name, func(t *testing.T) {
			c := testColumn(t, name, unique)
			other := testColumn(t, name, unique)
			seen := map[string]string{}
			for _, v := range samples(name) {
				m := c.text(v)
				if was, ok := seen[m]; ok && was != v {
					t.Fatalf("%q and %q are both masked as %q", was, v, m)
				}
				seen[m] = v
				if len(v) >= 8 && m == v {
					t.Fatalf("%q is its own mask", v)
				}
				if again := other.text(v); again != m {
					t.Fatalf("%q is masked as %q and as %q", v, m, again)
				}
			}
		})
	}
}

func TestEveryMaskMovesEveryValueInEveryUse(t *testing.T) {
	for _, name := range Masks() {
		for _, o := range []maskOptions{faithful, private} {
			c := testColumn(t, name, o)
			for _, v := range samples(name) {
				if m := c.text(v); len(v) >= 8 && m == v {
					t.Fatalf("%s %+v: %q is its own mask", name, o, v)
				}
			}
		}
	}
}

func TestSmallDomainsArePermutedCompletely(t *testing.T) {
	c := testColumn(t, "text", unique)
	seen := map[string]bool{}
	for i := range 1000 {
		seen[c.text(fmt.Sprintf("%03d", i))] = true
	}
	if len(seen) != 1000 {
		t.Errorf("1000 three-digit values became %d", len(seen))
	}
	n := testColumn(t, "number", unique)
	seen = map[string]bool{}
	for i := -999; i <= 999; i++ {
		seen[n.integer(fmt.Sprint(i))] = true
	}
	if len(seen) != 1999 {
		t.Errorf("1999 integers became %d", len(seen))
	}
	d := testColumn(t, "date", unique)
	seen = map[string]bool{}
	for day := range 20000 {
		y, m, da := civil(day)
		seen[d.text(fmt.Sprintf("%02d/%02d/%04d", da, m, y))] = true
	}
	if len(seen) != 20000 {
		t.Errorf("20000 dates became %d", len(seen))
	}
}

func TestIntegersStayIntegersOfTheirType(t *testing.T) {
	for _, name := range Masks() {
		c := testColumn(t, name, faithful)
		for _, v := range []string{"0", "7", "-15", "20240229", "1700000000", "1700000000123", "4111111111111111", "9223372036854775807", "-9223372036854775808", "49170123456"} {
			m := c.integer(v)
			n, ok := parseNumber([]byte(m))
			if !ok || n.point != n.end || n.end != len(m) || len(m) > 1 && m[n.from] == '0' || exceeds([]byte(m[n.from:]), "9223372036854775808") {
				t.Errorf("%s: integer %s became %q", name, v, m)
			}
		}
	}
	m := masks["number"]
	small := newColumn(testKey(t), m, "n", family{kind: familyInteger, typ: "integer"}, maskOptions{faithful: true, maxInteger: "2147483647"})
	for i := range 2000 {
		if v := small.integer(fmt.Sprint(2147483647 - i*7)); exceeds([]byte(v), "2147483647") {
			t.Fatalf("%s does not fit an integer", v)
		}
	}
}

func TestBinaryDataStaysBinary(t *testing.T) {
	c := testColumn(t, "token", faithful)
	in := []byte{0xff, 0, 1, 2, 3, 4, 5, 6, 7}
	out := c.append(nil, engine.Cell{Type: engine.CellBlob, Data: in})
	if len(out) != len(in) || bytes.Equal(in, out) || isText(out) {
		t.Errorf("% x became % x", in, out)
	}
}

// TestLongValuesNeedNoMoreThanThemselves: what a mask needs beside a value is bounded, and pieces are cut between characters.
func TestLongValuesNeedNoMoreThanThemselves(t *testing.T) {
	long := strings.Repeat("Anna Schmidt wohnt in Köln 😀 \xfc ", 20_000)
	for _, o := range []maskOptions{unique, private} {
		c := testColumn(t, "text", o)
		got := c.text(long)
		if len(got) != len(long) || strings.Contains(got, "Anna") || strings.Count(got, " ") != strings.Count(long, " ") || utf8.RuneCountInString(got) != utf8.RuneCountInString(long) {
			t.Errorf("%+v: %d bytes became %d", o, len(long), len(got))
		}
		if room := cap(c.value.(*text).s.slots); room > 2*maxPiece {
			t.Errorf("%+v: room for %d symbols", o, room)
		}
		raw := []byte(long + "\x00")
		if out := c.append(nil, engine.Cell{Type: engine.CellBlob, Data: raw}); len(out) != len(raw) || bytes.Contains(out, []byte("Anna")) || isText(out) {
			t.Errorf("%+v: binary data became %d bytes", o, len(out))
		}
	}
}

func FuzzMasksFoldAndRepeat(f *testing.F) {
	for _, s := range []string{"Anna Schmidt", "A.B@C.example", "ÄÖÜ straße", "Ωmega Ж", "\xff\xfe", "  x ", "+49 30 1234", `{"A":"b"}`, "2024-02-29", "ǅ", "https://a.b/c%20"} {
		f.Add(s)
	}
	key := testKey(f)
	cols := map[string]*column{}
	for _, name := range Masks() {
		for i, o := range []maskOptions{unique, faithful, private} {
			cols[fmt.Sprint(name, i)] = newColumn(key, masks[name], name, family{}, o)
		}
	}
	f.Fuzz(func(t *testing.T, v string) {
		if len(v) > 256 {
			return
		}
		for id, c := range cols {
			m := c.text(v)
			if m2 := c.text(v); m != m2 {
				t.Fatalf("%s: not deterministic", id)
			}
			name := strings.TrimRight(id, "012")
			keeps := masks[name].keeps
			if slices.Contains(keeps, KeepsLength) && len(m) != len(v) {
				t.Fatalf("%s: %d bytes became %d", id, len(v), len(m))
			}
			if slices.Contains(keeps, KeepsFold) && asciiLower(c.text(asciiLower(v))) != asciiLower(m) {
				t.Fatalf("%s: mask(lower(%q)) is not lower(mask)", id, v)
			}
			if slices.Contains(keeps, KeepsClass) && utf8.ValidString(v) != utf8.ValidString(m) {
				t.Fatalf("%s: validity of %q changed: %q", id, v, m)
			}
			if name == "json" && json.Valid([]byte(v)) != json.Valid([]byte(m)) {
				t.Fatalf("%s: %q became %q", id, v, m)
			}
		}
	})
}

func asciiLower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

func textCell(v string) engine.Cell { return engine.Cell{Type: engine.CellText, Data: []byte(v)} }
