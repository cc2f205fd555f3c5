package sanitize

import (
	"bytes"
	"encoding/binary"
	"strconv"

	"github.com/envdiff/envdiff/internal/keys"
)

// dateSpan is how many days a date may move: dates permute within spans of 512 days that all columns share, so dates
// further apart than that keep their order, ages stay plausible, and the map is injective.
const dateSpan = 512

// date moves calendar dates. Formats stay: ISO 8601 with or without a time and zone, yyyymmdd, dd.mm.yyyy, mm/dd/yyyy,
// dd/mm/yyyy, and integers that count seconds or milliseconds since 1970. The time of day is permuted too, midnight
// stays; dates before year 2 and from year 9999 on, infinity and zero dates are markers, not data, and stay; of a partial
// date the parts that are there move. What is no date is masked by shape and stays none.
type date struct {
	s       *shape
	order   [dateSpan]uint16 // a keyed permutation of the days of a span
	inverse [dateSpan]uint16
	num     *number
	sym     []byte
	radix   []uint16
}

func newDate(key keys.Key, o maskOptions) cellMasker {
	m := &date{s: newShape(key, false)}
	m.num = newNumber(key, o).(*number)
	for i := range m.order {
		m.order[i] = uint16(i)
	}
	for i := dateSpan - 1; i > 0; i-- {
		j := m.s.f.number(1, binary.LittleEndian.AppendUint16(nil, uint16(i)), uint64(i+1))
		m.order[i], m.order[j] = m.order[j], m.order[i]
	}
	for i, x := range m.order {
		m.inverse[x] = uint16(i)
	}
	return m
}

func (m *date) append(dst, v []byte) []byte {
	start := len(dst)
	dst = append(dst, v...)
	out := dst[start:]
	if endless(out) {
		return dst
	}
	if n := partialDate(out); n > 0 {
		m.partial(out)
		if n > 11 {
			m.clock(out[11:])
		}
		return dst
	}
	d, ok := parseDate(out)
	if !ok {
		m.s.maskClosed(out, func(b []byte) bool { return isDate(b) || endless(b) || partialDate(b) > 0 })
		return dst
	}
	if d.marker() {
		return dst
	}
	class := d.class
	for {
		d.days = m.move(d.days)
		d.write(out)
		if again, ok := parseDate(out); ok && again.class == class && !again.marker() {
			break
		}
	}
	if d.time > 0 {
		m.clock(out[d.time:])
	}
	return dst
}

// plain reports dates that mean "never", "forever" or "unknown".
func (m *date) plain(v []byte) bool {
	d, ok := parseDate(v)
	return ok && d.marker() || endless(v)
}

// endless reports PostgreSQL's infinity, years of five digits and before Christ, and MySQL's zero dates.
func endless(v []byte) bool {
	if bytes.HasPrefix(v, []byte("0000-00-00")) || bytes.EqualFold(v, []byte("infinity")) || bytes.EqualFold(v, []byte("-infinity")) {
		return true
	}
	year := skipDigits(v, 0)
	if year < 4 || year > 6 || len(v) < year+6 || v[year] != '-' || v[year+3] != '-' || two(v[year+1:]) < 0 || two(v[year+4:]) < 0 {
		return false
	}
	return year > 4 && (len(v) == year+6 || v[year+6] == ' ') || bytes.HasSuffix(v, []byte(" BC"))
}

// partialDate recognises what MySQL and MariaDB allow with a month or day that is zero: yyyy-00-00, yyyy-mm-00, with or without a time. It returns the
// length, 0 for anything else.
func partialDate(v []byte) int {
	if len(v) < 10 || skipDigits(v, 0) != 4 || v[4] != '-' || v[7] != '-' || endless(v) {
		return 0
	}
	month, day := two(v[5:]), two(v[8:])
	if month < 0 || month > 12 || day < 0 || day > 31 || month > 0 && day > 0 || len(v) > 10 && (len(v) < 19 || v[10] != ' ') {
		return 0
	}
	return len(v)
}

// partial permutes the year of a partial date among eight, and month and day where they are; zeros stay, and so do years that are markers.
func (m *date) partial(v []byte) {
	year := two(v)*100 + two(v[2:])
	if year < 8 || year >= 9992 {
		return
	}
	sym, radix := [2]byte{byte(year % 8)}, [2]uint16{8, 12}
	n := 1
	month, day := two(v[5:]), two(v[8:])
	switch {
	case month > 0:
		sym[1], n = byte(month-1), 2
	case day > 0:
		sym[1], radix[1], n = byte(day-1), 31, 2
	}
	// A shift has no fixed point, and neither has its conjugate by the permutation.
	m.s.f.permute(sym[:n], radix[:n])
	sym[0] = (sym[0] + 1) % 8
	m.s.f.invert(sym[:n], radix[:n])
	year += int(sym[0]) - year%8
	v[2], v[3] = '0'+byte(year/10%10), '0'+byte(year%10)
	v[0], v[1] = '0'+byte(year/1000), '0'+byte(year/100%10)
	at := 5
	if day > 0 {
		at = 8
	}
	if n == 2 {
		v[at], v[at+1] = '0'+(sym[1]+1)/10, '0'+(sym[1]+1)%10
	}
}

