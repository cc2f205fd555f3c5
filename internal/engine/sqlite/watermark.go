package sqlite

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"os"
	"sort"
	"strconv"
	"time"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
)

// settling is how long a file has to be left alone before its time says that it was: several writes may fall into one tick of it.
const settling = 2 * time.Second

// Watermarks are the file's: SQLite does not tell which table was written to, so one write makes the marks of all tables others. They are of the moment before the file was
// opened. In WAL mode the header's change counter may stay as it is when a -wal is moved into the file, hence the file's time.
func (db *database) Watermarks(ctx context.Context) (map[schema.Name]string, error) {
	f := db.files
	if db.mode != engine.ReadOnly || !db.immutable && f.tail == "" {
		return nil, nil
	}
	fresh := true
	err := db.read(ctx, func() error {
		return db.c.query(ctx, "SELECT unixepoch()", func(r engine.Row) error {
			now, err := strconv.ParseInt(string(r[0].Data), 10, 64)
			fresh = f.main.modified.Add(settling).Unix() >= now
			return err
		})
	})
	if err != nil || fresh {
		return nil, err
	}
	sch, err := db.Schema(ctx)
	if err != nil {
		return nil, err
	}
	mark := fmt.Sprintf("%d/%d %d %d %x %s", f.main.device, f.main.number, f.main.size, f.main.modified.UnixNano(), f.counter, f.tail)
	marks := map[schema.Name]string{}
	for i := range sch.Tables {
		marks[sch.Tables[i].Name] = mark
	}
	return marks, nil
}

// walTail is what a -wal's next frame would change: its header, and the number and running checksum of the last frame that is of this header's generation
// (https://sqlite.org/fileformat2.html#the_write_ahead_log). "" is that it cannot be told. No lock lies on a -wal, so closing it drops none.
func walTail(path string) string {
	const headerSize, frameHeaderSize, smallestPage, largestPage = 32, 24, 512, 65536
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	info, err := f.Stat()
	var header [headerSize]byte
	if err != nil || info.Size() < headerSize {
		if err == nil && info.Size() == 0 {
			return "empty"
		}
		return ""
	}
	if _, err := f.ReadAt(header[:], 0); err != nil {
		return ""
	}
	page := int64(binary.BigEndian.Uint32(header[8:]))
	if page < smallestPage || page > largestPage {
		return ""
	}
	var frame [frameHeaderSize]byte
	of := func(i int64) bool { // frames of an earlier generation lie behind this one's
		_, err := f.ReadAt(frame[:], headerSize+i*(frameHeaderSize+page))
		return err == nil && string(frame[8:16]) == string(header[16:24])
	}
	frames := int64(sort.Search(int((info.Size()-headerSize)/(frameHeaderSize+page)), func(i int) bool { return !of(int64(i)) }))
	if frames > 0 && !of(frames-1) {
		return "" // it is being written over
	} else if frames == 0 {
		clear(frame[:])
	}
	return fmt.Sprintf("%s %d %s", hex.EncodeToString(header[:]), frames, hex.EncodeToString(frame[16:]))
}

var _ engine.Watermarker = (*database)(nil)
