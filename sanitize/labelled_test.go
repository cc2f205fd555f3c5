package sanitize

import (
	"fmt"
	"hash/maphash"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
)

// labelledColumn is one column of testdata/columns.txt or columns_heldout.txt.
type labelledColumn struct{ class, contents, typ, table, column string }

func labelledColumns(t *testing.T, file string) []labelledColumn {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var out []labelledColumn
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		head, list, _ := strings.Cut(line, ": ")
		f := strings.SplitN(head, " ", 3)
		for _, name := range strings.Fields(list) {
			table, column, ok := strings.Cut(name, ".")
			if !ok || len(f) != 3 {
				t.Fatalf("bad line: %s", line)
			}
			out = append(out, labelledColumn{f[0], f[1], f[2], table, column})
		}
	}
	return out
}

// Parts of values that belong to nobody.
var (
	labelledGiven  = strings.Fields("Anna Peter Maria Jan Sofia Carlos Lucia Marco Wanda Piotr Ines Bruno Claire Yara Odalys Torvald Mireille Anselm Ximena Gerolf")
	labelledFamily = strings.Fields("Okonkwo Lindqvist Haverbeke Marchetti Nowicki Echeverria Brandstetter Villeneuve Quintanilha Achterberg Sokolova Tanaka")
	labelledStreet = []string{"%d Baker Street", "Hauptstraße %d", "%d rue des Lilas", "Calle Mayor %d", "Rua Augusta %d", "Via Roma %d", "Dorpsstraat %d", "ul. Polna %d"}
	labelledCities = strings.Fields("Leeds Kassel Rennes Burgos Braga Parma Zwolle Lublin Bath Trier Nantes Vigo")
	labelledGoods  = strings.Fields("bolt hinge lamp kettle shelf gasket hose bracket valve panel")
	labelledTalk   = strings.Fields("please call back after the delivery because nobody answered when we came and left it there")
)

