package puppet

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/envdiff/envdiff/snapshot"
)

// explainer is one value of a class or defined type that may stand in the values of what it declares: log1.prod.example, given to Class[Logging]
// as server, in the content of a file. Where two environments' values are equal once such values are taken out, the parameter explains the difference.
type explainer struct {
	text string
	by   string // "Class/Logging#server": the parameter's address without scope and kind
}

// explainers knows the parameters of every class and defined type.
type explainers struct {
	w      *writer
	values map[*resource][]explainer
}

// explanation is what may stand in the values of one resource: texts, the longest first, and whose they are. Of parameters of one value the outermost stands for
// it in one reading, the innermost in the other.
type explanation struct {
	texts        []string
	outer, inner map[string]string
}

// maxExplainers bounds the values that are looked for in each value of a resource.
const maxExplainers = 500

func newExplainers(w *writer) *explainers {
	return &explainers{w: w, values: map[*resource][]explainer{}}
}

// of lists what may explain a resource's values, the outermost first: classes that it is tagged with, in the order of evaluation, then the defined types around it.
func (e *explainers) of(r *resource) *explanation {
	var all []explainer
	for _, class := range e.w.c.classesOf(r) {
		all = append(all, e.of1(class)...)
	}
	around := r.containers()
	slices.Reverse(around)
	for _, c := range around {
		if c.Type != "Class" && c.name != "" {
			all = append(all, e.of1(c)...)
		}
	}
	x := &explanation{outer: map[string]string{}, inner: map[string]string{}}
	for _, one := range all[:min(len(all), maxExplainers)] {
		if _, known := x.outer[one.text]; !known {
			x.outer[one.text] = one.by
			x.texts = append(x.texts, one.text)
		}
		x.inner[one.text] = one.by
	}
	slices.SortFunc(x.texts, func(a, b string) int {
		if d := cmp.Compare(len(b), len(a)); d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	return x
}

// of1 are the values of one class or defined type.
func (e *explainers) of1(r *resource) []explainer {
	if known, ok := e.values[r]; ok {
		return known
	}
	var out []explainer
	var collect func(path []string, v any)
	collect = func(path []string, v any) {
		switch x := v.(type) {
		case map[string]any:
			if len(path) < 16 && !isSensitive(x) {
				for _, k := range slices.Sorted(maps.Keys(x)) {
					collect(append(slices.Clip(path), e.w.segment(k)), x[k])
				}
			}
		case []any:
			for _, item := range x {
				if _, nested := item.(map[string]any); !nested {
					collect(path, item)
				}
			}
		default:
			if text := plain(v); text != "" && len(text) <= maxText {
				out = append(out, explainer{text, r.name + "#" + snapshot.Ident(path...)})
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.Parameters)) {
		if !relations[name] && (name != "name" || r.Type != "Class") {
			collect([]string{name}, r.Parameters[name])
		}
	}
	e.values[r] = out
	return out
}

// explain writes what a value would be without the parameters that stand in it, in both readings.
func (w *writer) explain(r *resource, by *explanation, path []string, text string) {
	if text == "" || len(by.texts) == 0 || len(text) > maxTemplate {
		return
	}
	var readings, used []string
	for _, names := range []map[string]string{by.outer, by.inner} {
		reading, params := by.template(text, names)
		if len(params) == 0 {
			return
		}
		digest, _ := w.digest(reading).Text()
		if !slices.Contains(readings, digest) {
			readings = append(readings, digest)
		}
		used = append(used, params...)
	}
	a := w.at(r)
	w.p.r.Add(a.Path(append([]string{"@template"}, path...)...), snapshot.Strings(false, readings...), "")
	w.p.r.Add(a.Path(append([]string{"@by"}, path...)...), snapshot.Strings(true, used...), "")
}

// maxTemplate bounds the texts that parameters are looked for in.
const maxTemplate = 1 << 20

// template replaces every value of a parameter in a text by the parameter's name. What is too common to mean the parameter counts only as the whole text.
func (x *explanation) template(text string, names map[string]string) (string, []string) {
	var used []string
	for _, v := range x.texts {
		if (v == "true" || v == "false" || len(v) < 2) && v != text {
			continue
		}
		if replaced := replaceWord(text, v, "\x01"+names[v]+"\x02"); replaced != text {
			text = replaced
			used = append(used, names[v])
		}
	}
	return text, used
}

// replaceWord replaces a word where no letter, digit, '_' or '-' stands directly beside it, and leaves what an earlier replacement made alone.
func replaceWord(text, word, with string) string {
	if word == "" || !strings.Contains(text, word) {
		return text
	}
	var b strings.Builder
	for {
		i := strings.Index(text, word)
		if i < 0 {
			break
		}
		end := i + len(word)
		if open := strings.IndexByte(text, '\x01'); open >= 0 && open < end { // skip the replacement whole
			if stop := strings.IndexByte(text[open:], '\x02'); stop >= 0 {
				b.WriteString(text[:open+stop+1])
				text = text[open+stop+1:]
				continue
			}
		}
		b.WriteString(text[:i])
		if wordByte(text, i-1) || wordByte(text, end) || i == 0 && b.Len() > 0 && joined(b.String()) {
			b.WriteString(word)
		} else {
			b.WriteString(with)
		}
		text = text[end:]
	}
	b.WriteString(text)
	return b.String()
}

// joined reports a text that ends inside a word.
func joined(text string) bool { return wordByte(text, len(text)-1) }

func wordByte(text string, i int) bool {
	if i < 0 || i >= len(text) {
		return false
	}
	c := text[i]
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c == '-'
}
