package effective

// program prints parts that begin with a line of their own; a part that is a program's answer ends with its status. A file's line is its time of change and its name.
const program = `cd /proc || exit 1
[ -e stat ] || exit 1
part() { printf '\n= %s\n' "$1"; }
# given COMMAND...: the command with the names on standard input behind it, where there are any. One program for many files: a program costs a host more than what it reads.
given() { while IFS= read -r f; do set -- "$@" "$f"; n=$((n + 1)); done; [ $n = 0 ] || "$@"; }
# speaking PATTERN: those of the names on standard input in whose files the pattern is.
speaking() { n=0; given grep -l -E "$1"; }
stamp() { n=0; given stat -L -c '%Y %n'; }
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
		[ "$new" ] && want=$(statements $new | sed -n 's/^ *include  *//p')
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
	[ ! "$unread" ] && judged "$1" $(statements $seen | sed -n 's/^ *pid  *//p')
)
# statements FILE...: a line for each statement, without comments, quotes and the blanks behind it.
statements() { sed -e 's/^#.*//' -e 's/\([[:space:];{}]\)#.*/\1/' "$@" | tr '\n\t;{}' '  \n\n\n' | sed -e 's/ *$//' -e "s/[\"']//g"; }
# judged MAIN PID...: what nginx -t says. It is asked as a user that nobody is, who may read everything and write nothing: so it ends at its pid file, which it opens first of all that it would
# make (ngx_init_cycle: then come directories, logs, sockets). Where that user could write the pid file, or parsing would run an application's code, it is not asked.
judged() (
	u=65533 m=$1
	shift
	[ "$(id -u)" = 0 ] && ! grep -q "^[^:]*:[^:]*:$u:" /etc/passwd || return
	as() { timeout -s KILL 8 setpriv --reuid=$u --regid=$u --clear-groups --inh-caps=-all,+dac_read_search --ambient-caps=-all,+dac_read_search --bounding-set=-all,+dac_read_search --no-new-privs "$@"; }
	statements $seen | grep -q -E -e '^ *(perl|lua|js|passenger)_' -e '_by_lua' -e '^ *load_module .*(perl|lua|js|passenger)' && return
	p=$(readlink "/proc/$master/exe") p=${p% (deleted)}
	case $("$p" -h 2>&1) in *'-e filename'*) ;; *) return ;; esac
	as sh -c 'x=$1; shift; for f; do case $f in /*) ;; *) f=$x/$f ;; esac; if [ -e "$f" ]; then [ -w "$f" ]; else [ -w "${f%/*}" ]; fi && exit 1; done; exit 0' sh "$x" "${@:-$(built pid-path)}" || return
	part nginx-test
	as "$p" -e stderr -p "$x" -c "$m" -t 2>&1 | head -c 16384
	printf '\n= status 0\n'
)
part clock; sed -n 's/^btime //p' stat; getconf CLK_TCK || echo 100
running= master=
here=$(readlink self/ns/pid)
for p in $(grep -l -E '^[0-9]+ \((nginx|sshd|php-fpm[^)]*|mariadbd|mysqld)\) ' [0-9]*/stat); do
	d=${p%/stat}
	[ "$(readlink "$d/ns/pid")" = "$here" ] && [ "$(readlink "$d/root")" = / ] || continue
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
# told NAME PROGRAM: php -i without what would make it write, and what PHP's files say of that.
told() {
	x=$("$2" $quiet -i 2>&1) s=$?
	part "php/$1"; printf '%s\n\n= status %s\n' "$x" $s
	part "php/$1-silenced"
	printf '%s\n' "$x" | sed -n -e 's/^Loaded Configuration File => //p' -e '/^Additional .ini files parsed => /,/^PHP API/{s/^Additional .ini files parsed => //;s/,$//;p;}' | grep '^/' |
		speaking '^[[:space:]]*(session\.auto_start|opcache\.enable|opcache\.preload|error_log|xdebug\.mode)[[:space:]]*=' | while IFS= read -r f; do
		sed -e '/^[[:space:]]*\[\(PATH\|HOST\)/,$d' "$f" | sed -n -e 's/^[[:space:]]*\(session\.auto_start\|opcache\.enable\|opcache\.preload\|error_log\|xdebug\.mode\)[[:space:]]*=[[:space:]]*/\1=/p'
	done
}
if command -v php >&2; then told cli php; fi
for b in /usr/sbin/php-fpm*; do
	[ -x "$b" ] || continue
	n=${b#/usr/sbin/} v=${b#/usr/sbin/php-fpm}
	told "$n" "$b"
	part "php/$n-pid"; for f in "/run/php/php$v-fpm.pid" /run/php-fpm/php-fpm.pid; do [ -f "$f" ] && { head -n 1 "$f"; echo; stat -c %Y "$f"; break; }; done
	part "php/$n-files"; if [ -d "/etc/php/$v/fpm" ]; then find -L "/etc/php/$v/fpm" -type f; else find -L /etc/php.ini /etc/php.d /etc/php-fpm.conf /etc/php-fpm.d -type f; fi | stamp
done
if command -v my_print_defaults >&2; then
	x=$(my_print_defaults --mysqld 2>&1) || x=$(my_print_defaults mysqld server 2>&1)
	part mysqld; printf '%s\n= status %s\n' "$x" $?
	part mysqld-files; find -L /etc/mysql /etc/my.cnf /etc/my.cnf.d -type f -name '*.cnf' | speaking '^\[(mysqld|mariadbd|mariadb|server|galera)' | stamp
fi
part end`
