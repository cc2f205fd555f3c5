package compare

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/envdiff/envdiff/snapshot"
)

// estate is a generated pair of equal environments, and what has been planted into them so far.
type estate struct {
	rng    *rand.Rand
	envs   [2]*env
	hosts  []string
	serial int
	// taken are the targets that a change was planted on, by address: a second one there would contradict the first.
	taken map[string]bool
	want  []planted

	packages []estatePackage
	files    []estateFile
	tables   []estateTable
}

// planted is one change: the addresses at which its finding may stand (a renamed key has two names), and within
// which environment it is odd ("" is across).
type planted struct {
	what   string
	at     []string
	within string
}

type estatePackage struct {
	name  string
	files []int // its conffiles, in estate.files
}

// estateFile has sections of keys, and blocks whose order counts.
type estateFile struct {
	path     string
	sections map[string][]string
	blocks   []string
}

type estateTable struct {
	name    string
	columns []string
	indexes map[string][]string
	foreign map[string][2]string // constraint → column, referenced table
	exact   bool
}

// words are far apart, so that no two names are near misses of each other.
var words = strings.Fields("amber bramble cobalt dolphin ember falcon garnet harbour indigo juniper kestrel lantern meadow nutmeg orchid pepper quartz rosewood saffron thistle umbrella velvet walnut xylophone yarrow zephyr")

func (e *estate) word() string {
	e.serial++
	n := e.serial
	return words[n%len(words)] + words[(n/len(words)*7+3)%len(words)]
}

// fresh is a value that occurs once and is near no other one.
func (e *estate) fresh() string {
	return fmt.Sprintf("%08x%08x", e.rng.Uint32(), e.rng.Uint32())
}

func newEstate(seed uint64) *estate {
	e := &estate{rng: rand.New(rand.NewPCG(seed, 1)), taken: map[string]bool{}}
	for i := range 3 + e.rng.IntN(4) {
		e.hosts = append(e.hosts, fmt.Sprintf("web%d", i+1))
	}
	for i, name := range []string{"staging", "production"} {
		e.envs[i] = newEnv(name).instances("web", "role", e.hosts...).instances("main", "database", "primary")
	}
	for range 8 {
		e.addFile()
	}
	for i := range 10 {
		p := estatePackage{name: e.word()}
		if i < 4 {
			p.files = []int{2 * i, 2*i + 1}
		}
		e.addPackage(p)
	}
	for range 3 {
		e.both("web:user/"+e.word()+"#uid", snapshot.Int(int64(1000+e.serial)))
		e.both("web:service/"+e.word()+"#enabled", snapshot.Bool(true))
	}
	for range 4 {
		e.addTable()
	}
	return e
}

func (e *estate) both(address string, v any) {
	for _, env := range e.envs {
		env.set(address, v)
	}
}

func (e *estate) addFile() {
	f := estateFile{path: "web:config/etc/" + e.word() + ".conf", sections: map[string][]string{}}
	e.both(f.path, true)
	for range 3 {
		section := e.word()
		for range 3 + e.rng.IntN(3) {
			key := e.word()
			f.sections[section] = append(f.sections[section], key)
			e.both(f.path+"#"+section+"."+key, e.fresh())
		}
	}
	for range 4 {
		f.blocks = append(f.blocks, "/"+e.word())
	}
	for i := range e.envs {
		e.setBlocks(i, f.path, f.blocks)
	}
	e.files = append(e.files, f)
}

// setBlocks writes the order and the keys of a file's blocks.
func (e *estate) setBlocks(env int, path string, blocks []string, on ...string) {
	e.envs[env].set(path+"#server.location@order", append([]string(nil), blocks...), on...)
	for _, b := range blocks {
		for _, key := range []string{"proxy_pass", "client_max_body_size"} {
			e.envs[env].set(path+"#server."+snapshot.Ident(b)+"."+key, "of"+b+key, on...)
		}
	}
}

func (e *estate) addPackage(p estatePackage) {
	e.packages = append(e.packages, p)
	e.both("web:package/deb/"+p.name+"#version", fmt.Sprintf("1.%d.%d-1", e.serial, e.rng.IntN(90)))
	var conffiles []string
	for _, i := range p.files {
		conffiles = append(conffiles, strings.TrimPrefix(e.files[i].path, "web:config/"))
	}
	if conffiles != nil {
		e.both("web:package/deb/"+p.name+"#conffiles", conffiles)
	}
}

