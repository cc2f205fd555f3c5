# Asks for a URL on a host: SECONDS REDIRECTS PROTOCOLS verify|insecure HEADERS. Standard input is a configuration of curl, with
# the URL on its first line. The output is the body, a line "envdiff-http STATUS TYPE", and a line "envdiff TOOL EXIT-STATUS".
t=$1 d=$2 p=$3 n=$5 k=
has() { command -v "$1" >/dev/null 2>&1; }
if has curl; then
	if [ "$4" = insecure ]; then k=-k; fi
	# -q comes first: nobody's .curlrc has a say. Headers would go along to wherever a redirect leads, so there is none with them.
	if [ "$n" = 0 ]; then k="$k -L"; fi
	curl -q -sS -g $k --proto "=$p" --proto-redir "=$p" --max-redirs "$d" --max-time "$t" --compressed -A envdiff \
		-H 'Accept: application/json, application/yaml, text/plain, text/html;q=0.5, */*;q=0.1' -w '\nenvdiff-http %{http_code} %{content_type}' -K - 2>/dev/null
	printf '\nenvdiff curl %s\n' $?
	exit 0
fi
IFS= read -r u
u=${u#url = \"}
u=${u%\"}
if has wget && [ "$n" = 0 ]; then
	if wget --version 2>/dev/null | grep -q 'GNU Wget'; then
		if [ "$4" = insecure ]; then k=--no-check-certificate; fi
		if [ "$p" = https ]; then k="$k --https-only"; fi
		if wget --help 2>/dev/null | grep -q -e --no-hsts; then k="$k --no-hsts"; fi # else it writes ~/.wget-hsts
		printf '%s\n' "$u" | wget -q -O - --no-config $k --tries=1 --timeout="$t" --max-redirect="$d" -U envdiff -i - 2>/dev/null
		s=$?
		printf '\nenvdiff-http 0 \nenvdiff wget %s\n' $s
		exit 0
	fi
	# busybox's wget checks no certificate and takes the URL as an argument, which everybody on the host can see.
	case $4:$u in
	*[?@]* | verify:https:*) ;;
	*)
		if [ "$4" = insecure ]; then k=--no-check-certificate; fi
		# Its own -T crashes where it is linked statically.
		if has timeout; then set -- timeout "$t"; else set --; fi
		"$@" wget -q -O - $k "$u" 2>/dev/null
		s=$?
		if [ $s = 1 ]; then s=8; fi
		if [ $s != 127 ]; then # busybox's shell claims to have what it was built with, even where no link leads there
			printf '\nenvdiff-http 0 \nenvdiff wget %s\n' $s
			exit 0
		fi
		;;
	esac
fi
printf '\nenvdiff none 1\n'
