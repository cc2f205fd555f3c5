package transport

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// The limits on what a host may send. What exceeds them ends the conversation.
const (
	maxBanner  = 1 << 20   // what login scripts may print before the program speaks
	maxHeader  = 1 << 10   // one record's first line
	maxListing = 32 << 20  // the listing of one tree, about 300,000 names; the host cuts it there
	maxTotal   = 256 << 20 // all answers of one Fetch together
)

// stream cuts what the program on a host prints into records. A record begins with a line end, the mark, a space and a line of words; what follows, up to the
// next record, belongs to it. The mark is random and made for each connection, so that nothing that stands on a host can begin a record.
type stream struct {
	in     *bufio.Reader
	mark   []byte // with the line end before and the space behind it
	header []string
	left   int64 // bytes that may still be read
}

func newStream(r io.Reader, mark string) *stream {
	return &stream{in: bufio.NewReaderSize(r, 64<<10), mark: []byte("\n" + mark + " ")}
}

var (
	errTooMuch = errors.New("it sent more than it was asked for")
	errGarbage = errors.New("its answer is not what the program prints")
)

// word is the mark as the program knows it.
func (s *stream) word() string { return string(bytes.TrimSpace(s.mark)) }

// skip drops what stands before the next record and reads that record's header.
func (s *stream) skip(limit int64) error {
	_, err := s.until(limit, false)
	return err
}

// until reads to the next record, and its header. It returns what stood before it, if that is to be kept, of at most limit bytes.
func (s *stream) until(limit int64, keep bool) ([]byte, error) {
	var kept []byte
	var passed int64
	for {
		if _, err := s.in.Peek(len(s.mark)); err != nil {
			return nil, ended(err)
		}
		window, err := s.in.Peek(s.in.Buffered())
		if err != nil {
			return nil, ended(err)
		}
		at := bytes.Index(window, s.mark)
		take := at
		if at < 0 {
			take = len(window) - len(s.mark) + 1
		}
		if keep {
			kept = append(kept, window[:take]...)
		}
		passed += int64(take)
		s.left -= int64(take)
		if passed > limit || s.left < 0 {
			return nil, errTooMuch
		}
		if at < 0 {
			_, err = s.in.Discard(take)
		} else if _, err = s.in.Discard(take + len(s.mark)); err == nil {
			return kept, s.readHeader()
		}
		if err != nil {
			return nil, ended(err)
		}
	}
}

func (s *stream) readHeader() error {
	line, err := s.in.ReadSlice('\n')
	switch {
	case errors.Is(err, bufio.ErrBufferFull), len(line) > maxHeader:
		return errGarbage
	case err != nil:
		return ended(err)
	}
	s.header = strings.Fields(string(line))
	if len(s.header) == 0 {
		return errGarbage
	}
	return nil
}

// body reads what follows the header, up to the next record.
func (s *stream) body(limit int64) ([]byte, error) {
	return s.until(limit, true)
}

// ended says that the stream ended, without the operating system's words for a pipe.
func ended(err error) error {
	if errors.Is(err, io.EOF) {
		return errEnded
	}
	return fmt.Errorf("%w: %s", errEnded, plain(err))
}

var errEnded = errors.New("the connection ended before the answer was complete")

// hello is what the program says of its host first.
type hello struct {
	pid   string // of the shell
	finds string // find, stat or ls: what lists files; none where nothing can
	tools []string
}

func (h hello) has(tool string) bool { return slices.Contains(h.tools, tool) }

func parseHello(header []string) (hello, error) {
	if len(header) < 3 || header[0] != "hi" || len(header[1]) > 20 || strings.Trim(header[1], "0123456789") != "" || header[1] == "" {
		return hello{}, errGarbage
	}
	return hello{pid: header[1], finds: header[2], tools: header[3:]}, nil
}
