package ci

import (
	"encoding/json"
	"fmt"
	"io"
	"sort"
	"strings"

	"github.com/envdiff/envdiff/internal/finding"
)

// SARIF 2.1.0, as far as code scanning reads it. GitHub refuses a whole file for one result without a physical
// location, and for null lists.
type sarifLog struct {
	Schema  string     `json:"$schema"`
	Version string     `json:"version"`
	Runs    []sarifRun `json:"runs"`
}

type sarifRun struct {
	Tool        sarifTool         `json:"tool"`
	Details     sarifDetails      `json:"automationDetails"`
	Invocations []sarifInvocation `json:"invocations"`
	Results     []sarifResult     `json:"results"`
	ColumnKind  string            `json:"columnKind"`
}

// sarifDetails tell runs of one tool apart: GitHub refuses an upload of two runs that have the same id, and closes the alerts of the one before
// where a later upload has it. What stands before the last slash is the category.
type sarifDetails struct {
	ID string `json:"id"`
}

type sarifTool struct {
	Driver sarifDriver `json:"driver"`
}

type sarifDriver struct {
	Name           string      `json:"name"`
	Version        string      `json:"version,omitempty"`
	InformationURI string      `json:"informationUri"`
	Rules          []sarifRule `json:"rules"`
}

type sarifRule struct {
	ID               string          `json:"id"`
	ShortDescription sarifText       `json:"shortDescription"`
	FullDescription  sarifText       `json:"fullDescription"`
	Help             sarifText       `json:"help"`
	Default          sarifLevel      `json:"defaultConfiguration"`
	Properties       sarifProperties `json:"properties"`
}

type sarifText struct {
	Text string `json:"text"`
}

type sarifLevel struct {
	Level string `json:"level"`
}

type sarifProperties struct {
	Tags             []string `json:"tags"`
	SecuritySeverity string   `json:"security-severity,omitempty"`
	ProblemSeverity  string   `json:"problem.severity"`
}

type sarifInvocation struct {
	ExecutionSuccessful bool                `json:"executionSuccessful"`
	Notifications       []sarifNotification `json:"toolExecutionNotifications"`
}

type sarifNotification struct {
	Level   string    `json:"level"`
	Message sarifText `json:"message"`
}

type sarifResult struct {
	RuleID       string            `json:"ruleId"`
	RuleIndex    int               `json:"ruleIndex"`
	Level        string            `json:"level"`
	Message      sarifText         `json:"message"`
	Locations    []sarifLocation   `json:"locations"`
	Fingerprints map[string]string `json:"partialFingerprints"`
}

type sarifLocation struct {
	Physical sarifPhysical  `json:"physicalLocation"`
	Logical  []sarifLogical `json:"logicalLocations"`
}

type sarifPhysical struct {
	Artifact sarifArtifact `json:"artifactLocation"`
	Region   sarifRegion   `json:"region"`
}

type sarifArtifact struct {
	URI string `json:"uri"`
}

type sarifRegion struct {
	StartLine int `json:"startLine"`
}

type sarifLogical struct {
	FullyQualifiedName string `json:"fullyQualifiedName"`
	Kind               string `json:"kind"`
}

// sarifMost is how many results GitHub keeps of a run; it refuses a file of more than 25,000.
const sarifMost = 5000

// gapRule is the rule of results that say what could not be looked at.
const gapRule = "gap"

// writeSARIF leaves out what is waived or in the baseline: code scanning would open an alert for it. A fixed finding's
// alert closes by itself, because the fingerprint is the finding's id.
func writeSARIF(w io.Writer, r *Report, _ Style) error {
	s := &sarifWriter{report: r, rules: map[string]*sarifRule{}, results: []sarifResult{}}
	for i := range r.Findings {
		if f := &r.Findings[i]; counts(f) {
			s.add(f.Rule, f.Severity, f.Message+". "+f.Hint, f.Address, f.ID, r.located(f.Address, f.Area, f.Origin))
		}
	}
	for i := range r.Gaps {
		g := &r.Gaps[i]
		if g.Waived == nil {
			id := finding.ID(gapRule, g.Address+" "+g.Instance, finding.Failed, []string{g.Environment})
			s.add(gapRule, finding.Medium, fmt.Sprintf("%s %s could not be looked at in %s: %s", g.Address, g.Instance, g.Environment, g.Reason), g.Address, id, r.located(g.Address, "", nil))
		}
	}
	e := json.NewEncoder(visible{w})
	e.SetIndent("", "  ")
	return e.Encode(s.log())
}

