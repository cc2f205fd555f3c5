package database

import "testing"

func TestRoundingIsHalfAwayFromZero(t *testing.T) {
	for _, c := range []struct {
		is     logical
		text   string
		places int
		want   string
	}{
		{logicalNumber, "1.235", 2, "1.24"}, {logicalNumber, "-1.235", 2, "-1.24"}, {logicalNumber, "1.2", 2, "1.2"}, {logicalNumber, "12", 2, "12.00"},
		{logicalNumber, "99999999999999999999999.995", 2, "100000000000000000000000.00"}, {logicalNumber, "NaN", 2, "NaN"}, {logicalNumber, "Infinity", 0, "Infinity"},
		{logicalDouble, "0.30000000000000004", 6, "0.300000"}, {logicalDouble, "1e-9", 6, "0.000000"}, {logicalDouble, "1e21", 0, "1000000000000000000000"},
		{logicalTimestamp, "2024-12-31 23:59:59.5", 0, "2025-01-01 00:00:00"}, {logicalTimestamp, "2024-02-29 10:00:00.123456+00", 3, "2024-02-29 10:00:00.123"},
		{logicalTimestamp, "2024-02-29 10:00:00+00", 0, "2024-02-29 10:00:00+00"}, {logicalTimestamp, "infinity", 0, "infinity"}, {logicalTimestamp, "0044-03-15 12:00:00.7 BC", 0, "0044-03-15 12:00:00.7 BC"},
		{logicalTime, "23:59:59.9", 0, "24:00:00"}, {logicalTime, "10:00:00.04", 1, "10:00:00"}, {logicalTime, "838:59:59.9", 0, "838:59:59.9"},
		{logicalText, "1.235", 2, "1.235"},
	} {
		if got := string(roundCell(c.is, []byte(c.text), c.places)); got != c.want {
			t.Errorf("%s to %d: %s, want %s", c.text, c.places, got, c.want)
		}
	}
}