// labelledValue is the i-th value of some contents.
func labelledValue(contents string, i int) string {
	j := i * 7919 % 100003
	pick := func(list []string) string { return list[j%len(list)] }
	one := func(list string) string { return pick(strings.Fields(list)) }
	switch contents {
	case "email":
		return strings.ToLower(fmt.Sprintf("%s.%s%d@mail%d.example", pick(labelledGiven), labelledFamily[i%12], i, j%7))
	case "person":
		return pick(labelledGiven) + " " + labelledFamily[i%12]
	case "given":
		return pick(labelledGiven)
	case "family":
		return pick(labelledFamily) + one("a o sen ez ski son")
	case "phone":
		return fmt.Sprintf([]string{"+49 170 %07d", "(212) 555-%07d", "+33 6 %07d", "030/%07d"}[i%4], j*31%10000000)
	case "phonedigits":
		return fmt.Sprintf("49170%07d", j*31%10000000)
	case "street":
		return fmt.Sprintf(labelledStreet[i%len(labelledStreet)], j%200+1)
	case "city":
		return pick(labelledCities)
	case "postcode":
		return fmt.Sprintf("%05d", j%99999)
	case "birth":
		y, m, d := civil(j % 20000)
		return fmt.Sprintf("%04d-%02d-%02d", y, m, d)
	case "stamp":
		return fmt.Sprintf("2026-%02d-%02d 10:%02d:00", i%12+1, i%28+1, j%60)
	case "ip":
		return fmt.Sprintf("93.%d.%d.%d", i%200, j%250, i%13)
	case "mac":
		return fmt.Sprintf("00:1b:44:%02x:%02x:%02x", i%256, j%256, i%251)
	case "coordinates":
		return fmt.Sprintf("%d.%05d, %d.%05d", 40+i%12, j, i%15, j)
	case "degrees":
		return fmt.Sprintf("%d.%05d", i%80, j)
	case "iban":
		return validIBANOf(fmt.Sprintf("DE0037040044%010d", j))
	case "account":
		return fmt.Sprintf("%010d", 1000000000+j*37)
	case "card":
		p := fmt.Sprintf("4%014d", j*7)
		return p + string('0'+rune(luhnDigit([]byte(p))))
	case "ssn":
		return fmt.Sprintf("%03d-%02d-%04d", 100+i%500, 1+i%98, 1+j%9998)
	case "pesel":
		p := fmt.Sprintf("%02d%02d%02d%04d", 40+i%59, i%12+1, i%28+1, j%10000)
		d := digitsOf(p)
		return p + fmt.Sprint((10-weighted(d, 1, 3, 7, 9, 1, 3, 7, 9, 1, 3)%10)%10)
	case "dni":
		n := 10000000 + j*317
		return fmt.Sprintf("%08d%c", n, "TRWAGMYFPDXBNJZSQVHLCKE"[n%23])
	case "nir":
		n := int64(1800000000000) + int64(j)*7 + int64(i%2)*1000000000000
		return fmt.Sprintf("%013d%02d", n, 97-n%97)
	case "digits":
		return fmt.Sprintf("X%09d", j*41)
	case "url":
		return fmt.Sprintf("https://site%d.example/u/%d", i%40, j)
	case "username":
		return fmt.Sprintf("%s_%d", strings.ToLower(pick(labelledFamily)), j)
	case "company":
		return labelledFamily[i%12] + " " + one("GmbH Ltd SA SpA BV") + fmt.Sprint(" ", i)
	case "bcrypt":
		return fmt.Sprintf("$2b$12$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL%05d", j%100000)
	case "token":
		return fmt.Sprintf("Tk%dxQz%dRf_8LmAa%d", j, i*7+11, j*3+100000)
	case "pin":
		return fmt.Sprintf("%04d", j%10000)
	case "prose":
		return fmt.Sprintf("%s %s %s %s %d times", pick(labelledTalk), labelledTalk[i%16], labelledTalk[(i+5)%16], labelledTalk[(i+9)%16], j)
	case "mixed":
		if i%10 == 0 {
			return labelledValue("prose", i)
		}
		return fmt.Sprintf("%s %d", pick(labelledGoods), j)
	case "word":
		return one("alpha beta gamma delta") + fmt.Sprint(i%60)
	case "json":
		return fmt.Sprintf(`{"a": %d, "b": "x%d"}`, i, j)
	case "salary":
		return fmt.Sprint(20000 + j)
	case "uuid":
		return fmt.Sprintf("f81d4fae-7dec-4%03x-a765-%012x", i%4096, j)
	case "product":
		return strings.ToUpper(pick(labelledGoods)[:1]) + pick(labelledGoods)[1:] + " " + one("blue red steel oak")
	case "serial":
		return fmt.Sprint(i + 1)
	case "state":
		return one("new open closed held")
	case "currency":
		return one("EUR USD PLN GBP")
	case "country":
		return one("DE FR ES PT IT NL PL GB")
	case "flag":
		return fmt.Sprint(i % 2)
	case "price":
		return fmt.Sprintf("%d.%02d", j%900, j%100)
	case "luhnish":
		return fmt.Sprint(4000000000000000 + int64(i)) // every tenth has the check digit of a card
	case "memory":
		return fmt.Sprintf("0x7ffd%08x", j*4099)
	case "sku":
		return fmt.Sprintf("SK-%05d", j)
	case "version":
		return fmt.Sprintf("%d.%d.%d", 1+i%3, i%4, i%2)
	case "timezone":
		return one("Europe/Berlin Europe/Paris UTC")
	case "mime":
		return one("image/png text/plain application/pdf")
	}
	return ""
}

// validIBANOf puts the right check digits into an IBAN whose check digits are 00.
func validIBANOf(s string) string {
	for n := range 97 {
		if v := fmt.Sprintf("%s%02d%s", s[:2], n+2, s[4:]); isIBAN([]byte(v)) {
			return v
		}
	}
	return s
}

// labelledProposal is what the classifier proposes for a column, as a class.
func labelledProposal(l labelledColumn) (class string, out ColumnPolicy) {
	c := schema.Column{Name: l.column, Type: l.typ, Nullable: true}
	t := schema.Table{Name: schema.Name{Schema: "public", Name: l.table}, Columns: []schema.Column{{Name: "id", Type: "integer"}, c}, PrimaryKey: &schema.Key{Columns: []string{"id"}}}
	st := columnStats{distinct: map[uint64]bool{}}
	seed := maphash.MakeSeed()
	rows := int64(0)
	if l.contents != "empty" {
		for i := range 400 {
			st.add(seed, engine.Cell{Type: labelledCell(l.typ), Data: []byte(labelledValue(l.contents, i))})
			rows++
		}
	}
	out = propose(newTypes(&schema.Database{Engine: "postgres"}), tableContext{table: &t, rows: rows, person: anyPart(l.table, personTables), log: anyPart(l.table, logTables)}, &c, st)
	switch {
	case out.Action == Set:
		return "text", out
	case out.Action != Mask:
		return "-", out
	}
	switch out.Mask {
	case "given-name", "family-name":
		return "name", out
	case "token", "hash":
		return "secret", out
	}
	return out.Mask, out
}

