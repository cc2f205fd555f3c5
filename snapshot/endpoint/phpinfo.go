package endpoint

import (
	"html"
	"regexp"
	"slices"
	"strings"

	"github.com/envdiff/envdiff/snapshot/config"
)

// phpinfo reads what phpinfo() prints, as HTML or as text (main/php_info, ext/standard/info.c of PHP 5.2 to 8.4): a heading per module,
// below it rows of a name and its value, or of a directive with its local value and the master value. The local one counts. Core's
// directives are below PHP, as php.ini has them.
func phpinfo(text string) (config.Document, bool) {
	rows := textRows(text)
	if strings.HasPrefix(strings.TrimSpace(text), "<") {
		rows = htmlRows(text)
	}
	var paths [][]string
	var values []string
	module, found := "PHP", false
	for _, row := range rows {
		if len(row) == 1 {
			module = row[0]
			if version, ok := strings.CutPrefix(module, "PHP Version "); ok {
				paths, values = append(paths, []string{"PHP", "version"}), append(values, version)
				module, found = "PHP", true
			}
			if module == "Core" || module == "Configuration" {
				module = "PHP"
			}
			continue
		}
		name, value := row[0], row[1]
		switch {
		case name == "PHP Version" && module == "PHP":
			if !found {
				paths, values = append(paths, []string{"PHP", "version"}), append(values, value)
			}
			found = true
			continue
		case name == "Directive", name == "Variable" && value == "Value", slices.Contains(leftOut, module), slices.Contains(leftOut, name):
			continue
		case len(row) == 2 && slices.Contains(statistics, module):
			continue
		}
		if value == "no value" {
			value = ""
		}
		paths, values = append(paths, []string{module, name}), append(values, value)
	}
	return config.Settings(paths, values), found
}

// leftOut are modules and rows that tell of one request or one build, or are the same everywhere.
var leftOut = []string{"PHP Variables", "Apache Environment", "HTTP Headers Information", "HTTP Request Headers", "HTTP Response Headers", "PHP License", "PHP Credits", "PHP Group",
	"System", "Build Date", "Build System", "Configure Command",
	// of the environment of one process
	"INVOCATION_ID", "JOURNAL_STREAM", "SYSTEMD_EXEC_PID", "SHLVL", "_", "PWD", "OLDPWD", "HOSTNAME", "SSH_CLIENT", "SSH_CONNECTION", "SSH_TTY"}

// statistics are modules whose rows of two cells count what has happened.
var statistics = []string{"Zend OPcache", "apcu", "APCu", "memcached"}

// fontTag is how the text form shows the colours of highlight_file.
var fontTag = regexp.MustCompile(`^<font style="[^"]*">(.*)</font>$`)

// textRows reads the text form: "name => value" and "name => local => master"; a line alone between empty lines is a module.
func textRows(text string) [][]string {
	var rows [][]string
	lines := strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	for i, line := range lines {
		if cells := strings.Split(line, " => "); len(cells) > 1 {
			for j := range cells {
				cells[j] = strings.TrimSpace(fontTag.ReplaceAllString(cells[j], "$1"))
			}
			rows = append(rows, cells)
			continue
		}
		line = strings.TrimSpace(line)
		alone := (i == 0 || strings.TrimSpace(lines[i-1]) == "") && (i+1 == len(lines) || strings.TrimSpace(lines[i+1]) == "")
		if line != "" && alone && len(line) < 80 && !strings.HasPrefix(line, "_") && line != "phpinfo()" {
			rows = append(rows, []string{line})
		}
	}
	return rows
}

// htmlRows reads the HTML form: h1 and h2 are headings, tr with td are rows.
func htmlRows(text string) [][]string {
	var rows [][]string
	var row []string
	var cell strings.Builder
	open := "" // the element whose text is collected
	for text != "" {
		before, rest, more := strings.Cut(text, "<")
		if open != "" {
			cell.WriteString(before)
		}
		if !more {
			break
		}
		var tag string
		tag, text, _ = strings.Cut(rest, ">")
		name, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(tag)), " ")
		switch name {
		case "h1", "h2", "td":
			open = name
			cell.Reset()
		case "/h1", "/h2":
			if open == name[1:] {
				rows = append(rows, []string{cellText(&cell)})
			}
			open = ""
		case "/td":
			if open == "td" {
				row = append(row, cellText(&cell))
			}
			open = ""
		case "tr":
			row = nil
		case "/tr":
			if len(row) > 1 {
				rows = append(rows, row)
			}
			row, open = nil, ""
		}
	}
	return rows
}

func cellText(b *strings.Builder) string {
	return strings.TrimSpace(strings.ReplaceAll(html.UnescapeString(b.String()), "\u00a0", " "))
}
