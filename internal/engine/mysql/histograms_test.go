package mysql

import (
	"fmt"
	"testing"

	"github.com/envdiff/envdiff/internal/engine"
)

// What MySQL 8's manual shows of histograms: no such server can be had from a distribution here.
func TestHistogramsOfMySQL8(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"values", `{"buckets": [[1, 0.3333333333333333], [2, 0.6666666666666666], [-3, 1]], "null-values": 0, "last-updated": "2017-03-24 13:32:40.000000", "sampling-rate": 1, "histogram-type": "singleton", "number-of-buckets-specified": 128, "data-type": "int", "collation-id": 8}`,
			"1 nulls 0 [1 0.33 2 0.33 -3 0.33] []"},
		{"texts and nulls", `{"buckets": [["base64:type254:w6k=", 0.25], ["base64:type254:Yg==", 0.75]], "null-values": 0.25, "sampling-rate": 0.5, "histogram-type": "singleton", "data-type": "string"}`, "0.5 nulls 0.25 [é 0.25 b 0.50] []"},
		{"ranges", `{"buckets": [[1, 10, 0.5, 10], ["2024-01-01", "base64:type254:/w==", 1, 3]], "null-values": 0, "sampling-rate": 1, "histogram-type": "equi-height"}`, "1 nulls 0 [] [1 10 2024-01-01]"},
		{"a text that was cut", `{"buckets": [["base64:type254:YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFh", 1]], "null-values": 0, "sampling-rate": 1, "histogram-type": "singleton"}`, "1 nulls 0 [] []"},
		{"of no rows", `{"buckets": [], "null-values": 1, "sampling-rate": 0, "histogram-type": "singleton"}`, "0 nulls -1 [] []"},
		{"nothing", `[]`, "0 nulls -1 [] []"},
	} {
		s := &engine.ColumnStatistics{NullShare: -1}
		share := mysqlHistogram(s, []byte(c.text))
		common := []string{}
		for _, v := range s.Common {
			common = append(common, fmt.Sprintf("%s %.2f", v.Value, v.Share))
		}
		if got := fmt.Sprintf("%g nulls %g %v %v", share, s.NullShare, common, s.Bounds); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func FuzzHistograms(f *testing.F) {
	f.Add([]byte(`{"histogram_hb": [{"start": "a", "size": 0.5, "ndv": 1}, {"start": "b", "end": "c", "size": 0.5, "ndv": 2}], "buckets": [[1, 1]], "sampling-rate": 1, "histogram-type": "singleton"}`))
	f.Fuzz(func(_ *testing.T, text []byte) {
		mariaHistogram(&engine.ColumnStatistics{}, text)
		mysqlHistogram(&engine.ColumnStatistics{}, text)
	})
}
