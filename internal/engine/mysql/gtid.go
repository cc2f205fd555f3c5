package mysql

import (
	"slices"
	"strconv"
	"strings"

	"github.com/envdiff/envdiff/internal/engine"
)

// transactions reads what the server has by global transaction id. The origin that is the server itself is always among
// them, also before its first transaction. A MariaDB server without a binary log does not know what it has.
func transactions(s server, v map[string]string) (sets []engine.Transactions, position string) {
	self := v["server_uuid"]
	switch {
	case !s.maria:
		sets, position = mysqlSets(v["gtid_executed"]), v["gtid_executed"]
	case off(v["log_bin"]):
		return nil, v["gtid_current_pos"]
	default:
		self = v["gtid_domain_id"] + "-" + v["server_id"]
		sets, position = mariaSets(v["gtid_binlog_state"]+","+v["gtid_slave_pos"]), v["gtid_current_pos"]
	}
	for i, set := range sets {
		sets[i].Own = set.Origin == self || strings.HasPrefix(set.Origin, self+":") || s.maria && strings.HasSuffix(set.Origin, "-"+v["server_id"])
	}
	if !slices.ContainsFunc(sets, func(t engine.Transactions) bool { return t.Origin == self }) {
		sets = append(sets, engine.Transactions{Origin: self, Own: true})
	}
	return sets, position
}

// mariaSets reads DOMAIN-SERVER-NUMBER,…. MariaDB shows only the last number of each server in a domain; the numbers of
// a domain go on from server to server, so that a set's range is up to where it reaches and not how many it has.
// (https://mariadb.com/kb/en/gtid/)
func mariaSets(text string) []engine.Transactions {
	var out []engine.Transactions
	at := map[string]int{}
	for _, id := range strings.Split(text, ",") {
		parts := strings.Split(strings.TrimSpace(id), "-")
		if len(parts) != 3 {
			continue
		}
		n, err := strconv.ParseUint(parts[2], 10, 64)
		if err != nil || n == 0 {
			continue
		}
		origin := parts[0] + "-" + parts[1]
		i, known := at[origin]
		if !known {
			i, at[origin] = len(out), len(out)
			out = append(out, engine.Transactions{Origin: origin, Ranges: []engine.TransactionRange{{From: 1}}})
		}
		out[i].Ranges[0].To = max(out[i].Ranges[0].To, n)
	}
	return out
}

// mysqlSets reads MySQL's notation of a set of transactions: UUID:1-5:7,UUID:TAG:1-3 (tags since 8.3).
// (https://dev.mysql.com/doc/refman/8.4/en/replication-gtids-concepts.html)
func mysqlSets(text string) []engine.Transactions {
	var out []engine.Transactions
	for _, set := range strings.Split(text, ",") {
		parts := strings.Split(strings.TrimSpace(set), ":")
		origin := parts[0]
		for _, p := range parts[1:] {
			from, to, pair := strings.Cut(strings.TrimSpace(p), "-")
			if !pair {
				to = from
			}
			a, errFrom := strconv.ParseUint(from, 10, 64)
			b, errTo := strconv.ParseUint(to, 10, 64)
			if errFrom != nil || errTo != nil || a == 0 || b < a {
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
