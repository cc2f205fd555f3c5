package onchromium

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/performance"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/envdiff/envdiff/ci"
	"github.com/envdiff/envdiff/internal/finding"
)

// browser is one Chromium for all tests of the package.
var browser struct {
	sync.Once
	ctx  context.Context
	stop func()
	err  error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if browser.stop != nil {
		browser.stop()
	}
	os.Exit(code)
}

// tab opens a tab of its own; what the page complains about, and what it asks the network for, fails the test.
func tab(t *testing.T) context.Context {
	t.Helper()
	browser.Do(func() {
		path, err := exec.LookPath("chromium")
		if err != nil {
			browser.err = fmt.Errorf("%w: apt-get install chromium", err)
			return
		}
		options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
			chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-dev-shm-usage", true))
		allocator, stopAllocator := chromedp.NewExecAllocator(context.Background(), options...)
		ctx, stop := chromedp.NewContext(allocator)
		browser.ctx, browser.stop = ctx, func() { stop(); stopAllocator() }
		browser.err = chromedp.Do(ctx)
	})
	if browser.err != nil {
		t.Fatal(browser.err)
	}
	ctx, stop := chromedp.NewContext(browser.ctx)
	t.Cleanup(stop)
	do(t, ctx)
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	t.Cleanup(cancel)
	if err := chromedp.Listen(ctx, func(event any) {
		switch e := event.(type) {
		case *runtime.EventExceptionThrown:
			t.Errorf("the page throws: %s", e.ExceptionDetails.Text)
		case *log.EventEntryAdded:
			t.Errorf("the page complains: %s", e.Entry.Text)
		case *network.EventRequestWillBeSent:
			if !strings.HasPrefix(e.Request.URL, "file:") {
				t.Errorf("the page asks for %s", e.Request.URL)
			}
		}
	}); err != nil {
		t.Fatal(err)
	}
	call(t, ctx, network.Enable, network.EnableParams{})
	call(t, ctx, log.Enable, cdp.Empty{})
	call(t, ctx, runtime.Enable, cdp.Empty{})
	return ctx
}

func call[P, R any](t *testing.T, ctx context.Context, command cdp.Command[P, R], params P) {
	t.Helper()
	if _, err := chromedp.Call(ctx, command, params); err != nil {
		t.Fatal(err)
	}
}

func do(t *testing.T, ctx context.Context, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	if err := chromedp.Do(ctx, steps...); err != nil {
		t.Fatal(err)
	}
}

func eval[T any](t *testing.T, ctx context.Context, script string) T {
	t.Helper()
	out, err := chromedp.Run(ctx, chromedp.Evaluate[T](script))
	if err != nil {
		t.Fatalf("%s: %v", script, err)
	}
	return out
}

// until waits until a condition of the page holds.
func until(t *testing.T, ctx context.Context, condition string) {
	t.Helper()
	if _, err := chromedp.Run(ctx, chromedp.Poll[bool](condition, chromedp.WithPollingTimeout(20*time.Second))); err != nil {
		t.Fatalf("%s: %v", condition, err)
	}
}

func media(t *testing.T, ctx context.Context, params emulation.SetEmulatedMediaParams) {
	t.Helper()
	call(t, ctx, emulation.SetEmulatedMedia, params)
}

// page writes a report as a page and returns its address.
func page(t *testing.T, r *ci.Report) string {
	t.Helper()
	format, err := ci.FormatByName("html")
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := format.Write(&out, r, ci.Style{}); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "report.html")
	if err := os.WriteFile(path, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return "file://" + path
}

