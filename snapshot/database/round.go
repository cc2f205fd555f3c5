package database

import (
	"bytes"
	"math/big"
	"time"
)

// roundCell rounds a number, or the fraction of a moment's seconds, to so many decimal places, half away from zero, as servers do when they store it in a
// narrower column. What is no finite number and no plain moment stays what it is.
func roundCell(is logical, text []byte, places int) []byte {
	switch is {
	case logicalNumber, logicalSingle, logicalDouble:
		return roundNumber(text, places)
	case logicalTimestamp, logicalTime:
		return roundMoment(text, places)
	}
	return text
}

func roundNumber(text []byte, places int) []byte {
	if at := bytes.IndexByte(text, '.'); at >= 0 && len(text)-at-1 <= places && !bytes.ContainsAny(text, "eE") {
		return text
	}
	if len(text) > 400 || bytes.ContainsAny(text, "/_xXnNpP") { // what big.Rat reads beyond decimal numbers, and infinite ones
		return text
	}
	var scratch []byte
	plain, ok := number(text, &scratch)
	if !ok {
		return text
	}
	r, ok := new(big.Rat).SetString(string(plain))
	if !ok {
		return text
	}
	return []byte(r.FloatString(places))
}

// moments are the layouts of texts that are rounded: those of years with four digits, in UTC or without a zone, and times of day.
var moments = []string{"2006-01-02 15:04:05", "15:04:05"}

func roundMoment(text []byte, places int) []byte {
	if bytes.IndexByte(text, '.') < 0 {
		return text
	}
	var scratch []byte
	plain, ok := moment(text, &scratch)
	if !ok {
		return text
	}
	unit := time.Second
	for range places {
		unit /= 10
	}
	if unit == 0 {
		return text
	}
	for _, layout := range moments {
		t, err := time.Parse(layout, string(plain))
		if err != nil {
			continue
		}
		if layout != "15:04:05" || t.Round(unit).Day() == t.Day() {
			return []byte(t.Round(unit).Format(layout + ".999999999"))
		}
		return []byte("24" + t.Round(unit).Format(layout)[2:]) // PostgreSQL's and MySQL's end of the day
	}
	return text
}