// move permutes a day within its span: a shift conjugated by the span's permutation, so no day stays. The shift is odd,
// so that all days of a span form one cycle and the walk in append always finds another day of the same class.
func (m *date) move(days int) int {
	span := floorDiv(days, dateSpan)
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], uint64(span))
	r := m.s.f.number(2, b[:], 1<<32)
	offset, shift := int(r%dateSpan), int(r>>16%(dateSpan/2))*2+1
	x := (days - span*dateSpan + offset) % dateSpan
	y := int(m.inverse[(int(m.order[x])+shift)%dateSpan])
	return span*dateSpan + (y-offset+dateSpan)%dateSpan
}

// clock permutes hh:mm[:ss[.fraction]] at the start of v; midnight stays midnight and no other time becomes it.
func (m *date) clock(v []byte) {
	m.sym, m.radix = m.sym[:0], m.radix[:0]
	var at [3]int
	parts, i := 0, 0
	for parts < 3 && i+2 <= len(v) {
		n := two(v[i:])
		if n < 0 || n > 59 || parts == 0 && n > 23 {
			break
		}
		at[parts] = i
		m.sym, m.radix = append(m.sym, byte(n)), append(m.radix, clockRadix[parts])
		parts++
		i += 2
		if i >= len(v) || v[i] != ':' {
			break
		}
		i++
	}
	fraction := 0
	if parts == 3 && i < len(v) && v[i] == '.' {
		fraction = i + 1
		end := skipDigits(v, fraction)
		for end > fraction && v[end-1] == '0' {
			end--
		}
		for j := fraction; j < end; j++ {
			if j == end-1 {
				m.sym, m.radix = append(m.sym, v[j]-'1'), append(m.radix, 9)
			} else {
				m.sym, m.radix = append(m.sym, v[j]-'0'), append(m.radix, 10)
			}
		}
	}
	midnight := func() bool { return len(m.sym) <= 3 && len(bytes.Trim(m.sym, "\x00")) == 0 }
	if parts == 0 || midnight() {
		return
	}
	for {
		if m.s.f.permute(m.sym, m.radix); !midnight() {
			break
		}
	}
	for p := range parts {
		v[at[p]], v[at[p]+1] = '0'+m.sym[p]/10, '0'+m.sym[p]%10
	}
	for j, x := range m.sym[parts:] {
		if j == len(m.sym)-parts-1 {
			x++
		}
		v[fraction+j] = '0' + x
	}
}

// appendNumber masks integers: yyyymmdd, and seconds or milliseconds since 1970 of 9, 10, 12 or 13 digits. Others are
// permuted as numbers, which keeps the number of digits and so keeps them apart.
func (m *date) appendNumber(dst, v []byte) []byte {
	if _, ok := parseDate(v); ok {
		return m.append(dst, v)
	}
	n, err := strconv.ParseInt(string(v), 10, 64)
	unit := epochUnit(n)
	if err != nil || unit == 0 {
		start := len(dst)
		dst = append(dst, v...)
		closed(dst[start:], isDate, func(b []byte) {
			m.sym = m.num.append(m.sym[:0], b)
			copy(b, m.sym)
		})
		return dst
	}
	seconds, rest := n/unit, n%unit
	for {
		seconds = int64(m.move(int(seconds/86400)))*86400 + m.secondOfDay(seconds%86400)
		if epochUnit(seconds*unit+rest) == unit {
			return strconv.AppendInt(dst, seconds*unit+rest, 10)
		}
	}
}

// secondOfDay permutes the seconds of a day other than midnight.
func (m *date) secondOfDay(s int64) int64 {
	if s == 0 {
		return 0
	}
	clock := [3]byte{byte(s / 3600), byte(s / 60 % 60), byte(s % 60)}
	for {
		m.s.f.permute(clock[:], clockRadix)
		if clock != [3]byte{} {
			return int64(clock[0])*3600 + int64(clock[1])*60 + int64(clock[2])
		}
	}
}

var clockRadix = []uint16{24, 60, 60}

