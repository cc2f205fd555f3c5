# HOST PORT...: asks for all of them at once, and prints "envdiff INDEX RESOLVES CONNECTS" for each. Port 0 is only resolved.
has() { command -v "$1" >/dev/null 2>&1; }
w=
if has timeout; then w='timeout 5'; fi

# why reads what a tool says of a failure.
why() {
	case $1 in
	*refused*) c=refused ;;
	*'timed out'* | *'imed out'*) c=timeout ;;
	*'o route to host'* | *'etwork is unreachable'* | *'ost is unreachable'*) c=unreachable ;;
	*'not known'* | *'emporary failure in name'* | *'bad address'* | *'getaddrinfo'* | *'Name does not resolve'*) r=no ;;
	esac
}

one() {
	r=unknown c=unknown
	case $2 in
	*:*) r=yes ;;
	*[!0-9.]*) ;;
	*) r=yes ;;
	esac
	if [ $r = unknown ] && has getent; then
		$w getent ahosts "$2" >/dev/null 2>&1
		case $? in 0) r=yes ;; 2) r=no ;; 124 | 137 | 143) r=slow ;; esac
	fi
	if [ $r != no ] && [ $r != slow ] && [ "$3" != 0 ]; then
		if [ "$w" ] && has bash; then
			m=$($w bash -c 'exec 3<>"/dev/tcp/$0/$1"' "$2" "$3" 2>&1)
			case $? in
			0) c=open ;;
			124 | 137 | 143) c=timeout ;;
			*) why "$m" ;;
			esac
		elif has nc; then
			h=$(nc -h 2>&1 </dev/null)
			case $h in
			*BusyBox*-z*) m=$($w nc -z -w 4 "$2" "$3" 2>&1 </dev/null) ;;
			*BusyBox*'-e PROG'*) m=$($w nc -w 4 "$2" "$3" -e true 2>&1 </dev/null) ;;
			*-z*) m=$(nc -v -z -w 4 "$2" "$3" 2>&1 </dev/null) ;;
			*) echo "envdiff $1 $r unknown"; return ;;
			esac
			s=$?
			if [ $s = 0 ]; then c=open; else
				why "$m"
				case $s in 124 | 137 | 143) c=timeout ;; esac
			fi
		fi
		if [ $c = open ]; then r=yes; fi
	fi
	echo "envdiff $1 $r $c"
}

i=0
while [ $# -gt 1 ]; do
	one $i "$1" "$2" &
	i=$((i + 1))
	shift 2
done
wait
