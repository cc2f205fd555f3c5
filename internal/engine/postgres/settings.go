package postgres

import (
	"strconv"
	"strings"
)

// settingText writes a setting's number with its unit as SHOW does: 16384 of 8kB is 128MB. What is special (-1, 0) or no number stays as it is.
func settingText(value, unit string) string {
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil || unit == "" || n <= 0 {
		return value
	}
	digits := len(unit) - len(strings.TrimLeft(unit, "0123456789"))
	if digits > 0 {
		factor, err := strconv.ParseInt(unit[:digits], 10, 64)
		if err != nil || n > 1<<40 {
			return value + " × " + unit
		}
		n, unit = n*factor, unit[digits:]
	}
	for _, larger := range [][]scale{memoryUnits, timeUnits} {
		for i, u := range larger {
			if u.name == unit {
				for ; i+1 < len(larger) && n%larger[i+1].factor == 0; i++ {
					n /= larger[i+1].factor
					unit = larger[i+1].name
				}
				return strconv.FormatInt(n, 10) + unit
			}
		}
	}
	return strconv.FormatInt(n, 10) + unit
}

// scale is a unit and how many of the one before it are one.
type scale struct {
	name   string
	factor int64
}

var (
	memoryUnits = []scale{{"B", 1}, {"kB", 1024}, {"MB", 1024}, {"GB", 1024}, {"TB", 1024}}
	timeUnits   = []scale{{"us", 1}, {"ms", 1000}, {"s", 1000}, {"min", 60}, {"h", 60}, {"d", 24}}
)
