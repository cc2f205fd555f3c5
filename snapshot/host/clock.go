package host

import (
	"strconv"
	"strings"

	"github.com/envdiff/envdiff/internal/transport"
	"github.com/envdiff/envdiff/snapshot"
)

// readClock reads how far the host's clock is from the one of the machine that looks at it, and whether something keeps it right. A machine that
// looks at itself has no difference to tell.
func readClock(rd *reader) {
	a := rd.at("host", "clock")
	if s := rd.in.Sections["clock"]; s.Problem == transport.OK && s.Status == 0 && !s.Taken.IsZero() {
		if there, err := strconv.ParseInt(word(s.Output), 10, 64); err == nil && there > 0 && there < 1<<40 {
			rd.r.Add(a.Attr("offset_seconds"), snapshot.Int(there-s.Taken.Unix()), "date")
		}
	}
	if synchronised, from, ok := rd.synchronised(); ok {
		rd.r.Add(a.Attr("synchronised"), snapshot.Bool(synchronised), from)
		rd.looked("host/clock#synchronised")
	}
}

// synchronised asks chrony, ntpd and systemd: each that runs knows, and one that does is enough.
func (rd *reader) synchronised() (yes bool, from string, known bool) {
	out, ok := rd.output("time-sync", rd.at("host", "clock"))
	if !ok || rd.container { // a container's clock is its host's
		return false, "", false
	}
	for _, line := range lines(out) {
		source, said, _ := strings.Cut(line, " ")
		switch source {
		case "chrony": // chronyc -c tracking: reference, …; the last of 14 fields is the leap status
			f := strings.Split(said, ",")
			if len(f) < 14 {
				continue
			}
			known, from = true, "chronyc tracking"
			yes = yes || f[len(f)-1] != "Not synchronised"
		case "ntp": // ntpq -c rv: leap_alarm, or leap_none and the like
			known, from = true, "ntpq"
			yes = yes || !strings.Contains(said, "leap_alarm")
		case "systemd":
			if said == "yes" || said == "no" {
				known, from = true, "timedatectl"
				yes = yes || said == "yes"
			}
		}
	}
	return yes, from, known
}

// timeSync asks whatever keeps the time. Each line begins with who says it.
const timeSync = `x=$(chronyc -c -h 127.0.0.1,::1 tracking) && echo "chrony $x"
x=$(ntpq -n -c rv) && [ "$x" ] && echo ntp $x
x=$(timedatectl show -p NTPSynchronized --value) && [ "$x" ] && echo "systemd $x"
exit 0`
