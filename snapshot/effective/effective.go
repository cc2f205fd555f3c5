// Package effective is the host collector of what programs themselves say of their configuration: sshd -T, php -i and my_print_defaults, the files that nginx includes, and whether a
// running process has read its files since they changed. Like every host collector it declares what to fetch and parses the sections that a transport filled.
package effective

import (
	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/internal/transport"
	"github.com/envdiff/envdiff/snapshot"
)

// Collector reads what holds.
type Collector struct{}

// New makes the collector.
func New() Collector { return Collector{} }

// Name is the collector's folder.
func (Collector) Name() string { return "effective" }

// Doc describes the collector.
func (Collector) Doc() snapshot.Doc {
	return snapshot.Doc{
		Title: "Effective configuration: what sshd, nginx, php and mysqld make of their files, and whether they have read them",
		Text: `Asks the programs of a running host what they make of their files, with every include and default: ` + "`sshd -T`" + ` (without Match blocks), ` + "`php -i`" + ` of the command line and of
php-fpm, ` + "`my_print_defaults`" + ` of the MySQL or MariaDB server. A difference that a captured file shows too is told at the file alone.

Of an nginx that runs, the files that it reads are found as nginx finds them: from the main file (` + "`nginx -V`" + ` says which) along every ` + "`include`" + `. Their digests are compared, unless the role
captures them as configuration. Whether nginx takes them, ` + "`nginx -t`" + ` says: asked as a user that nobody is, who may read everything and write nothing, so that it ends before it would make its pid
file, logs and directories, as it does when root asks. That needs root, setpriv and timeout on the host and nginx 1.19.5; it is left out where that user could write the pid file, or where parsing runs an
application's code (perl, lua, njs).

Nothing of this writes to the host. PHP is asked with ` + "`session.auto_start`, `opcache.enable`, `opcache.preload`, `error_log` and `xdebug.mode`" + ` off, for with them ` + "`php -i`" + ` would make a session or lock file, run the
application's preload script, or write into its log; these five are taken from the files that PHP says it read.

A configuration that its program does not take is the finding ` + "`config-invalid`" + `, with the file and the line: sshd's, nginx's (an unknown directive, a brace or semicolon that is missing, a file or certificate
that is not there, a host that does not resolve), php.ini and my.cnf. Values are never quoted.

A process that has not read its files since they changed is the finding ` + "`not-loaded`" + `: the files that it reads, by the time of their last change, beside the start of the process, or of the
workers that it started at its last reload, or the time of its pid file, which sshd and php-fpm write anew when they reload (php-fpm without one is judged by its workers). Processes in containers, and those that were started with files of their own (` + "`nginx -c`, `mysqld --defaults-file`" + `), are left out.`,
		Needs: []string{"sshd, nginx, php, php-fpm, my_print_defaults, where they are", "/proc, grep, sed, tr, find, stat and sha256sum; setpriv and timeout for nginx -t", "root, for sshd, for files of nginx that only root may read, and for what nginx says of them"},
		Attributes: []string{
			"effective/sshd#KEYWORD: as sshd -T prints it; a list where it prints several", "effective/nginx/FILE#digest: keyed digest of a file that nginx reads",
			"effective/php/SAPI#DIRECTIVE: of php -i, SAPI is cli or the name of php-fpm", "effective/mysqld#OPTION: of my_print_defaults, lower case with _",
			"effective/PROGRAM#stale: the files that changed after the process read them; never compared, judged", "effective/PROGRAM#refused: why the program does not take its files; never compared, judged",
		},
	}
}

// Kinds declares how the facts are compared.
func (Collector) Kinds() []snapshot.Kind {
	return []snapshot.Kind{
		{Pattern: "effective/*#stale", Axis: snapshot.Context, Area: finding.AreaConfig, Doc: "files that a process has not read since they changed; judged by the rule not-loaded"},
		{Pattern: "effective/*#refused", Axis: snapshot.Context, Area: finding.AreaConfig, Doc: "a configuration that its program refuses; judged by the rule config-invalid"},
		{Pattern: "effective/nginx/*", Area: finding.AreaConfig, YieldsTo: []string{"config/{/2+}"}, Doc: "a file that nginx reads"},
		{Pattern: "effective/*", Area: finding.AreaConfig, Doc: "a setting as the program itself has it"},
	}
}

// Wants declares the one program.
func (Collector) Wants(snapshot.RoleSpec) []transport.Want {
	return []transport.Want{{ID: "effective", Command: []string{"sh", "-c", program}, MaxBytes: 16 << 20, Sudo: true, Doc: "what programs make of their configuration, and whether they have read it"}}
}
