package mysql

import (
	"context"
	"strconv"

	"github.com/envdiff/envdiff/internal/engine"
)

// logPosition is how far the server's log is: the binary log's file and byte, or where there is none the bytes written to the redo log. Both are the whole
// server's: a scratch server that others use besides shows theirs too.
type logPosition struct {
	file  string // "" is the redo log
	bytes int64
}

// logged reads it. Where the role may not see the binary log, the redo log's counter tells.
func (s *session) logged(ctx context.Context) (logPosition, error) {
	var p logPosition
	status := "SHOW MASTER STATUS"
	if !s.c.server.maria && (s.c.server.major > 8 || s.c.server.major == 8 && s.c.server.minor >= 4) { // 8.4 has no other name for it
		status = "SHOW BINARY LOG STATUS"
	}
	err := s.c.query(ctx, status, func(r engine.Row) error {
		p.file = string(r[0].Data)
		p.bytes, _ = strconv.ParseInt(string(r[1].Data), 10, 64)
		return nil
	})
	if p.file != "" || ctx.Err() != nil {
		return p, err
	}
	err = s.c.query(ctx, "SHOW GLOBAL STATUS LIKE 'Innodb_os_log_written'", func(r engine.Row) error {
		p.bytes, _ = strconv.ParseInt(string(r[1].Data), 10, 64)
		return nil
	})
	return p, err
}

// loggedSince is what was written since a position, and to which log.
func (s *session) loggedSince(ctx context.Context, was logPosition) (now logPosition, bytes int64, log string, err error) {
	if now, err = s.logged(ctx); err != nil {
		return now, 0, "", err
	}
	log = "redo log"
	if now.file != "" {
		log = "binary log"
	}
	if now.file == was.file {
		return now, max(0, now.bytes-was.bytes), log, nil
	}
	// The log went on in another file: all files from the old one on.
	counting := false
	err = s.c.query(ctx, "SHOW BINARY LOGS", func(r engine.Row) error {
		size, _ := strconv.ParseInt(string(r[1].Data), 10, 64)
		if name := string(r[0].Data); name == was.file {
			counting, bytes = true, size-was.bytes
		} else if counting {
			bytes += size
		}
		return nil
	})
	return now, max(0, bytes), log, err
}
