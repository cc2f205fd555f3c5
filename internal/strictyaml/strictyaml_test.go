package strictyaml

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
)

// shop is a small file of every shape that Decode knows.
type shop struct {
	Name    string          `json:"name" doc:"what it is called"`
	Open    bool            `json:"open"`
	Seats   int64           `json:"seats"`
	Tags    []string        `json:"tags"`
	Rooms   map[string]room `json:"rooms"`
	Manager *person         `json:"manager"`
	Ignored string          `json:"-"`
}

type room struct {
	URL  string `json:"url" scalar:"true"`
	Size int    `json:"size"`
}

type person struct {
	Name string `json:"name"`
}

func TestDecode(t *testing.T) {
	var got shop
	doc := Decode("shop.yaml", []byte("name: corner\nopen: true\nseats: 12\ntags: [a, b]\n"+
		"rooms:\n  hall: https://hall.example\n  attic: {url: https://attic.example, size: 3}\nmanager: {name: Ada}\n"), &got)
	if err := doc.Err(); err != nil {
		t.Fatal(err)
	}
	want := shop{Name: "corner", Open: true, Seats: 12, Tags: []string{"a", "b"}, Manager: &person{"Ada"},
		Rooms: map[string]room{"hall": {URL: "https://hall.example"}, "attic": {"https://attic.example", 3}}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("read %+v\nwant %+v", got, want)
	}
}

// TestMistakes: each is reported where it stands, and what is quoted is enough to find it.
func TestMistakes(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"unknown key with a near one", "nmae: x\n", `shop.yaml:1:1: unknown key "nmae": did you mean "name"?`},
		{"unknown key", "colour: red\n", `shop.yaml:1:1: unknown key "colour": known here are manager, name, open, rooms, seats, tags`},
		{"key of a Go field that is not in the file", "Ignored: x\n", `unknown key "Ignored"`},
		{"twice", "name: a\nname: b\n", `shop.yaml:2:1: "name" stands here twice (first on line 1)`},
		{"text for a number", "seats: many\n", `shop.yaml:1:8: want a whole number, not "many"`},
		{"yes is no boolean", "open: yes\n", `shop.yaml:1:7: want true or false, not "yes"`},
		{"list for text", "name: [a]\n", `shop.yaml:1:7: want text, not a list`},
		{"text for a list", "tags: a\n", `shop.yaml:1:7: want a list, not a plain value`},
		{"text where no scalar stands for the mapping", "manager: Ada\n", `shop.yaml:1:10: want a mapping (name), not a plain value`},
		{"inside of a map", "rooms:\n  hall: {url: a, size: big}\n", `shop.yaml:2:24: want a whole number, not "big"`},
		{"alias", "name: &n a\ntags: [*n]\n", `shop.yaml:2:8: aliases are not used in this file`},
		{"key that is no text", "? [a]\n: b\n", `shop.yaml:1:3: a key must be plain text`},
		{"second document", "name: a\n---\nname: b\n", `holds a second document`},
		{"empty", "", `shop.yaml: is empty`},
		{"syntax", "name: [a\n", `shop.yaml:`},
	} {
		var out shop
		err := Decode("shop.yaml", []byte(c.text), &out).Err()
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v\nwant %s", c.name, err, c.want)
		}
	}
}

func TestAllMistakesComeAtOnceInReadingOrder(t *testing.T) {
	var out shop
	doc := Decode("shop.yaml", []byte("seats: many\nnmae: x\ntags: a\n"), &out)
	doc.Errorf([]string{"seats"}, "a shop needs seats")
	var all Errors
	if !errors.As(doc.Err(), &all) || len(all) != 4 {
		t.Fatalf("%v, want four mistakes", doc.Err())
	}
	for i, line := range []int{1, 1, 2, 3} {
		if all[i].Line != line {
			t.Errorf("mistake %d is on line %d, want %d: %v", i, all[i].Line, line, all[i])
		}
	}
}

func TestPlaceIsTheNearestValueAbove(t *testing.T) {
	var out shop
	doc := Decode("shop.yaml", []byte("name: a\nrooms:\n  hall:\n    url: b\n"), &out)
	for _, c := range []struct {
		path      []string
		line, col int
	}{
		{[]string{"rooms", "hall", "url"}, 4, 10},
		{[]string{"rooms", "hall", "size"}, 4, 5}, // not there: its mapping begins there
		{[]string{"rooms", "attic"}, 3, 3},
		{nil, 1, 1},
	} {
		if line, col := doc.Place(c.path...); line != c.line || col != c.col {
			t.Errorf("%v stands at %d:%d, want %d:%d", c.path, line, col, c.line, c.col)
		}
	}
}

func TestLimits(t *testing.T) {
	type tree struct {
		Below map[string]any `json:"-"`
		Next  *tree          `json:"next"`
	}
	deep := strings.Repeat("{next: ", maxDepth+5) + "null" + strings.Repeat("}", maxDepth+5)
	var out tree
	if err := Decode("t.yaml", []byte(deep), &out).Err(); err == nil || !strings.Contains(err.Error(), "nested too deeply") {
		t.Errorf("a tree of %d levels: %v", maxDepth+5, err)
	}
	shallow := strings.Repeat("{next: ", maxDepth-5) + "null" + strings.Repeat("}", maxDepth-5)
	if err := Decode("t.yaml", []byte(shallow), &out).Err(); err != nil {
		t.Errorf("a tree of %d levels: %v", maxDepth-5, err)
	}
	var big shop
	if err := Decode("big.yaml", make([]byte, maxBytes+1), &big).Err(); err == nil || !strings.Contains(err.Error(), "larger than 4 MiB") {
		t.Errorf("a file beyond the limit: %v", err)
	}
}

// TestSchemaSpeaksOfTheSameKeys holds the JSON Schema to what Decode reads.
func TestSchemaSpeaksOfTheSameKeys(t *testing.T) {
	text, err := Schema(reflect.TypeFor[shop](), "https://shop.example/schema", "shop")
	if err != nil {
		t.Fatal(err)
	}
	var s struct {
		Properties map[string]struct {
			Description string `json:"description"`
			More        any    `json:"additionalProperties"`
		} `json:"properties"`
		More any `json:"additionalProperties"`
	}
	if err := json.Unmarshal(text, &s); err != nil {
		t.Fatal(err)
	}
	for name := range fieldsOf(reflect.TypeFor[shop]()) {
		if _, ok := s.Properties[name]; !ok {
			t.Errorf("the schema lacks %s", name)
		}
	}
	if len(s.Properties) != 6 || s.More != false || s.Properties["name"].Description != "what it is called" {
		t.Errorf("schema: %s", text)
	}
	if rooms, _ := s.Properties["rooms"].More.(map[string]any); rooms["anyOf"] == nil {
		t.Errorf("a room may be a plain URL, which the schema does not say: %s", text)
	}
}

func FuzzDecode(f *testing.F) {
	for _, seed := range []string{"name: a", "rooms: {a: b, c: {url: d}}", "tags: [a, *b]", "? {a: b}\n: c", "a: &x [*x]", "\t", "--- \n---", "!!binary x"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		var out shop
		doc := Decode("f.yaml", src, &out)
		var all Errors
		if err := doc.Err(); err != nil && (!errors.As(err, &all) || len(all) == 0) {
			t.Fatalf("an error that is no list of mistakes: %v", err)
		}
		for _, e := range all {
			if e.Line < 0 || e.Line > len(src)+2 || e.Msg == "" {
				t.Fatalf("a mistake at no place of the file: %+v", e)
			}
		}
	})
}
