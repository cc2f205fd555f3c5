package database

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"math"
	"strconv"

	"github.com/envdiff/envdiff/internal/engine"
)

// The canonical form of a cell is a tag, its length and its bytes: no two values run together, NULL is nobody's text, and a value
// that is not what its column says stays what it is.
const (
	tagNull   = 'n'
	tagNumber = '1'
	tagReal   = 'r' // a floating point number in an untyped column
	tagText   = 't'
	tagBytes  = 'b'
	tagMoment = 'm'
)

// canonical appends the canonical form of a cell to dst. scratch is reused between calls.
func canonical(dst []byte, is logical, c engine.Cell, scratch *[]byte) []byte {
	switch c.Type {
	case engine.CellNull:
		return append(dst, tagNull)
	case engine.CellBlob:
		if is == logicalBits {
			return tagged(dst, tagNumber, bitsNumber(c.Data, scratch))
		}
		return tagged(dst, tagBytes, c.Data)
	case engine.CellInteger:
		return tagged(dst, tagNumber, c.Data)
	case engine.CellReal:
		if is == logicalUntyped {
			return tagged(dst, tagReal, c.Data)
		}
		if n, ok := number(c.Data, scratch); ok {
			return tagged(dst, tagNumber, n)
		}
		return tagged(dst, tagReal, c.Data)
	}
	return canonicalText(dst, is, c.Data, scratch)
}

// canonicalText is the canonical form of a text.
func canonicalText(dst []byte, is logical, text []byte, scratch *[]byte) []byte {
	switch is {
	case logicalPadded:
		return tagged(dst, tagText, bytes.TrimRight(text, " "))
	case logicalNumber:
		if n, ok := number(text, scratch); ok {
			return tagged(dst, tagNumber, n)
		}
	case logicalBoolean:
		switch string(text) {
		case "t":
			return tagged(dst, tagNumber, []byte("1"))
		case "f":
			return tagged(dst, tagNumber, []byte("0"))
		}
	case logicalSingle, logicalDouble:
		if n, ok := float(text, is == logicalSingle, scratch); ok {
			return tagged(dst, tagNumber, n)
		}
	case logicalHex:
		if b, ok := unhex(text, scratch); ok {
			return tagged(dst, tagBytes, b)
		}
	case logicalUUID:
		*scratch = append((*scratch)[:0], text...)
		for i, b := range *scratch {
			if 'A' <= b && b <= 'Z' {
				(*scratch)[i] = b + 'a' - 'A'
			}
		}
		return tagged(dst, tagText, *scratch)
	case logicalJSON:
		if j, ok := canonicalJSON(text, scratch); ok {
			return tagged(dst, tagText, j)
		}
	case logicalTimestamp, logicalTime:
		if m, ok := moment(text, scratch); ok {
			return tagged(dst, tagMoment, m)
		}
	case logicalDate:
		if len(text) == len("2006-01-02") && text[4] == '-' && text[7] == '-' {
			return tagged(dst, tagMoment, text)
		}
	}
	return tagged(dst, tagText, text)
}

func tagged(dst []byte, tag byte, data []byte) []byte {
	dst = append(dst, tag)
	dst = binary.AppendUvarint(dst, uint64(len(data)))
	return append(dst, data...)
}

// maxExponent is beyond what any engine's numbers have.
const maxExponent = 20_000