// epochUnit is how many units of n make a second: 1, 1000, or 0 for a number that is no time.
func epochUnit(n int64) int64 {
	switch {
	case n >= 100_000_000 && n < 10_000_000_000:
		return 1
	case n >= 100_000_000_000 && n < 10_000_000_000_000:
		return 1000
	}
	return 0
}

// parsedDate is a calendar date and where its parts stand.
type parsedDate struct {
	days             int // since 1970-01-01
	year, month, day int // offsets of yyyy, mm, dd
	class            byte
	time             int // offset of the time of day, 0 without
}

// The classes of dates, which the mask keeps apart: only dates of one class are each other's images.
const (
	classISO     = 'i'
	classCompact = 'c'
	classDot     = '.'
	classUS      = 'u' // a/b/yyyy with a ≤ 12: read as month/day
	classSlash   = '/' // a > 12: day/month
)

// marker reports dates outside 0002 to 9998: "never", "forever" and "unknown".
func (d parsedDate) marker() bool {
	y, _, _ := civil(d.days)
	first, _, _ := civil(floorDiv(d.days, dateSpan) * dateSpan)
	last, _, _ := civil(floorDiv(d.days, dateSpan)*dateSpan + dateSpan - 1)
	return y < 2 || y > 9998 || first < 2 || last > 9998
}

func (d parsedDate) write(v []byte) {
	y, mo, da := civil(d.days)
	for i := 3; i >= 0; i-- {
		v[d.year+i] = '0' + byte(y%10)
		y /= 10
	}
	v[d.month], v[d.month+1] = '0'+byte(mo/10), '0'+byte(mo%10)
	v[d.day], v[d.day+1] = '0'+byte(da/10), '0'+byte(da%10)
}

// parseDate recognises the formats that date lists. An impossible date is none.
func parseDate(v []byte) (d parsedDate, ok bool) {
	switch {
	case len(v) == 8 && skipDigits(v, 0) == 8:
		d = parsedDate{year: 0, month: 4, day: 6, class: classCompact}
	case len(v) >= 10 && skipDigits(v, 0) == 4 && v[4] == '-' && v[7] == '-':
		d = parsedDate{year: 0, month: 5, day: 8, class: classISO}
	case len(v) >= 10 && skipDigits(v, 0) == 2 && v[2] == '.' && v[5] == '.':
		d = parsedDate{day: 0, month: 3, year: 6, class: classDot}
	case len(v) >= 10 && skipDigits(v, 0) == 2 && v[2] == '/' && v[5] == '/':
		d = parsedDate{month: 0, day: 3, year: 6, class: classUS}
		if two(v) > 12 {
			d = parsedDate{day: 0, month: 3, year: 6, class: classSlash}
		}
	default:
		return d, false
	}
	century, year, month, day := two(v[d.year:]), two(v[d.year+2:]), two(v[d.month:]), two(v[d.day:])
	if century < 0 || year < 0 || month < 1 || month > 12 || day < 1 || day > 31 {
		return d, false
	}
	d.days = daysOf(century*100+year, month, day)
	if _, m, da := civil(d.days); m != month || da != day {
		return d, false
	}
	if len(v) > 10 {
		if v[10] != ' ' && v[10] != 'T' || len(v) < 16 || two(v[11:]) < 0 || two(v[11:]) > 23 || v[13] != ':' || two(v[14:]) < 0 || two(v[14:]) > 59 {
			return d, false
		}
		d.time = 11
	}
	return d, true
}

func isDate(v []byte) bool {
	_, ok := parseDate(v)
	return ok
}

// two reads two digits, -1 if they are none.
func two(v []byte) int {
	if len(v) < 2 || v[0] < '0' || v[0] > '9' || v[1] < '0' || v[1] > '9' {
		return -1
	}
	return int(v[0]-'0')*10 + int(v[1]-'0')
}

func floorDiv(a, b int) int {
	if a < 0 {
		return (a - b + 1) / b
	}
	return a / b
}

// daysOf and civil convert between dates of the proleptic Gregorian calendar and days since 1970-01-01, counting years
// from March so that the leap day is the last of its year, in eras of 400 years.
func daysOf(y, m, d int) int {
	if m <= 2 {
		y--
	}
	era := floorDiv(y, 400)
	yoe := y - era*400
	doy := (153*((m+9)%12)+2)/5 + d - 1
	return era*146097 + yoe*365 + yoe/4 - yoe/100 + doy - 719468
}

func civil(days int) (y, m, d int) {
	days += 719468
	era := floorDiv(days, 146097)
	doe := days - era*146097
	yoe := (doe - doe/1460 + doe/36524 - doe/146096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	d = doy - (153*mp+2)/5 + 1
	if m = mp + 3; m > 12 {
		m -= 12
	}
	y = yoe + era*400
	if m <= 2 {
		y++
	}
	return y, m, d
}
