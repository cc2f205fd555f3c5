package sanitize

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/envdiff/envdiff/internal/engine"
)

func TestColumnNamesAreReadInManyLanguages(t *testing.T) {
	for name, want := range map[string]string{
		"email": "email", "userEmail": "email", "E_Mail": "email", "contact_email_address": "email", "t_email": "email", "emails": "email", "correo_electronico": "email",
		"firstName": "given-name", "fname": "given-name", "Vorname": "given-name", "prénom": "given-name", "imie": "given-name", "voornaam": "given-name",
		"last_nm": "", "surname": "family-name", "Nachname": "family-name", "apellidos": "family-name", "cognome": "family-name", "sobrenome": "family-name", "nazwisko": "family-name",
		"phone_no": "phone", "Telefonnummer": "phone", "teléfono": "phone", "celular": "phone", "mobile": "phone",
		"street": "address", "Straße": "address", "rue": "address", "calle": "address", "straatnaam": "address", "ulica": "address",
		"zip": "postcode", "PLZ": "postcode", "codePostal": "postcode", "CAP": "postcode", "kod_pocztowy": "postcode",
		"dob": "birth-date", "birth": "birth-date", "nascimento": "birth-date", "birth_place": "city", "geburtsdatum": "birth-date", "fecha_nacimiento": "birth-date", "data_nascita": "birth-date",
		"ssn": "national-id", "PESEL": "national-id", "codice_fiscale": "national-id", "bsn": "national-id", "cpf": "national-id", "dni": "national-id",
		"last_sign_in_ip": "ip", "iban": "iban", "Kontonummer": "iban", "password_digest": "secret", "apiKey": "secret", "reset_password_token": "secret", "diagnosis": "health",
		"email_verified_at": "", "phone_type": "", "email_count": "", "address_id": "", "id": "", "quantity": "", "created_at": "", "company_name": "company",
	} {
		if got, _ := categoryOf(name); string(got) != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

func TestValuesAreRecognised(t *testing.T) {
	for v, want := range map[string]valueClass{
		"a.b@c.example": valueEmail, "DE89 3704 0044 0532 0130 00": valueIBAN, "DE88370400440532013000": valueOther, "4111 1111 1111 1111": valueCard, "4111111111111112": valueNumber,
		"00:1B:44:11:3A:B7": valueMAC, "f81d4fae-7dec-11d0-a765-00a0c91e6bf6": valueUUID, "10.1.2.3": valueIP, "2a00::1": valueIP, "https://x.example/a": valueURL, `{"a":1}`: valueJSON,
		"$2b$12$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy": valueSecret, "5d41402abc4b2a76b9719d911017c592": valueSecret,
		"44051401359": valueNationalID, "529.982.247-25": valueNationalID, "12345678Z": valueNationalID, "RSSMRA85T10A562S": valueNationalID, "255081416802538": valueNationalID,
		"2024-02-29 10:00:00": valueDate, "52.5200, 13.4050": valueCoordinates, "+49 170 1234567": valuePhone, "12.50": valueNumber,
		"Maria Lopez": valuePerson, "Hauptstraße 5": valueAddress, "12 Baker Street": valueAddress, "please call me back after lunch": valueProse, "red": valueOther,
	} {
		if got := classify([]byte(v)); got != want {
			t.Errorf("%q: got %s, want %s", v, valueNames[got], valueNames[want])
		}
	}
}

func FuzzClassify(f *testing.F) {
	for _, s := range []string{"a@b.c", "DE89", "1", "+", "::", "x y z", "\xff", "44051401359"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, v string) {
		if !blank([]byte(v)) {
			classify([]byte(v))
		}
		categoryOf(v)
	})
}

func TestScanProposesACompletePolicyThatCanBeUsed(t *testing.T) {
	target := makeDatabase(t, shopSchema, `
		CREATE TABLE countries (code TEXT PRIMARY KEY, label TEXT NOT NULL);
		INSERT INTO countries VALUES ('DE', 'Germany'), ('FR', 'France'), ('PL', 'Poland');
		CREATE TABLE addresses (id INTEGER PRIMARY KEY, user_email TEXT REFERENCES users (email), country TEXT REFERENCES countries (code), street TEXT, misc TEXT, status TEXT, weight REAL, done BOOLEAN, token BLOB);
		CREATE TABLE audit_log (id INTEGER PRIMARY KEY, what TEXT, at TEXT);
		CREATE TABLE empty_thing (id INTEGER PRIMARY KEY, strange TEXT);`)
	fillShop(t, target, 600)
	fill := openDatabase(t, target, engine.Scratch)
	for _, sql := range []string{
		`INSERT INTO addresses SELECT id, email, 'DE', 'Example Street ' || id, hex(id * 7919), CASE id % 3 WHEN 0 THEN 'new' ELSE 'checked' END, id / 7.0, id % 2, randomblob(20) FROM users`,
		`INSERT INTO audit_log SELECT id, 'row ' || id || ' changed', '2026-01-01' FROM users`,
	} {
		if err := run(context.Background(), fill, []string{sql}); err != nil {
			t.Fatal(err)
		}
	}
	fill.Close()
	src, sch := openSource(t, target)
	policy, notes, err := Scan(context.Background(), src, sch, nil, ScanOptions{})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, table := range policy.Tables {
		for _, c := range table.Columns {
			p := ColumnPlan{Action: c.Action, Mask: c.Mask}
			got[table.Table+"."+c.Column] = p.actionName()
			if c.Reason == "" {
				t.Errorf("%s.%s has no reason", table.Table, c.Column)
			}
		}
	}
	for column, want := range map[string]string{
		"users.id": "keep", "users.email": "mask:email", "users.full_name": "mask:name", "users.phone": "mask:phone", "users.birth_date": "mask:birth-date", "users.iban": "mask:iban",
		"users.notes": "mask:text", "users.settings": "mask:json", "users.plan": "keep", "users.last_ip": "mask:ip", "users.tax_number": "mask:national-id",
		"orders.id": "keep", "orders.user_id": "keep", "orders.contact": "mask:email", "orders.total": "keep", "orders.created_at": "keep",
		"countries.code": "keep", "countries.label": "keep", "addresses.user_email": "mask:email", "addresses.country": "keep", "addresses.street": "mask:address",
		"addresses.misc": "mask:text", "addresses.status": "keep", "addresses.weight": "keep", "addresses.done": "keep", "addresses.token": "mask:token",
		"audit_log.what": "mask:text", "empty_thing.strange": "mask:text",
	} {
		if got[column] != want {
			t.Errorf("%s: got %q, want %q", column, got[column], want)
		}
	}
	for column := range got {
		if strings.HasPrefix(column, "schema_migrations") || column == "users.email_domain" {
			t.Errorf("%s must not be named", column)
		}
	}
	if len(notes) == 0 {
		t.Error("no note about the log table")
	}
	text, err := policy.Encode()
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range query(t, src, "SELECT email FROM users WHERE email IS NOT NULL UNION ALL SELECT full_name FROM users") {
		if strings.Contains(string(text), v) {
			t.Fatalf("the policy quotes a value")
		}
	}
	again, err := ParsePolicy(text, "sanitize.yaml")
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	for _, use := range []Use{Rehearsal, Keepable} {
		plan, err := NewPlan(again, sch, use, nil)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if _, err := Build(context.Background(), src, engine.Target{}, t.TempDir(), sch, plan, testKey(t), CopyOptions{}); err != nil {
			t.Errorf("use %d: %v", use, err)
		}
	}
}

func TestScanKeepsWhatIsWrittenAndAddsWhatIsMissing(t *testing.T) {
	src, sch := openSource(t, makeDatabase(t, `CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT, nick TEXT); CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT);`))
	before := `# ours
tables:
  users:
    columns:
      # decided in May
      email: {set: null, reason: nobody needs it}
after: [VACUUM]
`
	policy, _, err := Scan(context.Background(), src, sch, mustPolicy(t, before), ScanOptions{})
	if err != nil {
		t.Fatal(err)
	}
	text, err := policy.Encode()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"# ours", "# decided in May\n      email: {set: null, reason: nobody needs it}", "nick: {mask: username, domain: username", "  notes:\n", "after: [VACUUM]"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("missing %q in\n%s", want, text)
		}
	}
	again, _, err := Scan(context.Background(), src, sch, mustPolicy(t, string(text)), ScanOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if second, _ := again.Encode(); string(second) != string(text) {
		t.Errorf("a second scan changes the file:\n%s", second)
	}
	if fmt.Sprint(again.After) != "[VACUUM]" {
		t.Errorf("after: %v", again.After)
	}
}
