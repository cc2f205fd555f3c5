package ci

import (
	"encoding/xml"
	"fmt"
	"io"
	"sort"
	"strings"
	"time"
)

// Feed is an Atom feed (RFC 4287).
type Feed struct {
	ID      string // an IRI that never changes
	Title   string
	Updated time.Time
	Entries []FeedEntry
}

// FeedEntry is one entry of a feed.
type FeedEntry struct {
	ID      string
	Title   string
	Updated time.Time
	Text    string // plain
}

type atomFeed struct {
	XMLName xml.Name    `xml:"http://www.w3.org/2005/Atom feed"`
	ID      string      `xml:"id"`
	Title   string      `xml:"title"`
	Updated string      `xml:"updated"`
	Author  string      `xml:"author>name"`
	Entries []atomEntry `xml:"entry"`
}

type atomEntry struct {
	ID      string   `xml:"id"`
	Title   string   `xml:"title"`
	Updated string   `xml:"updated"`
	Content atomText `xml:"content"`
}

type atomText struct {
	Type string `xml:"type,attr"`
	Text string `xml:",chardata"`
}

// Write writes the feed.
func (f Feed) Write(w io.Writer) error {
	doc := atomFeed{ID: f.ID, Title: XML(f.Title), Updated: f.Updated.UTC().Format(time.RFC3339), Author: "envdiff"}
	for _, e := range f.Entries {
		doc.Entries = append(doc.Entries, atomEntry{e.ID, XML(e.Title), e.Updated.UTC().Format(time.RFC3339), atomText{"text", xmlLines(e.Text)}})
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(doc); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

// xmlLines keeps the line ends that envdiff itself wrote.
func xmlLines(text string) string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = XML(lines[i])
	}
	return strings.Join(lines, "\n")
}

// TagURI makes an id of a feed or entry (RFC 4151) that is the same on every machine.
func TagURI(specific string) string { return "tag:envdiff.dev,2026:" + RelativeURI(specific) }

// NamedFeed is a feed of one of several projects.
type NamedFeed struct {
	Name string
	Feed Feed
}

// JoinFeeds makes one feed of several: the newest entries first, each with the name of its project.
func JoinFeeds(id, title string, feeds []NamedFeed) Feed {
	f := Feed{ID: id, Title: title}
	for _, named := range feeds {
		if named.Feed.Updated.After(f.Updated) {
			f.Updated = named.Feed.Updated
		}
		for _, e := range named.Feed.Entries {
			e.ID, e.Title = e.ID+"/of/"+RelativeURI(named.Name), named.Name+": "+e.Title
			f.Entries = append(f.Entries, e)
		}
	}
	sort.SliceStable(f.Entries, func(a, b int) bool { return f.Entries[a].Updated.After(f.Entries[b].Updated) })
	f.Entries = f.Entries[:min(len(f.Entries), feedMost)]
	return f
}

// feedMost bounds a feed: readers load all of it again and again.
const feedMost = 200

func writeAtom(w io.Writer, r *Report, _ Style) error {
	var at time.Time
	for _, e := range r.Environments {
		if e.CapturedAt.After(at) {
			at = e.CapturedAt
		}
	}
	f := Feed{ID: TagURI(r.Command + "/" + strings.Join(comparedEnvironments(r), ",")), Updated: at,
		Title: "envdiff " + r.Command + ": " + title(r)}
	f.Entries = append(f.Entries, FeedEntry{ID: f.ID + "/verdict/" + at.UTC().Format("20060102T150405Z"), Title: summary(r), Updated: at,
		Text: fmt.Sprintf("%s: %s", title(r), summary(r))})
	left := 0
	for i := range r.Findings {
		x := &r.Findings[i]
		switch {
		case !counts(x):
		case len(f.Entries) > feedMost:
			left++
		default:
			f.Entries = append(f.Entries, FeedEntry{ID: TagURI("finding/" + x.ID), Updated: at,
				Title: fmt.Sprintf("%s %s: %s", x.Severity, x.Rule, x.Address), Text: strings.Join([]string{Terminal(x.Message), Terminal(x.Why), Terminal(x.Hint)}, "\n")})
		}
	}
	if left > 0 {
		f.Entries[0].Text += fmt.Sprintf("; %d findings are not in this feed", left)
	}
	return f.Write(w)
}
