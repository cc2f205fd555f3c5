package database

import (
	"math"
	"time"
)

// momentKind says what a text is as a date.
type momentKind int

const (
	noMoment       momentKind = iota
	aMoment                   // a day, or a day and a time
	zeroMoment                // 0000-00-00, or a month or day of zero: MySQL's
	endlessMoment             // infinity, which PostgreSQL has, and years that stand for it
	impossibleDate            // the 31st of April
)

// parseMoment reads a date or a moment as engines print it: 2026-01-31, 2026-01-31 12:00:00.5+00, 2026-01-31T12:00:00Z. Seconds are since 1970, without an
// offset: engines are asked for UTC.
func parseMoment(v []byte) (seconds float64, kind momentKind) {
	if s := string(v); s == "infinity" || s == "-infinity" {
		return 0, endlessMoment
	}
	if len(v) < 10 || v[4] != '-' || v[7] != '-' {
		return 0, noMoment
	}
	year, ok1 := decimal(v[0:4])
	month, ok2 := decimal(v[5:7])
	day, ok3 := decimal(v[8:10])
	if !ok1 || !ok2 || !ok3 || len(v) > 10 && v[10] != ' ' && v[10] != 'T' || month > 12 || day > 31 {
		return 0, noMoment
	}
	if len(v) > 10 {
		if len(v) < 19 || v[13] != ':' || v[16] != ':' {
			return 0, noMoment
		}
		h, ok1 := decimal(v[11:13])
		m, ok2 := decimal(v[14:16])
		s, ok3 := decimal(v[17:19])
		if !ok1 || !ok2 || !ok3 {
			return 0, noMoment
		}
		seconds = float64(h*3600 + m*60 + s)
	}
	switch {
	case month == 0 || day == 0:
		return 0, zeroMoment
	case day > daysIn(year, month):
		return 0, impossibleDate
	case year <= 1 || year >= 9998:
		return 0, endlessMoment
	}
	return seconds + float64(days(year, month, day))*86400, aMoment
}

func decimal(v []byte) (n int, ok bool) {
	for _, b := range v {
		if b-'0' > 9 {
			return 0, false
		}
		n = n*10 + int(b-'0')
	}
	return n, true
}

func daysIn(year, month int) int {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

// days since 1970, of the Gregorian calendar; years begin in March, so that February's last day is theirs.
func days(year, month, day int) int {
	if month <= 2 {
		year, month = year-1, month+12
	}
	return 365*year + year/4 - year/100 + year/400 + (153*(month-3)+2)/5 + day - 1 - 719468
}

// momentTraits counts the traits of a column of dates.
type momentTraits struct {
	zero, impossible, endless int64
	future                    int64 // after now
	now                       float64
	first, newest             float64 // of those that are not after now
	past                      quantileSketch
	seen                      bool
}

func newMomentTraits(now time.Time) momentTraits {
	if now.IsZero() {
		return momentTraits{now: math.Inf(1)}
	}
	return momentTraits{now: float64(now.Unix()) + 86400} // a day of grace: clocks and time zones differ
}

// add counts n rows of a date; kept ones are remembered.
func (m *momentTraits) add(v []byte, kept bool, n int64) {
	seconds, kind := parseMoment(v)
	switch {
	case kind == zeroMoment:
		m.zero += n
	case kind == impossibleDate:
		m.impossible += n
	case kind == endlessMoment:
		m.endless += n
	case kind == aMoment && seconds > m.now:
		m.future += n
	case kind == aMoment && kept:
		if !m.seen || seconds < m.first {
			m.first = seconds
		}
		if !m.seen || seconds > m.newest {
			m.newest = seconds
		}
		m.seen = true
		m.past.add(seconds)
	}
}

// ages are quantiles in days before the newest, the youngest first: two databases were filled at different moments, and age alike.
func (m *momentTraits) ages() []float64 {
	list := m.past.quantiles(m.first, m.newest)
	if list == nil {
		return nil
	}
	out := make([]float64, len(list))
	for i, seconds := range list {
		out[len(list)-1-i] = math.Round((m.newest-seconds)/864) / 100
	}
	return out
}
