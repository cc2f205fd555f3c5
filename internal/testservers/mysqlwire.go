package testservers

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
)

// Answer is what a WireServer answers a query with: rows by column names, or a refusal. A nil cell is NULL.
type Answer struct {
	Columns []string
	Rows    [][]*string
	Refusal *Refusal
}

// Refusal is an error of the server.
type Refusal struct {
	Number  uint16
	State   string // SQLSTATE
	Message string
}

// WireServer speaks the protocol of MySQL 8 with a real driver: the greeting of a version, caching_sha2_password as a server that knows the client's password
// already, and the text protocol. It knows no SQL: answer says what every query yields, and false for one that it does not know.
// https://dev.mysql.com/doc/dev/mysql-server/latest/PAGE_PROTOCOL.html
type WireServer struct {
	Port int

	version, password string
	answer            func(query string) (Answer, bool)
	mutex             sync.Mutex
	unknown           []string
}

// NewWireServer starts one for a test.
func NewWireServer(t testing.TB, version, password string, answer func(string) (Answer, bool)) *WireServer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &WireServer{Port: l.Addr().(*net.TCPAddr).Port, version: version, password: password, answer: answer}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for id := uint32(1); ; id++ {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				w := &wire{conn: conn}
				if err := s.serve(w, id); err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, net.ErrClosed) {
					s.note(err.Error())
				}
			}()
		}
	}()
	return s
}

// Unknown are the queries that had no answer.
func (s *WireServer) Unknown() []string {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return append([]string(nil), s.unknown...)
}

func (s *WireServer) note(query string) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.unknown = append(s.unknown, query)
}

func (s *WireServer) serve(w *wire, id uint32) error {
	let, err := s.login(w, id)
	if err != nil || !let {
		return err
	}
	for {
		w.sequence = 0
		packet, err := w.read()
		if err != nil {
			return err
		}
		switch packet[0] {
		case 1: // COM_QUIT
			return nil
		case 3: // COM_QUERY
			err = s.query(w, string(packet[1:]))
		default: // ping and the like
			err = w.ok()
		}
		if err != nil {
			return err
		}
	}
}

const (
	// CLIENT_LONG_PASSWORD, LONG_FLAG, CONNECT_WITH_DB, PROTOCOL_41, TRANSACTIONS, SECURE_CONNECTION, MULTI_RESULTS, PLUGIN_AUTH
	capabilities = 1 | 4 | 8 | 1<<9 | 1<<13 | 1<<15 | 1<<17 | 1<<19
	utf8mb4      = 255 // utf8mb4_0900_ai_ci
	autocommit   = 2
)

func (s *WireServer) login(w *wire, id uint32) (bool, error) {
	nonce := []byte("abcdefghijklmnopqrst") // 20 bytes
	var b bytes.Buffer
	b.WriteByte(10)
	b.WriteString(s.version + "\x00")
	_ = binary.Write(&b, binary.LittleEndian, id)
	b.Write(nonce[:8])
	b.WriteByte(0)
	_ = binary.Write(&b, binary.LittleEndian, uint16(capabilities&0xffff))
	b.WriteByte(utf8mb4)
	_ = binary.Write(&b, binary.LittleEndian, uint16(autocommit))
	_ = binary.Write(&b, binary.LittleEndian, uint16(capabilities>>16))
	b.WriteByte(byte(len(nonce) + 1))
	b.Write(make([]byte, 10))
	b.Write(nonce[8:])
	b.WriteString("\x00caching_sha2_password\x00")
	if err := w.write(b.Bytes()); err != nil {
		return false, err
	}
	reply, err := w.read()
	if err != nil {
		return false, err
	}
	rest := reply[min(32, len(reply)):] // capabilities, packet size, character set, filler
	_, rest, _ = bytes.Cut(rest, []byte{0})
	if len(rest) == 0 || len(rest) < int(rest[0])+1 {
		return false, errors.New("a login that is none")
	}
	if !bytes.Equal(rest[1:1+int(rest[0])], scramble(s.password, nonce)) {
		return false, w.refuse(Refusal{1045, "28000", "Access denied for user 'u'@'127.0.0.1' (using password: YES)"})
	}
	if err := w.write([]byte{1, 3}); err != nil { // fast authentication: the server has seen the password before
		return false, err
	}
	return true, w.ok()
}