// sample is the report of the golden files, which has every section and hostile text, with what a real run adds.
func sample(t *testing.T) *ci.Report {
	t.Helper()
	text, err := os.ReadFile("../testdata/sample.json")
	if err != nil {
		t.Fatal(err)
	}
	r, err := ci.ReadReport(text)
	if err != nil {
		t.Fatal(err)
	}
	r.Context = &ci.Context{Version: "v1", Reproduce: "envdiff staging production", Checks: []ci.Check{{Scope: "web", Kind: "config", Facts: 12}},
		Scopes: []ci.Scope{{Environment: "production", Scope: "web", Type: "role", Instances: []string{"web1", "web2", "web3"}}},
		Objects: []ci.Object{{Environment: "staging", Address: "main:table/users", Definition: "TABLE users (\n  id integer\n)"},
			{Environment: "production", Address: "main:table/users", Definition: "TABLE users (\n  id bigint\n)"}},
		Profiles: []ci.Profile{{Environment: "staging", Address: "main:profile/users.phone", Counts: map[string]float64{"rows": 10, "nulls": 0}},
			{Environment: "production", Address: "main:profile/users.phone", Counts: map[string]float64{"rows": 100, "nulls": 40}}},
		Trend: []ci.TrendPoint{{At: time.Unix(0, 0), Status: "pass"}, {At: time.Unix(86400, 0), Status: "fail", Counts: ci.Counts{High: 2, Low: 1}}}}
	r.Rehearsal.Databases[0].Migrations[0].Statements[0].Seconds = 2
	r.Rehearsal.Databases[0].Migrations[0].Statements[0].Locks = []finding.Lock{{Table: "users", Mode: "ACCESS EXCLUSIVE", Seconds: 1.5, Blocks: "reads and writes"}}
	return r
}

func TestEverythingIsThereAndNothingHostileRuns(t *testing.T) {
	ctx := tab(t)
	do(t, ctx, chromedp.Navigate(page(t, sample(t))))
	for _, id := range []string{"environments", "findings", "hosts", "schema", "distributions", "rehearsal", "trend", "gaps", "coverage", "aside", "warnings", "again"} {
		if eval[bool](t, ctx, fmt.Sprintf("document.getElementById(%q) === null", id)) {
			t.Errorf("no section %s", id)
		}
	}
	for script, want := range map[string]string{
		`document.querySelector("h1").textContent`:                                             "✗ fail staging → production",
		`String(document.querySelectorAll("script").length)`:                                   "1",
		`document.querySelector("#hosts .odd b").textContent`:                                  "web3",
		`[...document.querySelectorAll("#schema mark")].map(m => m.textContent.trim()).join()`: "id integer,id bigint",
		`document.querySelector("#rehearsal rect.all title").textContent`:                      "ACCESS EXCLUSIVE of users for 1.500 s blocks reads and writes",
		`document.querySelector("#distributions rect.b title").textContent`:                    "production: null in 40 of 100 rows",
	} {
		if got := eval[string](t, ctx, script); got != want {
			t.Errorf("%s is %q, want %q", script, got, want)
		}
	}
}

// many is a report of n findings of ten scopes.
func many(t *testing.T, n int) *ci.Report {
	t.Helper()
	r := sample(t)
	f := r.Findings[2]
	r.Findings = nil
	for i := range n {
		f.Severity = []finding.Severity{finding.High, finding.Medium, finding.Low}[i%3]
		f.Address = fmt.Sprintf("role%d:config/etc/app/file%d.ini#key", i%10, i)
		f.Message = fmt.Sprintf("file%d.ini key is %d in staging, %d in production", i, i, i+1)
		f.Values = []finding.Side{{Environment: "staging", State: finding.Present, Value: json.RawMessage(fmt.Sprint(i)), Instances: []string{"web1", "web2"}},
			{Environment: "production", State: finding.Present, Value: json.RawMessage(fmt.Sprint(i + 1)), Instances: []string{"web1", "web2"}}}
		f.Seal([]string{"staging", "production"})
		r.Findings = append(r.Findings, f)
	}
	finding.Sort(r.Findings)
	r.Verdict.Counts = ci.Counts{High: (n + 2) / 3, Medium: (n + 1) / 3, Low: n / 3}
	return r
}

// worked is how many milliseconds of a processor the page's tab has used: what else the machine does is not in it.
func worked(t *testing.T, ctx context.Context) float64 {
	t.Helper()
	out, err := chromedp.Call(ctx, performance.GetMetrics, cdp.Empty{})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range out.Metrics {
		if m.Name == "TaskDuration" {
			return 1000 * m.Value
		}
	}
	t.Fatal("the browser does not say how long it worked")
	return 0
}

