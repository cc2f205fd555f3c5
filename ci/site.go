package ci

import (
	_ "embed" // the site's template
	"html/template"
	"io"
	"time"
)

//go:embed page/site.html
var siteHTML string

var siteTemplate = template.Must(template.New("site").Parse(siteHTML))

// Site is what envdiff serve shows first: the stores of projects, environments by time.
type Site struct {
	Projects []SiteProject
	// Policy and CSS are filled in by Write.
	Policy string
	CSS    template.CSS
}

// SiteProject is one store.
type SiteProject struct {
	Name         string // as in addresses of the site
	Environments []SiteEnvironment
	Refs         []string // every stored snapshot, for the choice of two
	Runs         []Run    // newest first
	Trend        template.HTML
	Report       bool          // a newest report is kept
	Pending      []SitePending // what the next deploys bring
	Problem      string
}

// SitePending is what is on the way between two environments.
type SitePending struct {
	From, To string
	At       time.Time
	Items    []SiteItem
}

// SiteItem is one thing on the way.
type SiteItem struct {
	What, Address, Text, Who string
	Since                    time.Time
}

// SiteEnvironment is an environment with its snapshots, newest first.
type SiteEnvironment struct {
	Name      string
	Snapshots []SiteSnapshot
}

// SiteSnapshot is one stored snapshot.
type SiteSnapshot struct {
	Ref     string
	At      time.Time
	Problem string
}

// Write writes the page.
func (s Site) Write(w io.Writer) error {
	s.CSS = template.CSS(pageCSS) //nolint:gosec // it is ours, embedded
	s.Policy = "default-src 'none'; style-src " + cspHash(pageCSS) + "; base-uri 'none'; form-action 'self'"
	return siteTemplate.Execute(w, s)
}

// TrendOf draws a history for the site.
func TrendOf(h *History, key string) template.HTML { return trendChart(h.Trend(key)) }
