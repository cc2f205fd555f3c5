package mysql

import (
	"strconv"
	"strings"

	"github.com/envdiff/envdiff/internal/engine"
)

// mysqlSets reads MySQL's notation of a set of transactions: UUID:1-5:7,UUID:TAG:1-3 (tags since 8.3).
// (https://dev.mysql.com/doc/refman/8.4/en/replication-gtids-concepts.html)
func mysqlSets(text string) []engine.Transactions {
	var out []engine.Transactions
	for _, set := range strings.Split(text, ",") {
		parts := strings.Split(strings.TrimSpace(set), ":")
		origin := parts[0]
		for _, p := range parts[1:] {
			from, to, pair := strings.Cut(p, "-")
			if !pair {
				to = from
			}
			a, errFrom := strconv.ParseUint(from, 10, 64)
			b, errTo := strconv.ParseUint(to, 10, 64)
			if errFrom != nil || errTo != nil {
				origin = parts[0] + ":" + strings.TrimSpace(p)
				continue
			}
			if n := len(out); n == 0 || out[n-1].Origin != origin {
				out = append(out, engine.Transactions{Origin: origin})
			}
			last := &out[len(out)-1]
			last.Ranges = append(last.Ranges, engine.TransactionRange{From: a, To: b})
		}
	}
	return out
}
