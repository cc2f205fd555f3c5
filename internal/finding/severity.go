package finding

import (
	"encoding/json"
	"fmt"
)

// Severity ranks a finding. The zero value is Off: a rule that is off reports nothing.
type Severity int

// The severities, weakest first. Info never fails a gate unless --fail-on info asks for it.
const (
	Off Severity = iota
	Info
	Low
	Medium
	High
	Critical
)

var severityNames = [...]string{"off", "info", "low", "medium", "high", "critical"}

// Severities lists the reportable severities, strongest first: the order of every listing.
func Severities() []Severity { return []Severity{Critical, High, Medium, Low, Info} }

// String returns the lower-case name used in envdiff.yaml and in reports.
func (s Severity) String() string {
	if s < Off || s > Critical {
		return fmt.Sprintf("severity(%d)", int(s))
	}
	return severityNames[s]
}

// ParseSeverity reads a severity by its name; "off" is accepted.
func ParseSeverity(name string) (Severity, error) {
	for i, n := range severityNames {
		if n == name {
			return Severity(i), nil
		}
	}
	return Off, fmt.Errorf("unknown severity %q: use critical, high, medium, low, info or off", name)
}

// Lower is the severity one level below: what a rule weighs on the side it is not about
// (a package that FROM lacks instead of TO). Info and Off stay.
func (s Severity) Lower() Severity {
	if s <= Info {
		return s
	}
	return s - 1
}

// MarshalJSON writes the name.
func (s Severity) MarshalJSON() ([]byte, error) { return json.Marshal(s.String()) }

// UnmarshalJSON reads the name.
func (s *Severity) UnmarshalJSON(b []byte) error {
	var name string
	if err := json.Unmarshal(b, &name); err != nil {
		return err
	}
	v, err := ParseSeverity(name)
	*s = v
	return err
}
