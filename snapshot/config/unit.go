package config

import (
	"strings"

	"github.com/envdiff/envdiff/snapshot"
)

// unitFile reads systemd units and other files in their syntax (systemd.syntax(7)): a backslash joins lines, a repeated
// key adds to a list, an empty value resets it, 1, yes, true and on are one value. Drop-ins are files of their own.
var unitFile = dialect{comments: "#;", separators: "=", continuation: true, strict: true, section: sameText}

// parseUnit reads a unit: an empty value has done its work once the file is read.
func parseUnit(src []byte) ([]entry, error) { return readUnit(src, false) }

// parseDropIn reads a drop-in: an empty value also resets what the unit says, so it
// stays visible as the first item of the list.
func parseDropIn(src []byte) ([]entry, error) { return readUnit(src, true) }

func readUnit(src []byte, dropIn bool) ([]entry, error) {
	as, err := unitFile.assignments(src)
	if err != nil {
		return nil, err
	}
	var c collected
	for _, a := range as {
		where := []string{a.section, a.key}
		if a.section == "" {
			where = where[1:]
		}
		if a.value != "" {
			unitAssign(&c, a, where)
			continue
		}
		c.remove(where...)
		if dropIn {
			c.add(a.line, list, snapshot.String(""), where...)
		}
	}
	return c.entries()
}

func unitAssign(c *collected, a assignment, where []string) {
	switch {
	case a.key == "Environment":
		for _, kv := range unitWords(a.value) {
			name, v, ok := strings.Cut(kv, "=")
			if ok {
				c.add(a.line, last, snapshot.String(v), append(append([]string{}, where...), name)...)
			}
		}
	case unitSets[a.key]:
		for _, w := range strings.Fields(a.value) {
			c.add(a.line, set, snapshot.String(w), where...)
		}
	case unitSingles[a.key]:
		c.add(a.line, last, unitValue(a.value), where...)
	default:
		g := c.add(a.line, list, unitValue(a.value), where...)
		g.prose = strings.HasPrefix(a.key, "Exec")
	}
}

func unitValue(s string) snapshot.Value {
	switch strings.ToLower(s) {
	case "yes", "true", "on":
		return snapshot.Bool(true)
	case "no", "false", "off":
		return snapshot.Bool(false)
	}
	return snapshot.String(oneSpace(s))
}

// unitWords splits a value at white space outside quotes, and takes the quotes away.
func unitWords(s string) []string {
	var out []string
	var word strings.Builder
	var quote rune
	started, escaped := false, false
	for _, c := range s {
		switch {
		case escaped:
			word.WriteRune(c)
			escaped = false
		case c == '\\':
			escaped, started = true, true
		case quote != 0:
			if c == quote {
				quote = 0
			} else {
				word.WriteRune(c)
			}
		case c == '"' || c == '\'':
			quote, started = c, true
		case c == ' ' || c == '\t':
			if started {
				out = append(out, word.String())
				word.Reset()
				started = false
			}
		default:
			word.WriteRune(c)
			started = true
		}
	}
	if started {
		out = append(out, word.String())
	}
	return out
}

// unitSets are lists of unit names and the like whose order says nothing.
var unitSets = wordSet(`After Before Wants Requires Requisite BindsTo PartOf Upholds Conflicts OnFailure OnSuccess WantedBy RequiredBy UpheldBy Also Alias
	RequiresMountsFor WantsMountsFor PropagatesReloadTo ReloadPropagatedFrom JoinsNamespaceOf Documentation SupplementaryGroups ReadWritePaths
	ReadOnlyPaths InaccessiblePaths PassEnvironment UnsetEnvironment`)

// unitSingles are keys that hold one value: the last one counts.
var unitSingles = wordSet(`Description Type User Group WorkingDirectory RootDirectory Restart RestartSec TimeoutSec TimeoutStartSec TimeoutStopSec UMask Nice
	OOMScoreAdjust KillMode KillSignal PIDFile BusName GuessMainPID RemainAfterExit StandardInput StandardOutput StandardError SyslogIdentifier
	SyslogFacility SyslogLevel LimitNOFILE LimitNPROC LimitCORE LimitMEMLOCK LimitAS LimitFSIZE MemoryMax MemoryHigh MemoryLimit CPUQuota CPUWeight
	TasksMax Slice PrivateTmp ProtectSystem ProtectHome NoNewPrivileges Delegate DefaultDependencies StartLimitBurst StartLimitIntervalSec
	Persistent AccuracySec RandomizedDelaySec Unit What Where Options WatchdogSec NotifyAccess RuntimeDirectory StateDirectory`)
