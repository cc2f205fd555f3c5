// Package effective is the host collector of what programs themselves say of their configuration: sshd -T, nginx -T, php -i and my_print_defaults, and whether a running
// process has read its files since they changed. Like every host collector it declares what to fetch and parses the sections that a transport filled.
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
		Text: `Asks the programs of a running host what they make of their files, with every include and default: ` + "`sshd -T`" + ` (without Match blocks), ` + "`nginx -T`" + `, ` + "`php -i`" + ` of the command line and of
php-fpm, ` + "`my_print_defaults`" + ` of the MySQL or MariaDB server. A difference that a captured file shows too is told at the file alone.

nginx is asked only where it runs: its test opens its log files, and makes a pid file where there is none. Of its files the digests are compared, unless the role captures them as
configuration. A configuration that nginx or sshd refuses is the finding ` + "`config-invalid`" + `.

A process that has not read its files since they changed is the finding ` + "`not-loaded`" + `: the files that it reads, by the time of their last change, beside the start of the process, or of the
workers that it started at its last reload, or the time of its pid file, which sshd and php-fpm write anew when they reload. Processes in containers, and those that were started with files of their own (` + "`nginx -c`, `mysqld --defaults-file`" + `), are left out.`,
		Needs: []string{"sshd, nginx, php, php-fpm, my_print_defaults, where they are", "/proc, grep, sed, find and stat", "root, for sshd and nginx"},
		Attributes: []string{
			"effective/sshd#KEYWORD: as sshd -T prints it; a list where it prints several", "effective/nginx/FILE#digest: keyed digest of a file that nginx reads",
			"effective/php/SAPI#DIRECTIVE: of php -i, SAPI is cli or the name of php-fpm", "effective/mysqld#OPTION: of my_print_defaults, lower case with _",
			"effective/PROGRAM#stale: the files that changed after the process read them; never compared, judged", "effective/PROGRAM#refused: true where the program refuses its files; never compared, judged",
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

// program prints parts that begin with a line of their own; a part that is a program's answer ends with its status. A file's line is its time of change and its name.
const program = `cd /proc || exit 1
[ -e stat ] || exit 1
part() { printf '\n= %s\n' "$1"; }
ask() { part "$1"; shift; "$@" 2>&1; printf '\n= status %s\n' $?; }
stamp() { while IFS= read -r f; do stat -L -c '%Y %n' "$f"; done; }
part clock; sed -n 's/^btime //p' stat; getconf CLK_TCK || echo 100
running= master=
for p in $(grep -l -E '^[0-9]+ \((nginx|sshd|php-fpm[^)]*|mariadbd|mysqld)\) ' [0-9]*/stat); do
	d=${p%/stat}
	[ "$(readlink "$d/ns/pid")" = "$(readlink self/ns/pid)" ] && [ "$(readlink "$d/root")" = / ] || continue
	case $(tr '\000' ' ' <"$d/cmdline") in
	*--no-defaults* | *--defaults-* | *'master process '*' -c '* | *'master process '*' -p '*) continue ;;
	'nginx: master process'*) master=1 ;;
	esac
	running="$running$(cat "$p")
"
done
part running; printf '%s\n' "$running"
part leaving; grep -l 'is shutting down' [0-9]*/cmdline
if [ -x /usr/sbin/sshd ]; then
	x=$(/usr/sbin/sshd -T 2>&1); s=$?
	part sshd; printf '%s\n= status %s\n' "$x" $s
	p=$(printf '%s\n' "$x" | sed -n 's/^pidfile //p')
	part sshd-pid; [ -f "$p" ] && { head -n 1 "$p"; stat -c %Y "$p"; }
	part sshd-files; printf '%s\n' /etc/ssh/sshd_config /etc/ssh/sshd_config.d/*.conf | stamp
fi
if [ "$master" ]; then
	x=$(nginx -T 2>&1); s=$?
	part nginx; printf '%s\n' "$x" | sed 's/^/ /'; printf '= status %s\n' $s
	part nginx-files; printf '%s\n' "$x" | sed -n 's/^# configuration file \(.*\):$/\1/p' | stamp
fi
if command -v php >&2; then ask php/cli php -i; fi
for b in /usr/sbin/php-fpm*; do
	[ -x "$b" ] || continue
	n=${b#/usr/sbin/} v=${b#/usr/sbin/php-fpm}
	ask "php/$n" "$b" -i
	part "php/$n-pid"; for f in "/run/php/php$v-fpm.pid" /run/php-fpm/php-fpm.pid; do [ -f "$f" ] && { head -n 1 "$f"; echo; stat -c %Y "$f"; break; }; done
	part "php/$n-files"; if [ -d "/etc/php/$v/fpm" ]; then find -L "/etc/php/$v/fpm" -type f; else find -L /etc/php.ini /etc/php.d /etc/php-fpm.conf /etc/php-fpm.d -type f; fi | stamp
done
if command -v my_print_defaults >&2; then
	x=$(my_print_defaults --mysqld) || x=$(my_print_defaults mysqld server)
	part mysqld; printf '%s\n= status %s\n' "$x" $?
	part mysqld-files; for f in $(find -L /etc/mysql /etc/my.cnf /etc/my.cnf.d -type f -name '*.cnf'); do grep -q -E '^\[(mysqld|mariadbd|mariadb|server|galera)' "$f" && printf '%s\n' "$f"; done | stamp
fi
part end`

// Wants declares the one program.
func (Collector) Wants(snapshot.RoleSpec) []transport.Want {
	return []transport.Want{{ID: "effective", Command: []string{"sh", "-c", program}, MaxBytes: 16 << 20, Sudo: true, Doc: "what programs make of their configuration, and whether they have read it"}}
}
