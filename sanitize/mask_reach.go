package sanitize

import "bytes"

// reach makes sure that nobody is reached by a text of a copy that is kept. E-mail addresses in it end in .invalid within their length; those too
// short for that (a@gmx.de) get a top-level domain of the same length that is not delegated. Telephone numbers are of the reserved ranges. Payment
// cards and IBANs are masked as such, so right check digits stay right: a copy's own checks see what production's see.
type reach struct {
	phone *phone // nil: e-mail addresses only
	card  cellMasker
	iban  cellMasker
	cell  []byte
}

// in overwrites what stands in source, in place in its mask by shape, which has the same separators in the same places.
func (m *reach) in(out, source []byte) {
	digits := 0
	for i, c := range source {
		switch {
		case c >= '0' && c <= '9':
			digits++
		case c == '@' && i > 0:
			undeliverable(out, i)
		}
	}
	if m.phone == nil || digits < 7 {
		return
	}
	for i := 0; i < len(source); {
		if i > 0 && wordByte(source[i-1]) {
			i++
			continue
		}
		if end := ibanEnd(source, i); end > i {
			m.cell = m.iban.append(m.cell[:0], source[i:end])
			copy(out[i:], m.cell)
			i = end
			continue
		}
		end := cardEnd(source, i)
		if end > i {
			m.cell = m.card.append(m.cell[:0], source[i:end])
			copy(out[i:], m.cell)
		} else if end = phoneEnd(source, i); end > i && !isDate(source[i:end]) && !isIP(source[i:end]) && looksPhone(source[i:end]) {
			m.cell = m.phone.append(m.cell[:0], source[i:end])
			copy(out[i:], m.cell)
		}
		i = max(end, i+1)
	}
}

// undeliverable ends the e-mail address around the @ at a place in .invalid, if there is one.
func undeliverable(text []byte, at int) {
	from, end := at, at+1
	for from > 0 && localByte(text[from-1]) {
		from--
	}
	for end < len(text) && (text[end] == '.' || hostByte(text[end])) {
		end++
	}
	for end > at && (text[end-1] == '.' || text[end-1] == '-') {
		end--
	}
	if from == at || end == at || !isHostName(text[at+1:end]) {
		return
	}
	if shortest := len("x@x") + len(reservedTLD); end-from >= shortest && isASCII(text[end-shortest+1:end]) {
		tail := end - len(reservedTLD)
		text[at] = 'x'
		if at = min(at, tail-2); !asciiAlphanumeric(text[at-1]) && text[at-1] < 0x80 {
			text[at-1] = 'x'
		}
		text[at] = '@'
		for _, i := range []int{at + 1, tail - 1} {
			if !asciiAlphanumeric(text[i]) && text[i] < 0x80 {
				text[i] = 'x'
			}
		}
		copy(text[tail:end], reservedTLD)
		return
	}
	label := text[bytes.LastIndexByte(text[:end], '.')+1 : end]
	for i, c := range label {
		if isLetter(c) {
			label[i] = undelegated(len(label), i) | c&0x20
		}
	}
}

// undelegated is the i-th letter, in upper case, of a top-level domain of so many letters that nobody will ever have: .zz is a user-assigned code of ISO 3166, .alt
// is kept out of the DNS by RFC 9476, .test by RFC 2606, .local by RFC 6762. None of another length is reserved below seven letters: of z's there is none today.
func undelegated(length, i int) byte {
	if tld := map[int]string{3: "ALT", 4: "TEST", 5: "LOCAL"}[length]; tld != "" {
		return tld[i]
	}
	return 'Z'
}

// localByte and hostByte are what e-mail addresses are made of before and behind the @; beyond ASCII, anything.
func localByte(c byte) bool {
	return c > ' ' && c != 0x7f && bytes.IndexByte([]byte(`"(),:;<>[\]@`), c) < 0
}

func hostByte(c byte) bool { return c == '-' || c == '_' || wordByte(c) }

// wordByte is a letter or digit, or part of a character beyond ASCII.
func wordByte(c byte) bool { return c >= 0x80 || asciiAlphanumeric(c) }

func asciiAlphanumeric(c byte) bool { return c < 0x80 && asciiMembers[c].alphabet != nil }

// ibanEnd returns where the valid IBAN ends that starts at i, written as one word or in groups of four; i if there is none.
func ibanEnd(v []byte, i int) int {
	if i+15 > len(v) || !isLetter(v[i]) || !isLetter(v[i+1]) || two(v[i+2:]) < 0 {
		return i
	}
	found, group := i, 0
	for j := i; j < len(v) && j-i < 42; j++ {
		switch {
		case asciiAlphanumeric(v[j]):
			group++
		case v[j] == ' ' && group == 4 && j-i < 34+8:
			group = 0
			continue
		default:
			return found
		}
		if j-i >= 14 && (j+1 == len(v) || !wordByte(v[j+1])) && isIBAN(v[i:j+1]) {
			found = j + 1
		}
	}
	return found
}

// cardEnd returns where the valid payment card number ends that starts at i; i if there is none.
func cardEnd(v []byte, i int) int {
	found, n := i, 0
	for j := i; j < len(v); j++ {
		switch c := v[j]; {
		case c >= '0' && c <= '9':
			n++
		case c != ' ' && c != '-' || n == 0:
			return found
		}
		if n > 19 {
			return found
		}
		if n >= 13 && (j+1 == len(v) || !wordByte(v[j+1])) && isCard(v[i:j+1]) {
			found = j + 1
		}
	}
	return found
}

// phoneEnd returns where the digits end that start at i in groups as telephone numbers are written: at most 15, the most that such a number has; i if
// they are part of a word. A group that starts like a telephone number begins the next one once there are seven.
func phoneEnd(v []byte, i int) int {
	if c := v[i]; c != '+' && c != '(' && (c < '0' || c > '9') {
		return i
	}
	end, n := i, 0
	for j := i; j < len(v); j++ {
		switch c := v[j]; {
		case c >= '0' && c <= '9':
			if n++; n > 15 || n > 7 && c == '0' && v[j-1] == ' ' {
				return end
			}
			if j+1 == len(v) || v[j+1] < '0' || v[j+1] > '9' {
				if j+1 < len(v) && wordByte(v[j+1]) {
					return end
				}
				end = j + 1
			}
		case c == '+' && j > i, c == '(' && n >= 7:
			return end
		case c == ' ' || c == '-' || c == '/' || c == '.' || c == ')':
			if j == i || v[j-1] == c {
				return end
			}
		case c != '+' && c != '(':
			return end
		}
	}
	return end
}
