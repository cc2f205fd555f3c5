package sanitize

import (
	"github.com/envdiff/envdiff/internal/keys"
)

// inside masks the values in documents (JSON, hstore, XML), each as what it looks like: an e-mail address, UUID, date, URL, network or
// hardware address, IBAN or payment card stays one. In a copy that is kept, what looks like a phone number reaches nobody, and what stands
// under a key that says name, phone or password is masked as that. All else is masked as text. Every mask stays in its kind, so the whole is
// a bijection where the masks are.
type inside struct {
	kinds  [insideKinds]cellMasker
	oneWay bool
	named  map[category]cellMasker
	keys   map[string]cellMasker // what was found out about keys; nil is nothing
}

// insideKind is what a value in a document looks like. Values are of the first kind that fits.
type insideKind int

const (
	insideEmail insideKind = iota
	insideUUID
	insideDate
	insideURL
	insideIP
	insideMAC
	insideIBAN
	insideCard
	insideText
	insideKinds
)

func newInside(key keys.Key, o maskOptions) *inside {
	m := &inside{oneWay: o.oneWay(), keys: map[string]cellMasker{}}
	m.kinds = [insideKinds]cellMasker{
		newEmail(key.Derive("email"), o), newUUID(key.Derive("uuid"), o), newDate(key.Derive("date"), o), newURL(key.Derive("url"), o), newIP(key.Derive("ip"), o),
		newMAC(key.Derive("mac"), o), newIBAN(key.Derive("iban"), o), newCard(key.Derive("card"), o), newProse(key, o),
	}
	if m.oneWay {
		name := newName(key.Derive("name"), o)
		m.named = map[category]cellMasker{"phone": newPhone(key.Derive("phone"), o), categorySecret: newToken(key.Derive("token"), o)}
		for _, c := range []category{"name", "given-name", "family-name", "company", "city"} {
			m.named[c] = name
		}
	}
	return m
}

func kindInside(v []byte) insideKind {
	switch {
	case emailAt(v) >= 0:
		return insideEmail
	case isUUID(v):
		return insideUUID
	case isDate(v):
		return insideDate
	case isURL(v):
		return insideURL
	case isIP(v):
		return insideIP
	case isMAC(v):
		return insideMAC
	case isIBAN(v):
		return insideIBAN
	case isCard(v):
		return insideCard
	}
	return insideText
}

// append masks a value that stands under a key, which may be nil.
func (m *inside) append(dst, key, v []byte) []byte {
	if blank(v) {
		return append(dst, v...)
	}
	core := trimmed(v)
	lead := 0
	for space(v[lead]) {
		lead++
	}
	dst = append(dst, v[:lead]...)
	dst = m.appendCore(dst, key, core)
	return append(dst, v[lead+len(core):]...)
}

func (m *inside) appendCore(dst, key, v []byte) []byte {
	kind := kindInside(v)
	if kind < insideText {
		return m.kinds[kind].append(dst, v)
	}
	if m.oneWay {
		if looksPhone(v) {
			return m.named["phone"].append(dst, v)
		}
		if by := m.byKey(key); by != nil {
			return by.append(dst, v)
		}
	}
	start := len(dst)
	dst = m.kinds[insideText].append(dst, v)
	if out := dst[start:]; kindInside(out) != insideText {
		copy(out, v) // text keeps its length
		m.kinds[insideText].(*text).maskClosed(out, func(b []byte) bool { return kindInside(b) == insideText })
	}
	return dst
}

// maxKeys is how many keys of documents are remembered with what they say.
const maxKeys = 4096

// byKey is the mask of what a key says, nil for none.
func (m *inside) byKey(key []byte) cellMasker {
	if len(key) == 0 || len(key) > 64 {
		return nil
	}
	by, known := m.keys[string(key)]
	if !known {
		if c, ok := categoryOf(string(key)); ok {
			by = m.named[c]
		}
		if len(m.keys) < maxKeys {
			m.keys[string(key)] = by
		}
	}
	return by
}

// dataLike reports whether a key holds data.
func dataLike(s []byte) bool {
	return emailAt(s) >= 0 || isUUID(s) || len(s) >= 6 && skipDigits(s, 0) == len(s)
}
