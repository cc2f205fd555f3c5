package migrations

import (
	"hash/crc32"
	"regexp"
	"strconv"
	"strings"
)

// flyway is Flyway (10): V1_2__description.sql in the order of the version's numbers, then R__description.sql whenever its checksum
// is another. U files undo, B files are baselines.
var flyway = tool{name: "flyway", title: "Flyway", table: "flyway_schema_history", columns: []string{"version", "success", "checksum", "type", "description"}, latest: true, older: skipsOlder, wrapped: true,
	layout: layout{
		name:     flywayFile,
		ignore:   regexp.MustCompile(`^[UB][0-9._]+__.*\.sql$|\.conf$|^(before|after)[A-Z].*\.sql$`),
		compare:  compareDotted,
		sections: flywayName,
	},
	row: func(v []string) appliedRow {
		r := appliedRow{key: dotted(v[0]), failed: !truth(v[1]), sum: v[2], undone: strings.HasPrefix(v[3], "UNDO") || v[3] == "DELETE", baseline: strings.Contains(v[3], "BASELINE")}
		if v[0] == "" {
			r.key = "R " + v[4]
		}
		return r
	},
	sums: func(_ *Source, _ Migration, text []byte) []string {
		crc := crc32.NewIEEE()
		for i, line := range strings.Split(strings.TrimPrefix(string(text), "\ufeff"), "\n") {
			line = strings.TrimSuffix(line, "\r")
			if i > 0 && line == "" && strings.HasSuffix(string(text), "\n") && i == strings.Count(string(text), "\n") {
				break // what follows the last line break is no line
			}
			_, _ = crc.Write([]byte(line))
		}
		return []string{strconv.FormatInt(int64(int32(crc.Sum32())), 10)}
	},
}

var flywayFile = regexp.MustCompile(`^(?:V([0-9]+(?:[._][0-9]+)*)|R)__(.+)\.sql$`)

func flywayName(file, _ string) []Migration {
	m := flywayFile.FindStringSubmatch(file)
	name := strings.ReplaceAll(m[2], "_", " ")
	if m[1] == "" {
		return []Migration{{Version: "R", Name: m[2], key: "R " + name, repeats: true}}
	}
	version := dotted(m[1])
	return []Migration{{Version: version, Name: m[2], key: version}}
}

// dotted is a version as Flyway compares it: numbers without leading zeros, and without zeros at the end.
func dotted(version string) string {
	parts := strings.Split(strings.ReplaceAll(version, "_", "."), ".")
	for i := range parts {
		parts[i] = unpadded(parts[i])
	}
	for len(parts) > 1 && strings.Trim(parts[len(parts)-1], "0") == "" {
		parts = parts[:len(parts)-1]
	}
	return strings.Join(parts, ".")
}

func compareDotted(a, b string) int {
	if (a == "R") != (b == "R") { // repeatable ones come last
		if a == "R" {
			return 1
		}
		return -1
	}
	x, y := strings.Split(a, "."), strings.Split(b, ".")
	for i := 0; i < len(x) && i < len(y); i++ {
		if c := compareVersions(x[i], y[i]); c != 0 {
			return c
		}
	}
	return len(x) - len(y)
}