// scramble proves a password: XOR(SHA256(password), SHA256(SHA256(SHA256(password)), nonce)).
func scramble(password string, nonce []byte) []byte {
	once := sha256.Sum256([]byte(password))
	twice := sha256.Sum256(once[:])
	mixed := sha256.Sum256(append(twice[:], nonce...))
	for i := range once {
		once[i] ^= mixed[i]
	}
	return once[:]
}

func (s *WireServer) query(w *wire, query string) error {
	for _, word := range []string{"SET ", "START TRANSACTION", "SAVEPOINT", "ROLLBACK", "KILL", "DO "} {
		if strings.HasPrefix(query, word) {
			return w.ok()
		}
	}
	a, known := s.answer(query)
	if !known {
		s.note(query)
		return w.refuse(Refusal{1064, "42000", "no such question"})
	}
	if a.Refusal != nil {
		return w.refuse(*a.Refusal)
	}
	return w.rows(a)
}

// wire reads and writes packets.
type wire struct {
	conn     net.Conn
	sequence byte
}

func (w *wire) read() ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(w.conn, head[:]); err != nil {
		return nil, err
	}
	w.sequence = head[3] + 1
	packet := make([]byte, int(head[0])|int(head[1])<<8|int(head[2])<<16)
	if _, err := io.ReadFull(w.conn, packet); err != nil {
		return nil, err
	}
	if len(packet) == 0 {
		return nil, errors.New("an empty packet")
	}
	return packet, nil
}

func (w *wire) write(packet []byte) error {
	n := len(packet)
	if n >= 1<<24-1 {
		return fmt.Errorf("a packet of %d bytes", n)
	}
	_, err := w.conn.Write(append([]byte{byte(n), byte(n >> 8), byte(n >> 16), w.sequence}, packet...))
	w.sequence++
	return err
}

func (w *wire) ok() error { return w.write([]byte{0, 0, 0, autocommit, 0, 0, 0}) }

func (w *wire) refuse(r Refusal) error {
	return w.write([]byte("\xff" + string([]byte{byte(r.Number), byte(r.Number >> 8)}) + "#" + r.State + r.Message))
}

// text is a length and a string.
func text(b []byte, s string) []byte {
	switch n := len(s); {
	case n < 251:
		b = append(b, byte(n))
	case n < 1<<16:
		b = append(b, 0xfc, byte(n), byte(n>>8))
	default:
		b = append(b, 0xfd, byte(n), byte(n>>8), byte(n>>16))
	}
	return append(b, s...)
}

func (w *wire) rows(a Answer) error {
	end := []byte{0xfe, 0, 0, autocommit, 0}
	if err := w.write([]byte{byte(len(a.Columns))}); err != nil {
		return err
	}
	for _, name := range a.Columns {
		b := text(nil, "def")
		for _, part := range []string{"", "", "", name, name} {
			b = text(b, part)
		}
		// utf8mb4, 1024 bytes, VAR_STRING
		b = append(b, 12, utf8mb4, 0, 0, 4, 0, 0, 0xfd, 0, 0, 0, 0, 0)
		if err := w.write(b); err != nil {
			return err
		}
	}
	if err := w.write(end); err != nil {
		return err
	}
	for _, row := range a.Rows {
		var b []byte
		for _, cell := range row {
			if cell == nil {
				b = append(b, 0xfb)
				continue
			}
			b = text(b, *cell)
		}
		if err := w.write(b); err != nil {
			return err
		}
	}
	return w.write(end)
}
