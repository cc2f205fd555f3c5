package cmd

import (
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/envdiff/envdiff/ci"
)

// options are the values of all flags; each command registers those that it takes.
type options struct {
	config   string
	quiet    bool
	verbose  bool
	color    string
	progress string

	outputs []string
	failOn  string

	only, skip []string
	timeout    time.Duration
	jobs       int

	// of one command each
	file   string   // snapshot -f
	rows   bool     // snapshot --rows
	resume bool     // compare --resume, snapshot --resume, refresh --resume
	exact  []string // compare --exact, snapshot --exact
	write  string   // scan -w
	report string   // explain --report
	force  bool     // baseline --force
	dir    string   // demo --dir
	print  bool     // comment --print
	from   string   // init --from
	waiver waiverFlags
	listen string // serve --listen
	dryRun bool   // prune --dry-run
	repo   string // pending --repository
	verify bool   // waivers --verify-approvals
}

func commonFlags(fs *pflag.FlagSet, o *options) {
	fs.StringVarP(&o.config, "config", "c", "", "read the configuration `FILE` (default: envdiff.yaml here or in a parent; $ENVDIFF_CONFIG)")
	fs.BoolVarP(&o.quiet, "quiet", "q", false, "no progress, no warnings")
	fs.BoolVarP(&o.verbose, "verbose", "v", false, "say why each finding matters, and show what is set aside")
	fs.StringVar(&o.color, "color", "auto", "use colour `WHEN`: auto, always or never")
	fs.StringVar(&o.progress, "progress", "auto", "show progress on standard error, `HOW`: auto, plain or none")
}

func captureFlags(fs *pflag.FlagSet, o *options) {
	fs.StringArrayVar(&o.only, "only", nil, "look only at addresses that match `GLOB`, such as 'web:config/*' (repeatable)")
	fs.StringArrayVar(&o.skip, "skip", nil, "do not look at addresses that match `GLOB` (repeatable)")
	fs.DurationVar(&o.timeout, "timeout", defaultTimeout, "give a host or database up after `DURATION`")
	fs.IntVar(&o.jobs, "jobs", 8, "read `N` hosts and databases at once")
}

func reportFlags(fs *pflag.FlagSet, o *options) {
	fs.StringArrayVarP(&o.outputs, "output", "o", nil, "write `FORMAT[=PATH]`: "+strings.Join(ci.FormatNames(), ", ")+" (repeatable; one without PATH goes to standard output)")
	fs.StringVar(&o.failOn, "fail-on", "", "fail on findings from `SEVERITY` upwards: critical, high, medium, low, info or none (default: gate.fail_on, else high)")
}

// defaultTimeout is how long a host or a database may take. A rehearsal takes what its copy and its migrations take: it has a limit of its own unless
// --timeout says another.
const (
	defaultTimeout   = time.Minute
	rehearsalTimeout = 4 * time.Hour
)

// rehearsalLimit is how long the rehearsal of one database may take.
func (o options) rehearsalLimit() time.Duration {
	if o.timeout == 0 || o.timeout == defaultTimeout {
		return rehearsalTimeout
	}
	return o.timeout
}
