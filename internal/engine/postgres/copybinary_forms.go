package postgres

import (
	"encoding/binary"
	"encoding/hex"
	"math"
	"net/netip"
	"strconv"
	"time"
)

// binaryForm is how the server sends the values of a type (its send function), which are written as its output function would under textDialect.
type binaryForm uint8

const (
	noBinaryForm binaryForm = iota // read as text
	binaryText                     // the bytes are the text
	binaryBoolean
	binaryInteger // of two, four or eight bytes
	binaryUnsigned
	binarySingle
	binaryDouble
	binaryNumeric
	binaryDate
	binaryTime
	binaryTimestamp
	binaryTimestampTZ
	binaryUUID
	binaryBytes
	binaryJSONB
	binaryNetwork
)

// binaryForms are by the type's oid, which is the same in every PostgreSQL (pg_type.dat). Types that are not here are read as text, and with them the whole table.
var binaryForms = map[int64]binaryForm{
	16: binaryBoolean, 17: binaryBytes, 20: binaryInteger, 21: binaryInteger, 23: binaryInteger, 25: binaryText, 26: binaryUnsigned, 114: binaryText,
	650: binaryNetwork, 700: binarySingle, 701: binaryDouble, 869: binaryNetwork, 1042: binaryText, 1043: binaryText, 1082: binaryDate, 1083: binaryTime,
	1114: binaryTimestamp, 1184: binaryTimestampTZ, 1700: binaryNumeric, 2950: binaryUUID, 3802: binaryJSONB,
}

// appendText appends the text of a value; ok is false for what the type's send function never writes.
func (f binaryForm) appendText(to, v []byte) (text []byte, ok bool) {
	switch f {
	case binaryText:
		return append(to, v...), true
	case binaryBoolean:
		if len(v) == 1 && v[0] <= 1 {
			return append(to, "ft"[v[0]]), true
		}
	case binaryInteger:
		switch len(v) {
		case 2:
			return strconv.AppendInt(to, int64(int16(binary.BigEndian.Uint16(v))), 10), true
		case 4:
			return strconv.AppendInt(to, int64(int32(binary.BigEndian.Uint32(v))), 10), true
		case 8:
			return strconv.AppendInt(to, int64(binary.BigEndian.Uint64(v)), 10), true
		}
	case binaryUnsigned:
		if len(v) == 4 {
			return strconv.AppendUint(to, uint64(binary.BigEndian.Uint32(v)), 10), true
		}
	case binarySingle:
		if len(v) == 4 {
			return appendFloat(to, float64(math.Float32frombits(binary.BigEndian.Uint32(v))), 32), true
		}
	case binaryDouble:
		if len(v) == 8 {
			return appendFloat(to, math.Float64frombits(binary.BigEndian.Uint64(v)), 64), true
		}
	case binaryNumeric:
		return appendNumeric(to, v)
	case binaryDate:
		if len(v) == 4 {
			return appendDate(to, int64(int32(binary.BigEndian.Uint32(v)))), true
		}
	case binaryTime:
		if len(v) == 8 {
			return appendClock(to, int64(binary.BigEndian.Uint64(v))), true
		}
	case binaryTimestamp, binaryTimestampTZ:
		if len(v) == 8 {
			return appendTimestamp(to, int64(binary.BigEndian.Uint64(v)), f == binaryTimestampTZ), true
		}
	case binaryUUID:
		return appendUUID(to, v)
	case binaryBytes:
		return hex.AppendEncode(append(to, `\x`...), v), true
	case binaryJSONB:
		if len(v) > 1 && v[0] == 1 { // the version of the format
			return append(to, v[1:]...), true
		}
	case binaryNetwork:
		return appendNetwork(to, v)
	}
	return to, false
}

// appendFloat writes the shortest digits that read back as the number, with an exponent where the server has one (d2s.c, f2s.c).
func appendFloat(to []byte, f float64, bits int) []byte {
	switch {
	case math.IsNaN(f):
		return append(to, "NaN"...)
	case math.IsInf(f, 1):
		return append(to, "Infinity"...)
	case math.IsInf(f, -1):
		return append(to, "-Infinity"...)
	}
	least, most := 1e-4, 1e15
	if bits == 32 {
		least, most = float64(float32(1e-4)), 1e6
	}
	format := byte('e')
	if a := math.Abs(f); a == 0 || a >= least && a < most {
		format = 'f'
	}
	return strconv.AppendFloat(to, f, format, -1, bits)
}

// The signs of a numeric (numeric.c).
const (
	numericNegative = 0x4000
	numericNaN      = 0xC000
	numericInf      = 0xD000
	numericMinusInf = 0xF000
)

// appendNumeric writes digits of base 10,000: how many, the weight of the first, the sign, and how many decimal places are shown.
func appendNumeric(to, v []byte) ([]byte, bool) {
	if len(v) < 8 {
		return to, false
	}
	count, weight := int(binary.BigEndian.Uint16(v)), int(int16(binary.BigEndian.Uint16(v[2:])))
	sign, scale := binary.BigEndian.Uint16(v[4:]), int(binary.BigEndian.Uint16(v[6:]))
	digits := v[8:]
	if len(digits) != 2*count {
		return to, false
	}
	switch sign {
	case numericNaN:
		return append(to, "NaN"...), true
	case numericInf:
		return append(to, "Infinity"...), true
	case numericMinusInf:
		return append(to, "-Infinity"...), true
	case numericNegative:
		to = append(to, '-')
	case 0:
	default:
		return to, false
	}
	digit := func(i int) uint {
		if i < 0 || i >= count {
			return 0
		}
		return uint(binary.BigEndian.Uint16(digits[2*i:]))
	}
	if weight < 0 {
		to = append(to, '0')
	}
	for i := 0; i <= weight; i++ {
		if i == 0 {
			to = strconv.AppendUint(to, uint64(digit(0)), 10)
			continue
		}
		to = appendFour(to, digit(i))
	}
	if scale == 0 {
		return to, true
	}
	to = append(to, '.')
	end := len(to) + scale
	for i := weight + 1; len(to) < end; i++ {
		to = appendFour(to, digit(i))
	}
	return to[:end], true
}

