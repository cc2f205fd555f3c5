# The program that answers questions on a host, fed to /bin/sh on its standard input. dash and busybox ash suffice. It writes no file, reads what it is
# asked for and nothing else, and ends with its input. Before it come S, the mark that begins every record, and the limits L and W.
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C HOME=/
export PATH LC_ALL HOME
unset TAR_OPTIONS LANGUAGE TZ POSIXLY_CORRECT CDPATH ENV BASH_ENV
umask 077
set -f
cd /
exec 3>&1 2>/dev/null

has() { command -v "$1" >&2; }

# r KIND ARGS: begins a record.
r() { printf '\n%s %s\n' "$S" "$*"; }

# z STATUS: what ends an output, as long as ever: what bounds the output leaves room for it, and cuts nothing else of an output that is not too long.
z() { printf '%s%03d' "$S" "$1"; }

# t DEPTH ROOT...: everything to that depth below the roots, themselves included; links are not followed.
t() {
	k=$1 n=0 w=; shift
	for p do
		n=$((n + 1))
		if [ -e "$p" ] || [ -L "$p" ]; then w="$w \"\${$n}\""; fi
	done
	eval "set -- $w"
	if [ $# = 0 ]; then return; fi
	r tree "$F"
	e=$({ list "$@" | head -c "$L" >&3; } 2>&1)
	if [ "$e" ]; then e=$(printf '%s\n' "$e" | serious); fi
	if [ "$F" != find ]; then
		r rest
		find "$@" -maxdepth "$k" -type l -exec sh -c 'm=$1; shift; for p do printf "%s:l %s\0" "$m" "$p"; readlink -n "$p"; echo; done' sh "$S" {} + </dev/null
		find "$@" -maxdepth "$k" -type d -exec sh -c 'm=$1; shift; for p do [ -r "$p" ] || printf "%s:r %s\n" "$m" "$p"; [ -x "$p" ] || printf "%s:x %s\n" "$m" "$p"; done' sh "$S" {} + </dev/null
	fi
	if [ "$e" ]; then
		r trouble
		printf '%s\n' "$e"
	fi
}

# serious passes on what find complains of, but for what is told otherwise: files that went away, and directories that may not be read.
serious() {
	if has grep; then grep -v -e 'Permission denied$' -e 'No such file or directory$'
	else while read -r x; do :; done
	fi
}

# list ROOT...: what t prints.
list() {
	case $F in
	find) find "$@" -maxdepth "$k" -printf '%y %m %s %U %G\0%p\0%l\0' , -type d ! -readable -printf 'R\0%p\0\0' , -type d ! -executable -printf 'X\0%p\0\0' </dev/null ;;
	stat) find "$@" -maxdepth "$k" -exec stat -c "$S:s %f %s %u %g %n" {} + </dev/null ;;
	ls) find "$@" -maxdepth "$k" -exec sh -c 'm=$1; shift; for p do printf "%s:n %s %s\n" "$m" ${#p} "$p"; ls -ldn "$p"; done' sh "$S" {} + </dev/null ;;
	esac
}

# refused PATH: says why a file, of index i, cannot be read, if it cannot.
refused() {
	if [ ! -e "$1" ]; then r no "$i" gone
	elif [ ! -f "$1" ]; then r no "$i" special
	elif [ ! -r "$1" ]; then r no "$i" denied
	else return 1
	fi
}

# readable PATH...: leaves those that can be read in w, as words for the caller's set: set -- "$@" "$p" would copy all of them for each. i is the first one's index.
readable() {
	n=0 w=
	for p do
		n=$((n + 1))
		refused "$p" || w="$w \"\${$n}\""
		i=$((i + 1))
	done
}

# empty PATH: nothing is in the file. Its size alone does not tell: what a kernel or a program makes up while it is read has none.
empty() {
	case $1 in /proc/* | /sys/* | /dev/*) return 1 ;; esac
	x=
	[ ! -s "$1" ] && true <"$1" && ! { IFS= read -r x <"$1" || [ "$x" ]; }
}

# b LIMIT INDEX PATH...: the first bytes of files.
b() {
	k=$1 i=$2; shift 2
	for p do
		if refused "$p"; then :
		elif empty "$p"; then
			r body "$i"
			r end 0
		else
			r body "$i"
			head -c "$k" <"$p"
			r end $?
		fi
		i=$((i + 1))
	done
}

# a LIMIT INDEX PATH...: files as an archive, of which at most LIMIT bytes are passed on.
a() {
	k=$1 i=$2; shift 2
	readable "$@"
	eval "set -- $w"
	if [ $# = 0 ]; then return; fi
	r archive
	{ tar -c -f - "$@" </dev/null 2>/dev/null 3>&-; z $?; } | head -c $((k + ${#S} + 3))
	r done
}

# h TOOL INDEX PATH...: digests of files.
h() {
	k=$1 i=$2; shift 2
	readable "$@"
	eval "set -- $w"
	if [ $# = 0 ]; then return; fi
	r digests "$k"
	"$k" "$@" </dev/null
}

# c INDEX LIMIT ARGV...: a command's output and exit status.
c() {
	i=$1 k=$2; shift 2
	if ! has "$1"; then r no "c$i" gone; return; fi
	r cmd "$i"
	{ $T "$@" </dev/null 2>/dev/null 3>&-; z $?; } | head -c $((k + ${#S} + 3))
	r done
}

# ci INDEX LIMIT INPUT ARGV...: the same with a standard input. printf is the shell's own: nobody sees its arguments.
ci() {
	i=$1 k=$2 g=$3; shift 3
	if ! has "$1"; then r no "c$i" gone; return; fi
	r cmd "$i"
	{ printf %s "$g" | $T "$@" 2>/dev/null 3>&-; z $?; } | head -c $((k + ${#S} + 3))
	r done
}

F=none T=
if has find && has head; then
	if [ "$(find / -maxdepth 0 -printf %y </dev/null)" = d ]; then F=find
	elif [ "$(find / -maxdepth 0 -exec echo {} + </dev/null)" != / ] || ! has readlink; then F=none
	elif [ "$(stat -c %f / </dev/null)" ]; then F=stat
	elif has ls; then F=ls
	fi
fi
if timeout -s KILL 9 true </dev/null; then T="timeout -s KILL $W"; fi
o=
for p in head md5sum sha256sum timeout tar; do
	if has "$p"; then o="$o $p"; fi
done
r hi $$ "$F"$o
