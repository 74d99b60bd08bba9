package bench

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"
)

// Bounds of an answer, in bytes and lines.
const (
	longestLine = 8 << 10
	mostLines   = 200
	maxAnswer   = 1 << 20
)

// answerReader reads answers of HTTP/1.1 to requests other than HEAD (RFC 9112). What it does not understand it
// refuses: the next answer on the connection would be read from the wrong place.
type answerReader struct {
	in   *bufio.Reader
	body []byte

	length  int // of the body; -1: not said
	chunked bool
	last    bool          // the server closes the connection
	after   time.Duration // that the server wants to be left alone for; zero: it does not say
}

// read gives the status, and whether the server closes the connection.
func (a *answerReader) read() (status int, last bool, err error) {
	for status < 200 { // RFC 9110 §15.2: answers of status 1xx come before the one that counts
		if status, err = a.status(); err != nil {
			return 0, false, err
		}
		if err := a.header(); err != nil {
			return 0, false, err
		}
	}
	if status == 204 || status == 304 { // RFC 9112 §6.3: they have no body
		return status, a.last, nil
	}
	return status, a.last, a.readBody()
}

func (a *answerReader) status() (int, error) {
	line, err := a.line()
	if err != nil {
		return 0, err
	}
	if len(line) < 12 || !bytes.HasPrefix(line, []byte("HTTP/1.1 ")) || len(line) > 12 && line[12] != ' ' {
		return 0, errors.New("the answer is not HTTP/1.1")
	}
	status, err := strconv.ParseUint(string(line[9:12]), 10, 16)
	if err != nil || status < 100 || status == 101 {
		return 0, errors.New("the answer has no status that could be understood")
	}
	return int(status), nil
}

func (a *answerReader) header() error {
	a.length, a.chunked, a.last, a.after = -1, false, false, 0
	for range mostLines {
		line, err := a.line()
		if err != nil || len(line) == 0 {
			return err
		}
		name, value, found := bytes.Cut(line, []byte(":"))
		if !found {
			return errors.New("a line of the answer's header has no name")
		}
		if err := a.field(name, bytes.Trim(value, " \t")); err != nil {
			return err
		}
	}
	return fmt.Errorf("the answer's header has more than %d lines", mostLines)
}

func (a *answerReader) field(name, value []byte) error {
	switch {
	case bytes.EqualFold(name, []byte("Content-Length")):
		n, err := strconv.ParseUint(string(value), 10, 31)
		if err != nil || n > maxAnswer || a.length >= 0 && a.length != int(n) {
			return fmt.Errorf("the answer has the length %.20q, and at most %d bytes are read", value, maxAnswer)
		}
		a.length = int(n)
	case bytes.EqualFold(name, []byte("Transfer-Encoding")):
		if a.chunked = bytes.EqualFold(value, []byte("chunked")); !a.chunked {
			return fmt.Errorf("the answer is encoded as %.20q", value)
		}
	case bytes.EqualFold(name, []byte("Connection")):
		a.last = a.last || bytes.EqualFold(value, []byte("close"))
	case bytes.EqualFold(name, []byte("Retry-After")):
		if n, err := strconv.ParseUint(string(value), 10, 31); err == nil { // RFC 9110 §10.2.3; grantd gives no dates
			a.after = time.Duration(n) * time.Second
		}
	}
	return nil
}

func (a *answerReader) readBody() error {
	switch {
	case a.chunked && a.length >= 0: // RFC 9112 §6.3: perhaps an attempt to smuggle
		return errors.New("the answer says in two ways how long it is")
	case a.chunked:
		return a.chunks()
	case a.length >= 0:
		return a.take(a.length)
	case a.last:
		return a.rest()
	}
	return errors.New("the answer does not say how long it is")
}

// chunks reads a body in chunks and the trailer behind them (RFC 9112 §7.1).
func (a *answerReader) chunks() error {
	for range maxAnswer {
		line, err := a.line()
		if err != nil {
			return err
		}
		size, _, _ := bytes.Cut(line, []byte(";"))
		n, err := strconv.ParseUint(string(bytes.TrimRight(size, " \t")), 16, 31)
		if err != nil {
			return errors.New("a chunk of the answer has no size")
		}
		if n == 0 {
			return a.trailer()
		}
		if err := a.take(int(n)); err != nil {
			return err
		}
		if end, err := a.line(); err != nil || len(end) > 0 {
			return errors.Join(errors.New("a chunk of the answer is longer than it says"), err)
		}
	}
	return errors.New("the answer has too many chunks")
}

// trailer skips the trailer.
func (a *answerReader) trailer() error {
	for range mostLines {
		if line, err := a.line(); err != nil || len(line) == 0 {
			return err
		}
	}
	return fmt.Errorf("the answer's trailer has more than %d lines", mostLines)
}

// take reads n bytes of the body.
func (a *answerReader) take(n int) error {
	if len(a.body)+n > maxAnswer {
		return fmt.Errorf("the answer is longer than %d bytes", maxAnswer)
	}
	from := len(a.body)
	a.body = slices.Grow(a.body, n)[:from+n]
	_, err := io.ReadFull(a.in, a.body[from:])
	return unexpected(err)
}

// rest reads the body of an answer that ends with the connection.
func (a *answerReader) rest() error {
	body, err := io.ReadAll(io.LimitReader(a.in, maxAnswer+1))
	if len(body) > maxAnswer {
		return fmt.Errorf("the answer is longer than %d bytes", maxAnswer)
	}
	a.body = append(a.body, body...)
	return err
}

// line reads a line, without its end. It is good until the next.
func (a *answerReader) line() ([]byte, error) {
	line, err := a.in.ReadSlice('\n')
	switch {
	case errors.Is(err, bufio.ErrBufferFull):
		return nil, fmt.Errorf("a line of the answer's header is longer than %d bytes", longestLine)
	case err != nil:
		return nil, unexpected(err)
	}
	return bytes.TrimSuffix(line[:len(line)-1], []byte("\r")), nil
}

// unexpected is the end of a connection where there should be more.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
