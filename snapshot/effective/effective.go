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
captures them as configuration. ` + "`nginx -T`" + ` is not run, for nginx's test makes log files, a pid file and directories where there are none. So an unknown directive is not found here; an
include of a file that is not there is.

Nothing of this writes to the host. PHP is asked with ` + "`session.auto_start`, `opcache.enable`, `opcache.preload`, `error_log` and `xdebug.mode`" + ` off, for with them ` + "`php -i`" + ` would make a session or lock file, run the
application's preload script, or write into its log; these five are not compared here.

A configuration that sshd refuses, or that nginx would refuse for a missing file, is the finding ` + "`config-invalid`" + `.

A process that has not read its files since they changed is the finding ` + "`not-loaded`" + `: the files that it reads, by the time of their last change, beside the start of the process, or of the
workers that it started at its last reload, or the time of its pid file, which sshd and php-fpm write anew when they reload. Processes in containers, and those that were started with files of their own (` + "`nginx -c`, `mysqld --defaults-file`" + `), are left out.`,
		Needs: []string{"sshd, nginx, php, php-fpm, my_print_defaults, where they are", "/proc, grep, sed, tr, find, stat and sha256sum", "root, for sshd and for files of nginx that only root may read"},
		Attributes: []string{
			"effective/sshd#KEYWORD: as sshd -T prints it; a list where it prints several", "effective/nginx/FILE#digest: keyed digest of a file that nginx reads",
			"effective/php/SAPI#DIRECTIVE: of php -i, SAPI is cli or the name of php-fpm", "effective/mysqld#OPTION: of my_print_defaults, lower case with _",
			"effective/PROGRAM#stale: the files that changed after the process read them; never compared, judged", "effective/PROGRAM#refused: true where the program refuses its files, or would; never compared, judged",
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
# included MAIN: the files that nginx reads, found level by level; patterns are relative to the directory of the main file.
included() (
	IFS='
'
	n=0 b=${1%/*} want=$1 seen=$IFS missing= unread=
	cd "$b" || unread=1
	while [ "$want" ] && [ ! "$unread" ]; do
		new=
		for f in $want; do
			case $f in /*) ;; *) f=$b/$f ;; esac
			case $seen in *"$IFS$f$IFS"*) continue ;; esac
			if [ -f "$f" ] && [ -r "$f" ]; then
				seen=$seen$f$IFS new=$new$f$IFS n=$((n + 1))
				[ $n -gt 2000 ] && unread=1 && break
			elif [ -e "$f" ]; then unread=1
			else
				case $f in *[*?[]*) ;; *) missing=${missing:-$f} ;; esac
			fi
		done
		want=
		set -f
		[ "$new" ] && want=$(sed -e 's/^#.*//' -e 's/\([[:space:];{}]\)#.*/\1/' $new | tr '\n\t;{}' '  \n\n\n' | sed -n 's/^ *include  *//p' | sed -e 's/ *$//' -e "s/[\"']//g")
		set +f
	done
	[ "$missing" ] && [ "$(id -u)" != 0 ] && unread=1
	set -f
	part nginx; sha256sum $seen; s=$?
	[ "$missing" ] && s=missing
	[ "$unread" ] && s=unread
	printf '= status %s\n' "$s"
	part nginx-missing; printf '%s\n' "$missing"
	part nginx-files; stat -L -c '%Y %n' $seen
)
part clock; sed -n 's/^btime //p' stat; getconf CLK_TCK || echo 100
running= master=
for p in $(grep -l -E '^[0-9]+ \((nginx|sshd|php-fpm[^)]*|mariadbd|mysqld)\) ' [0-9]*/stat); do
	d=${p%/stat}
	[ "$(readlink "$d/ns/pid")" = "$(readlink self/ns/pid)" ] && [ "$(readlink "$d/root")" = / ] || continue
	case $(tr '\000' ' ' <"$d/cmdline") in
	*--no-defaults* | *--defaults-* | *'master process '*' -c '* | *'master process '*' -p '*) continue ;;
	'nginx: master process'*) master=$d ;;
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
	v=$("$master/exe" -V 2>&1 || nginx -V 2>&1)
	built() { printf '%s\n' "$v" | sed -n "s/.* --$1=\([^ ]*\).*/\1/p"; }
	x=$(built prefix) c=$(built conf-path)
	x=${x:-/usr/local/nginx} c=${c:-conf/nginx.conf}
	case $c in /*) ;; *) c=$x/$c ;; esac
	included "$c"
fi
quiet='-d session.auto_start=0 -d opcache.enable=0 -d opcache.preload= -d error_log= -d xdebug.mode=off'
if command -v php >&2; then ask php/cli php $quiet -i; fi
for b in /usr/sbin/php-fpm*; do
	[ -x "$b" ] || continue
	n=${b#/usr/sbin/} v=${b#/usr/sbin/php-fpm}
	ask "php/$n" "$b" $quiet -i
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
