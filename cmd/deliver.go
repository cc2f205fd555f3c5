package cmd

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/envdiff/envdiff/ci"
)

// socketPrefix marks a PATH of -o collectd that is the socket of collectd's unixsock plugin.
const socketPrefix = "unix:"

// collectdDeadline bounds the conversation with collectd.
const collectdDeadline = 10 * time.Second

// toCollectd sends PUTVAL lines to collectd's socket and reads its answer to each.
func toCollectd(socket string, lines []byte) error {
	conn, err := net.DialTimeout("unix", socket, collectdDeadline)
	if err != nil {
		return hinted(fmt.Errorf("collectd's socket %s cannot be reached", socket), "load collectd's plugin unixsock; SocketPerms and SocketGroup say who may write to it")
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(collectdDeadline)); err != nil {
		return err
	}
	answers := bufio.NewReaderSize(io.LimitReader(conn, 1<<20), 4096)
	for line := range bytes.Lines(lines) {
		if _, err := conn.Write(line); err != nil {
			return fmt.Errorf("writing to collectd: %w", err)
		}
		answer, err := answers.ReadString('\n')
		if err != nil {
			return errors.New("collectd closed its socket without an answer")
		}
		if status, _, _ := strings.Cut(answer, " "); strings.HasPrefix(status, "-") {
			return fmt.Errorf("collectd refused a value: %s", strings.TrimSpace(answer))
		}
	}
	return nil
}

// collectdStyle reads what collectd's exec plugin tells its programs.
func (s *session) collectdStyle(style *ci.Style) {
	style.Host, _ = s.world.LookupEnv("COLLECTD_HOSTNAME")
	if text, ok := s.world.LookupEnv("COLLECTD_INTERVAL"); ok {
		if seconds, err := strconv.ParseFloat(text, 64); err == nil && seconds >= 1 {
			style.Interval = int(seconds)
		}
	}
}

// stepSummaryLimit is what GitHub takes of a step's summary.
const stepSummaryLimit = 1 << 20

// stepSummary appends the report to the summary of the GitHub step that runs envdiff, as far as there is room for it.
func (s *session) stepSummary(r *ci.Report) {
	path, _ := s.world.LookupEnv("GITHUB_STEP_SUMMARY")
	if path == "" {
		return
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		fmt.Fprintln(s.world.Stderr, "envdiff: warning: the step summary cannot be written")
		return
	}
	defer f.Close()
	used := int64(0)
	if info, err := f.Stat(); err == nil {
		used = info.Size()
	}
	if _, err := io.WriteString(f, ci.Comment(r, int(max(stepSummaryLimit-used-1, 0)))); err != nil {
		fmt.Fprintln(s.world.Stderr, "envdiff: warning: the step summary cannot be written")
	}
}