func appendFour(to []byte, n uint) []byte {
	return append(to, byte('0'+n/1000%10), byte('0'+n/100%10), byte('0'+n/10%10), byte('0'+n%10))
}

func appendTwo(to []byte, n int) []byte { return append(to, byte('0'+n/10), byte('0'+n%10)) }

const (
	microsPerDay = int64(24 * time.Hour / time.Microsecond)
	// epochDays are the days from 1970, where Go's calendar begins, to 2000, where PostgreSQL's does.
	epochDays = 10957
)

// appendDay writes a day, and reports one before the year 1.
func appendDay(to []byte, days int64) (text []byte, beforeChrist bool) {
	year, month, day := civil(days + epochDays)
	if beforeChrist = year <= 0; beforeChrist {
		year = 1 - year
	}
	if year < 10_000 {
		to = appendFour(to, uint(year))
	} else {
		to = strconv.AppendInt(to, year, 10)
	}
	to = appendTwo(append(to, '-'), month)
	return appendTwo(append(to, '-'), day), beforeChrist
}

// civil is the Gregorian calendar's day, so many days after 1970-01-01, of years that begin in March.
func civil(days int64) (year int64, month, day int) {
	days += 719468
	era := days / 146097
	if days < 0 {
		era = (days - 146096) / 146097
	}
	ofEra := days - era*146097
	ofYear := (ofEra - ofEra/1460 + ofEra/36524 - ofEra/146096) / 365
	rest := ofEra - (365*ofYear + ofYear/4 - ofYear/100)
	m := (5*rest + 2) / 153
	day = int(rest - (153*m+2)/5 + 1)
	year, month = ofYear+era*400, int(m)+3
	if month > 12 {
		year, month = year+1, month-12
	}
	return year, month, day
}

// appendClock writes a time of day of so many microseconds. There is a 24:00:00.
func appendClock(to []byte, micros int64) []byte {
	seconds, fraction := micros/1e6, micros%1e6
	to = appendTwo(to, int(seconds/3600))
	to = appendTwo(append(to, ':'), int(seconds/60%60))
	to = appendTwo(append(to, ':'), int(seconds%60))
	if fraction == 0 {
		return to
	}
	to = append(to, '.')
	for unit := int64(100_000); fraction > 0; unit /= 10 {
		to = append(to, byte('0'+fraction/unit))
		fraction %= unit
	}
	return to
}

func appendDate(to []byte, days int64) []byte {
	switch days {
	case math.MaxInt32:
		return append(to, "infinity"...)
	case math.MinInt32:
		return append(to, "-infinity"...)
	}
	to, beforeChrist := appendDay(to, days)
	if beforeChrist {
		to = append(to, " BC"...)
	}
	return to
}

func appendTimestamp(to []byte, micros int64, zone bool) []byte {
	switch micros {
	case math.MaxInt64:
		return append(to, "infinity"...)
	case math.MinInt64:
		return append(to, "-infinity"...)
	}
	days, rest := micros/microsPerDay, micros%microsPerDay
	if rest < 0 {
		days, rest = days-1, rest+microsPerDay
	}
	to, beforeChrist := appendDay(to, days)
	to = appendClock(append(to, ' '), rest)
	if zone {
		to = append(to, "+00"...)
	}
	if beforeChrist {
		to = append(to, " BC"...)
	}
	return to
}

func appendUUID(to, v []byte) ([]byte, bool) {
	if len(v) != 16 {
		return to, false
	}
	from := 0
	for _, end := range [...]int{4, 6, 8, 10, 16} {
		if from > 0 {
			to = append(to, '-')
		}
		to = hex.AppendEncode(to, v[from:end])
		from = end
	}
	return to, true
}

// appendNetwork writes an inet or a cidr: family, bits of the mask, whether it is a cidr, the length of the address, and the address (network.c).
func appendNetwork(to, v []byte) ([]byte, bool) {
	if len(v) < 4 || len(v) != 4+int(v[3]) {
		return to, false
	}
	bits, cidr := int(v[1]), v[2] == 1
	addr, ok := netip.AddrFromSlice(v[4:])
	if !ok {
		return to, false
	}
	if low := v[len(v)-4:]; addr.Is6() && addr != netip.IPv6Unspecified() && isZero(v[4:16]) && (low[0] > 0 || low[1] > 0) {
		// The C library's form of an IPv4-compatible address; Go writes it as any other.
		var old [4]byte
		copy(old[:], low)
		to = netip.AddrFrom4(old).AppendTo(append(to, "::"...))
	} else {
		to = addr.AppendTo(to)
	}
	if cidr || bits != addr.BitLen() {
		to = strconv.AppendInt(append(to, '/'), int64(bits), 10)
	}
	return to, true
}

func isZero(v []byte) bool {
	for _, b := range v {
		if b != 0 {
			return false
		}
	}
	return true
}