type sarifWriter struct {
	report  *Report
	rules   map[string]*sarifRule
	results []sarifResult
	left    int
}

func (s *sarifWriter) add(rule string, severity finding.Severity, message, address, id string, at finding.Place) {
	if len(s.results) == sarifMost {
		s.left++
		return
	}
	if s.rules[rule] == nil { // findings come strongest first, so this is the rule's strongest
		s.rules[rule] = newSARIFRule(rule, severity)
	}
	_, kind := scopeAndKind(address)
	s.results = append(s.results, sarifResult{
		RuleID: rule, Level: sarifLevels[severity].level, Message: sarifText{Terminal(message)},
		Locations: []sarifLocation{{
			Physical: sarifPhysical{sarifArtifact{RelativeURI(at.File)}, sarifRegion{at.Line}},
			Logical:  []sarifLogical{{Terminal(address), Terminal(kind)}},
		}},
		Fingerprints: map[string]string{"primaryLocationLineHash": id + ":1", "envdiff/v1": id},
	})
}

// sarifLevels is what a severity is called in SARIF, and how GitHub sorts it.
var sarifLevels = map[finding.Severity]struct{ level, problem, score string }{
	finding.Critical: {"error", "error", "9.5"},
	finding.High:     {"error", "error", "8.0"},
	finding.Medium:   {"warning", "warning", "5.0"},
	finding.Low:      {"note", "recommendation", "2.0"},
	finding.Info:     {"note", "recommendation", ""},
}

func newSARIFRule(id string, severity finding.Severity) *sarifRule {
	l := sarifLevels[severity]
	title, why, hint, area := "something could not be looked at", "what was not looked at may differ", "envdiff doctor says what is missing", "gap"
	if r, ok := finding.Lookup(id); ok {
		title, why, hint, area = r.Title, r.Why, r.Hint, string(r.Area)
	}
	return &sarifRule{ID: id, ShortDescription: sarifText{title}, FullDescription: sarifText{title + ": " + why}, Help: sarifText{hint + ". envdiff explain " + id},
		Default: sarifLevel{l.level}, Properties: sarifProperties{Tags: []string{"envdiff", area}, SecuritySeverity: l.score, ProblemSeverity: l.problem}}
}

func (s *sarifWriter) log() sarifLog {
	d := sarifDriver{Name: "envdiff", Version: s.report.context().Version, InformationURI: "https://github.com/envdiff/envdiff", Rules: []sarifRule{}}
	for _, r := range s.rules {
		d.Rules = append(d.Rules, *r)
	}
	sort.Slice(d.Rules, func(a, b int) bool { return d.Rules[a].ID < d.Rules[b].ID })
	index := map[string]int{}
	for i, r := range d.Rules {
		index[r.ID] = i
	}
	for i := range s.results {
		s.results[i].RuleIndex = index[s.results[i].RuleID]
	}
	inv := sarifInvocation{ExecutionSuccessful: true, Notifications: []sarifNotification{}}
	for _, text := range s.report.Warnings {
		inv.Notifications = append(inv.Notifications, sarifNotification{"warning", sarifText{Terminal(text)}})
	}
	if s.left > 0 {
		inv.Notifications = append(inv.Notifications, sarifNotification{"warning", sarifText{fmt.Sprintf("%d more results are in the report", s.left)}})
	}
	return sarifLog{Schema: "https://json.schemastore.org/sarif-2.1.0.json", Version: "2.1.0",
		Runs: []sarifRun{{Tool: sarifTool{d}, Details: sarifDetails{"envdiff/" + CollectdName(s.report.Command) + "/" + CollectdName(strings.Join(comparedEnvironments(s.report), ".")) + "/"}, Invocations: []sarifInvocation{inv}, Results: s.results, ColumnKind: "unicodeCodePoints"}}}
}