// number is a decimal number without signs, zeros and exponents that mean nothing: "-1.50" is "-1.5", "1e2" is "100".
// It reports whether the text is a number.
func number(text []byte, scratch *[]byte) ([]byte, bool) {
	if n, ok := alreadyPlain(text); ok {
		return n, true
	}
	negative, rest := false, text
	if len(rest) > 0 && (rest[0] == '-' || rest[0] == '+') {
		negative, rest = rest[0] == '-', rest[1:]
	}
	exponent := 0
	if e := bytes.IndexAny(rest, "eE"); e > 0 {
		n, err := strconv.Atoi(string(rest[e+1:]))
		if err != nil || n > maxExponent || n < -maxExponent {
			return nil, false
		}
		exponent, rest = n, rest[:e]
	}
	whole, fraction, _ := bytes.Cut(rest, []byte("."))
	if len(whole)+len(fraction) == 0 || !digits(whole) || !digits(fraction) {
		return nil, false
	}
	if exponent == 0 {
		return plain(negative, bytes.TrimLeft(whole, "0"), bytes.TrimRight(fraction, "0"), scratch), true
	}
	all := append(append([]byte{}, whole...), fraction...)
	point := len(whole) + exponent
	for point > len(all) {
		all = append(all, '0')
	}
	for ; point < 0; point++ {
		all = append([]byte{'0'}, all...)
	}
	return plain(negative, bytes.TrimLeft(all[:point], "0"), bytes.TrimRight(all[point:], "0"), scratch), true
}

// alreadyPlain cuts zeros off the end of a fraction, where that is all that a number has too much. That is how servers write nearly all of them.
func alreadyPlain(text []byte) ([]byte, bool) {
	if len(text) == 0 || text[0] < '1' || text[0] > '9' {
		return nil, false
	}
	point := -1
	for i := 1; i < len(text); i++ {
		if b := text[i]; b < '0' || b > '9' {
			if b != '.' || point >= 0 {
				return nil, false
			}
			point = i
		}
	}
	if point < 0 {
		return text, true
	}
	end := len(text)
	for text[end-1] == '0' {
		end--
	}
	if end-1 == point {
		end = point
	}
	return text[:end], true
}

func plain(negative bool, whole, fraction []byte, scratch *[]byte) []byte {
	out := (*scratch)[:0]
	if negative && len(whole)+len(fraction) > 0 {
		out = append(out, '-')
	}
	if len(whole) == 0 {
		out = append(out, '0')
	}
	out = append(out, whole...)
	if len(fraction) > 0 {
		out = append(append(out, '.'), fraction...)
	}
	*scratch = out
	return out
}

func digits(text []byte) bool {
	for _, b := range text {
		if b < '0' || b > '9' {
			return false
		}
	}
	return true
}

// float is the shortest number that reads back as the same floating point number.
func float(text []byte, single bool, scratch *[]byte) ([]byte, bool) {
	f, err := strconv.ParseFloat(string(text), 64)
	if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
		return nil, false
	}
	size := 64
	if single {
		size = 32
	}
	if f == 0 {
		f = 0 // and not -0
	}
	*scratch = strconv.AppendFloat((*scratch)[:0], f, 'f', -1, size)
	return *scratch, true
}

// bitsNumber is the number that a bit string stands for.
func bitsNumber(b []byte, scratch *[]byte) []byte {
	var n uint64
	for _, x := range b {
		n = n<<8 | uint64(x)
	}
	*scratch = strconv.AppendUint((*scratch)[:0], n, 10)
	return *scratch
}

// unhex reads PostgreSQL's \x… .
func unhex(text []byte, scratch *[]byte) ([]byte, bool) {
	rest, ok := bytes.CutPrefix(text, []byte(`\x`))
	if !ok {
		return nil, false
	}
	out, err := hex.AppendDecode((*scratch)[:0], rest)
	*scratch = out
	return out, err == nil
}

// moment drops what means nothing: zeros at the end of a fraction, +00 and Z (all sessions read UTC), the T between date and time.
func moment(text []byte, scratch *[]byte) ([]byte, bool) {
	out, colon := text, bytes.IndexByte(text, ':')
	for _, zone := range [...]string{"+00:00", "+00", "Z"} {
		if at := len(text) - len(zone); at > colon && colon > 0 && string(text[at:]) == zone {
			out = text[:at]
			break
		}
	}
	if len(out) < len("15:04:05") || colon < 0 {
		return nil, false
	}
	if len(out) > 10 && out[10] == 'T' {
		out = append((*scratch)[:0], out...)
		*scratch = out
		out[10] = ' '
	}
	if bytes.IndexByte(out, '.') > 0 {
		out = bytes.TrimSuffix(bytes.TrimRight(out, "0"), []byte("."))
	}
	return out, true
}