// TestTenThousandFindingsOpenAndFilterWithinASecond measures in the browser itself.
func TestTenThousandFindingsOpenAndFilterWithinASecond(t *testing.T) {
	address := page(t, many(t, 10_000))
	// The best of three: what else the machine does at the same time is no fault of the page.
	opened, filtered, searched := 1e9, 1e9, 1e9
	timed := func(ctx context.Context, change, want string) float64 {
		took := eval[float64](t, ctx, `(() => { const from = performance.now(); `+change+`; document.body.getBoundingClientRect(); return performance.now() - from })()`)
		if got := eval[string](t, ctx, `document.getElementById("shown").textContent`); got != want {
			t.Errorf("%s shows %q, want %q", change, got, want)
		}
		return took
	}
	for range 3 {
		ctx := tab(t)
		call(t, ctx, performance.Enable, performance.EnableParams{TimeDomain: performance.EnableTimeDomainThreadTicks})
		before := worked(t, ctx)
		do(t, ctx, chromedp.Navigate(address))
		eval[any](t, ctx, `document.body.getBoundingClientRect() && null`)
		opened = min(opened, worked(t, ctx)-before)
		searched = min(searched, timed(ctx, `document.getElementById("q").value = "file77.ini"; document.getElementById("severity").dispatchEvent(new Event("change"))`, "1 of 10000 findings"))
		eval[any](t, ctx, `document.getElementById("q").value = ""; null`)
		filtered = min(filtered, timed(ctx, `document.getElementById("scope").value = "role3"; document.getElementById("scope").dispatchEvent(new Event("change"))`, "1000 of 10000 findings"))
	}
	t.Logf("opened in %.0f ms, filtered in %.0f ms, searched in %.0f ms", opened, filtered, searched)
	if opened > 1000 || filtered > 1000 || searched > 1000 {
		t.Errorf("opened in %.0f ms, filtered in %.0f ms, searched in %.0f ms: want less than a second each", opened, filtered, searched)
	}
}

func TestFilterSortFoldAndLinks(t *testing.T) {
	ctx := tab(t)
	address := page(t, many(t, 300))
	do(t, ctx, chromedp.Navigate(address))
	visible := `String([...document.querySelectorAll("#findings .f")].filter(f => !f.hidden && f.checkVisibility()).length)`
	do(t, ctx, chromedp.SendKeys(chromedp.CSS("#q"), "role3 file13"))
	until(t, ctx, `document.getElementById("shown").textContent.startsWith("2 of")`)
	if got := eval[string](t, ctx, visible); got != "2" { // 13 and 133
		t.Errorf("%s findings of role3 with file13 are shown", got)
	}
	eval[any](t, ctx, `(() => { const q = document.getElementById("q"); q.value = ""; q.dispatchEvent(new Event("input")) })()`)
	until(t, ctx, `document.getElementById("shown").textContent === ""`)
	eval[any](t, ctx, `(() => { const s = document.getElementById("sort"); s.value = "message"; s.dispatchEvent(new Event("change")) })()`)
	sorted := `(() => { const m = [...document.querySelector("#findings .group").querySelectorAll("summary span")].map(s => s.textContent); return m.length > 1 && m.every((x, i) => i === 0 || m[i-1] <= x) })()`
	if !eval[bool](t, ctx, sorted) {
		t.Error("the findings are not sorted by their message")
	}
	do(t, ctx, chromedp.Click(chromedp.CSS("#unfold")))
	if !eval[bool](t, ctx, `[...document.querySelectorAll("#findings details")].every(d => d.open)`) {
		t.Error("not everything is unfolded")
	}
	do(t, ctx, chromedp.Click(chromedp.CSS("#fold")))
	if eval[bool](t, ctx, `[...document.querySelectorAll("#findings details")].some(d => d.open)`) {
		t.Error("not everything is folded")
	}
	id := eval[string](t, ctx, `[...document.querySelectorAll("#findings .f")].at(-1).id`)
	do(t, ctx, chromedp.Navigate("about:blank"), chromedp.Navigate(address+"#"+id))
	if !eval[bool](t, ctx, fmt.Sprintf("document.getElementById(%q).open && document.getElementById(%q).checkVisibility()", id, id)) {
		t.Error("a link to a finding does not open it")
	}
}