func labelledCell(typ string) engine.CellType {
	switch family := familyOf("postgres", typ); family.kind {
	case familyInteger:
		return engine.CellInteger
	case familyReal:
		return engine.CellReal
	}
	return engine.CellText
}

// classified counts what became of the columns of one class, or of all.
type classified struct{ labelled, right, protected, proposed int }

// recall counts columns that get the right mask; masked those that get any, which is what keeps data safe.
func (c classified) recall() float64    { return share(c.right, c.labelled) }
func (c classified) masked() float64    { return share(c.protected, c.labelled) }
func (c classified) precision() float64 { return share(c.right, c.proposed) }

func share(n, of int) float64 { return float64(n) / float64(max(of, 1)) }

// classifyAll proposes for all columns of a file and logs the table: by class, and over all personal ones.
func classifyAll(t *testing.T, columns []labelledColumn) (per map[string]*classified, personal classified) {
	per = map[string]*classified{}
	of := func(class string) *classified {
		if per[class] == nil {
			per[class] = &classified{}
		}
		return per[class]
	}
	for _, l := range columns {
		got, out := labelledProposal(l)
		of(l.class).labelled++
		of(got).proposed++
		if got == l.class {
			of(l.class).right++
		} else {
			t.Logf("%s.%s %s holding %s: %s instead of %s: %s", l.table, l.column, l.typ, l.contents, got, l.class, out.Reason)
		}
		if got != "-" {
			of(l.class).protected++
		}
	}
	classes := slices.Sorted(maps.Keys(per))
	for _, class := range classes {
		p := per[class]
		t.Logf("%-12s %3d columns, recall %.3f, precision %.3f, masked %.3f", class, p.labelled, p.recall(), p.precision(), p.masked())
		if class != "-" {
			personal = classified{personal.labelled + p.labelled, personal.right + p.right, personal.protected + p.protected, personal.proposed + p.proposed}
		}
	}
	t.Logf("%d columns; personal ones: recall %.3f, precision %.3f, masked %.3f", len(columns), personal.recall(), personal.precision(), personal.masked())
	return per, personal
}

// TestTheClassifierOnLabelledColumns holds what the classifier reaches, class by class. Run it with -v for the table.
func TestTheClassifierOnLabelledColumns(t *testing.T) {
	columns := labelledColumns(t, "testdata/columns.txt")
	per, personal := classifyAll(t, columns)
	for class, p := range per {
		if class == "-" {
			if p.recall() < 0.93 {
				t.Errorf("of the columns without personal data only %.3f are kept", p.recall())
			}
			continue
		}
		if p.masked() < 0.98 {
			t.Errorf("%s: only %.3f are masked", class, p.masked())
		}
		if p.recall() < 0.9 || class != "text" && p.precision() < 0.9 {
			t.Errorf("%s: recall %.3f, precision %.3f", class, p.recall(), p.precision())
		}
	}
	if personal.recall() < 0.98 || len(columns) < 450 {
		t.Errorf("recall over all personal classes is %.3f on %d columns", personal.recall(), len(columns))
	}
}

// TestTheClassifierOnHeldOutColumns says what it reaches on columns that nobody tuned it on. What is masked as something else is still safe.
func TestTheClassifierOnHeldOutColumns(t *testing.T) {
	columns := labelledColumns(t, "testdata/columns_heldout.txt")
	per, personal := classifyAll(t, columns)
	if personal.masked() < 0.97 {
		t.Errorf("only %.3f of the columns with personal data are masked", personal.masked())
	}
	if kept := per["-"]; kept.recall() < 0.85 {
		t.Errorf("of the columns without personal data only %.3f are kept", kept.recall())
	}
}
