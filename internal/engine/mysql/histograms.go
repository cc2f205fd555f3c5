package mysql

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/envdiff/envdiff/internal/engine"
)

func float(c engine.Cell) float64 {
	f, _ := strconv.ParseFloat(string(c.Data), 64)
	return f
}

// mariaHistogram reads a JSON_HB histogram: buckets of values that are not null, with their share of those. A bucket of one value is that value's; the start of
// another, and the end of the last, are values that were there. (sql/opt_histogram_json.cc)
func mariaHistogram(s *engine.ColumnStatistics, text []byte) {
	var h struct {
		Buckets []struct {
			Start *string // there is start_hex for what is no text
			End   *string
			Size  float64
			NDV   int64
		} `json:"histogram_hb"`
	}
	if json.Unmarshal(text, &h) != nil {
		return
	}
	for _, b := range h.Buckets {
		switch {
		case b.Start == nil || len(*b.Start) >= mostValueBytes:
		case b.NDV == 1:
			s.Common = append(s.Common, engine.CommonValue{Value: *b.Start, Share: b.Size * (1 - s.NullShare)})
		default:
			s.Bounds = append(s.Bounds, *b.Start)
		}
		if b.End != nil && b.NDV != 1 && len(*b.End) < mostValueBytes {
			s.Bounds = append(s.Bounds, *b.End)
		}
	}
}

// mysqlHistogram reads a histogram of MySQL 8, and says which share of the rows it was made from, 0 where it cannot be read: of values with the share of the rows
// up to each, or of ranges with their ends, which were there. (https://dev.mysql.com/doc/refman/8.4/en/optimizer-statistics.html)
func mysqlHistogram(s *engine.ColumnStatistics, text []byte) (share float64) {
	var h struct {
		Buckets [][]json.RawMessage
		Nulls   float64 `json:"null-values"`
		Rate    float64 `json:"sampling-rate"`
		Type    string  `json:"histogram-type"`
	}
	if json.Unmarshal(text, &h) != nil || h.Rate <= 0 || h.Rate > 1 {
		return 0
	}
	s.NullShare = h.Nulls
	before := 0.0
	for _, b := range h.Buckets {
		switch {
		case h.Type == "singleton" && len(b) == 2:
			upTo, err := strconv.ParseFloat(string(b[1]), 64)
			if value, ok := mysqlValue(b[0]); ok && err == nil {
				s.Common = append(s.Common, engine.CommonValue{Value: value, Share: max(0, upTo-before)})
			}
			before = upTo
		case h.Type == "equi-height" && len(b) == 4:
			for _, end := range b[:2] {
				if value, ok := mysqlValue(end); ok {
					s.Bounds = append(s.Bounds, value)
				}
			}
		}
	}
	return h.Rate
}

// mysqlValue reads a value: a number, or a text, which is base64 behind its type where it is one of characters: "base64:type254:YWJj". Of long ones the
// beginning is there, 42 characters.
func mysqlValue(raw json.RawMessage) (string, bool) {
	if len(raw) == 0 || raw[0] != '"' {
		return string(bytes.TrimSpace(raw)), len(raw) > 0 && string(raw) != "null"
	}
	var text string
	if json.Unmarshal(raw, &text) != nil {
		return "", false
	}
	rest, coded := strings.CutPrefix(text, "base64:type")
	if !coded {
		return text, true
	}
	_, data, _ := strings.Cut(rest, ":")
	value, err := base64.StdEncoding.DecodeString(data)
	return string(value), err == nil && utf8.Valid(value) && utf8.RuneCount(value) < 42
}