// TestWithoutJavaScriptEverythingCanBeRead: the controls that would do nothing are not shown, the rest unfolds by itself.
func TestWithoutJavaScriptEverythingCanBeRead(t *testing.T) {
	ctx := tab(t)
	call(t, ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	do(t, ctx, chromedp.Navigate(page(t, sample(t))))
	// Scripts of the page are off; those of the test go on.
	if eval[bool](t, ctx, `document.getElementById("controls").checkVisibility()`) {
		t.Error("controls that do nothing are shown")
	}
	if !eval[bool](t, ctx, `[...document.querySelectorAll("#findings .f > summary")].every(s => s.checkVisibility())`) {
		t.Error("a finding cannot be seen")
	}
	do(t, ctx, chromedp.Focus(chromedp.CSS("#findings .f > summary")), chromedp.KeyEvent(kb.Enter))
	if !eval[bool](t, ctx, `document.querySelector("#findings .f").open`) {
		t.Error("a finding does not unfold by the keyboard")
	}
}

func TestPrintShowsWhatIsFolded(t *testing.T) {
	ctx := tab(t)
	do(t, ctx, chromedp.Navigate(page(t, sample(t))))
	media(t, ctx, emulation.SetEmulatedMediaParams{Media: "print"})
	if !eval[bool](t, ctx, `[...document.querySelectorAll("#findings .f > div")].every(d => d.getBoundingClientRect().height > 10)`) {
		t.Error("what is folded is not printed")
	}
	if eval[bool](t, ctx, `document.querySelector("nav").checkVisibility() || document.getElementById("controls").checkVisibility()`) {
		t.Error("navigation and controls are printed")
	}
}

// contrasts finds texts whose contrast with what is behind them is below 4.5 (WCAG 2.2, AA).
const contrasts = `(() => {
  const rgb = c => c.match(/[\d.]+/g).map(Number);
  const light = c => { const [r, g, b] = rgb(c).map(v => { v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4 }); return 0.2126 * r + 0.7152 * g + 0.0722 * b };
  const behind = el => { for (; el; el = el.parentElement) { const c = getComputedStyle(el).backgroundColor; const v = rgb(c); if (v.length < 4 || v[3] > 0) return c } return "rgb(255,255,255)" };
  const bad = new Set();
  for (const d of document.querySelectorAll("details")) d.open = true;
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const el = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || !el.checkVisibility() || el.closest("script, style, title, option")) continue;
    const style = getComputedStyle(el), a = light(el.closest("svg") ? style.fill : style.color), b = light(behind(el));
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) bad.add(el.tagName + "." + (el.getAttribute("class") || "") + " " + ratio.toFixed(2) + " " + el.textContent.slice(0, 30));
  }
  return [...bad].join("; ");
})()`

func TestEverybodyCanReadIt(t *testing.T) {
	for _, scheme := range []string{"light", "dark"} {
		for _, width := range []int64{1280, 360} {
			ctx := tab(t)
			media(t, ctx, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
			call(t, ctx, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: width, Height: 900, DeviceScaleFactor: 1})
			do(t, ctx, chromedp.Navigate(page(t, sample(t))))
			if bad := eval[string](t, ctx, contrasts); bad != "" {
				t.Errorf("%s, %d wide: too little contrast: %s", scheme, width, bad)
			}
			if over := eval[float64](t, ctx, `document.documentElement.scrollWidth - innerWidth`); over > 0 {
				t.Errorf("%s, %d wide: the page is %v pixels wider than its window", scheme, width, over)
			}
		}
	}
	ctx := tab(t)
	do(t, ctx, chromedp.Navigate(page(t, sample(t))))
	for what, script := range map[string]string{
		"a control without a label":            `[...document.querySelectorAll("input, select")].some(e => e.labels.length === 0)`,
		"a picture without words":              `[...document.querySelectorAll("svg")].some(e => !e.getAttribute("aria-label"))`,
		"a heading level that is left out":     `(() => { let last = 0; return [...document.querySelectorAll("h1,h2,h3,h4")].some(h => { const l = +h.tagName[1], skip = l > last + 1; last = l; return skip }) })()`,
		"a link to nowhere":                    `[...document.querySelectorAll("a")].some(a => !document.getElementById(a.hash.slice(1)))`,
		"two elements with one id":             `(() => { const ids = [...document.querySelectorAll("[id]")].map(e => e.id); return new Set(ids).size !== ids.length })()`,
		"a part that the keyboard cannot move": `[...document.querySelectorAll(".scroll, pre:not(.f pre)")].some(e => e.scrollWidth > e.clientWidth && e.tabIndex < 0)`,
		"no language":                          `document.documentElement.lang !== "en"`,
	} {
		if eval[bool](t, ctx, script) {
			t.Error(what)
		}
	}
	// The whole page is reached by the tab key alone: the skip link first.
	do(t, ctx, chromedp.KeyEvent(kb.Tab))
	if got := eval[string](t, ctx, `document.activeElement.textContent`); got != "Skip to the findings" {
		t.Errorf("the first stop is %q", got)
	}
}