func (e *estate) addTable() {
	t := estateTable{name: e.word(), indexes: map[string][]string{}, foreign: map[string][2]string{}, exact: e.rng.IntN(2) == 0}
	for range 5 {
		t.columns = append(t.columns, e.word())
	}
	e.both("main:table/"+t.name, true)
	for _, c := range t.columns {
		e.both("main:column/"+t.name+"."+c+"#type", "text")
		e.both("main:column/"+t.name+"."+c+"#nullable", true)
	}
	t.indexes[e.word()] = t.columns[1:2]
	t.indexes[e.word()] = t.columns[1:3]
	if n := len(e.tables); n > 0 {
		t.foreign[e.word()] = [2]string{t.columns[3], e.tables[e.rng.IntN(n)].name}
	}
	e.tables = append(e.tables, t)
	for i := range e.envs {
		e.setTable(i, t, t.columns)
	}
	if t.exact {
		e.both("main:rows/"+t.name+"#digest", e.fresh())
		e.both("main:rows/"+t.name+"#count", 10)
	}
}

// setTable writes what depends on a table's columns: their order, the indexes and foreign keys over those
// that are left, the columns of its rows.
func (e *estate) setTable(env int, t estateTable, columns []string) {
	en := e.envs[env]
	left := map[string]bool{}
	var names []string
	for _, c := range columns {
		left[c] = true
		names = append(names, t.name+"."+c)
	}
	en.set("main:table/"+t.name+"#column_order", append([]string(nil), columns...))
	for _, index := range slices.Sorted(maps.Keys(t.indexes)) {
		at := "main:index/" + t.name + "." + index
		en.unset(at + "#*")
		var parts, reads []string
		for _, c := range t.indexes[index] {
			if left[c] {
				parts, reads = append(parts, c+" desc"), append(reads, t.name+"."+c)
			}
		}
		if parts != nil {
			en.set(at+"#columns", parts).set(at+"#@columns", reads).set(at+"#unique", false)
		}
	}
	for _, fk := range slices.Sorted(maps.Keys(t.foreign)) {
		at := "main:constraint/" + t.name + "." + fk
		en.unset(at + "#*")
		if column := t.foreign[fk][0]; left[column] {
			en.set(at+"#type", "foreign key").set(at+"#@columns", []string{t.name + "." + column}).set(at+"#references", t.foreign[fk][1]+"(id)")
			en.set(at+"#@references_table", t.foreign[fk][1])
		}
	}
	if t.exact {
		en.set("main:rows/"+t.name+"#@columns", names)
	}
}

// take claims targets: all are free, or none is claimed.
func (e *estate) take(targets ...string) bool {
	for _, t := range targets {
		if e.taken[t] {
			return false
		}
	}
	for _, t := range targets {
		e.taken[t] = true
	}
	return true
}

func (e *estate) plant(what string, env int, odd bool, at ...string) {
	p := planted{what: what, at: at}
	if odd {
		p.within = e.envs[env].name
	}
	e.want = append(e.want, p)
}

// where says what the finding compares.
func (p planted) where() string {
	if p.within == "" {
		return "across"
	}
	return "within " + p.within
}

// some are at most half of the hosts, or all of them: a change across environments.
func (e *estate) some() (hosts []string, odd bool) {
	if e.rng.IntN(2) == 0 {
		return nil, false
	}
	n := 1 + e.rng.IntN(len(e.hosts)/2)
	from := e.rng.IntN(len(e.hosts) - n + 1)
	return e.hosts[from : from+n], true
}

// part claims one place in an object. Many changes may share an object, if none removes it.
func (e *estate) part(object, place string, env int, odd bool) bool {
	key := object + " across"
	if odd {
		key = fmt.Sprintf("%s within %d", object, env)
	}
	if e.taken[key] || !e.take(place) {
		return false
	}
	// From now on the object cannot be removed in a way that would hide this change.
	e.taken[object+" used"] = true
	return true
}
