package bench

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strconv"
	"time"
)

// patience is how long an answer may take.
const patience = 30 * time.Second

// maxAnswer bounds the body of an answer, in bytes.
const maxAnswer = 1 << 20

// conn is one connection of HTTP/1.1 to the server under load. It does as little as can be: the
// machine is shared with what is measured.
type conn struct {
	target *url.URL
	tls    *tls.Config
	net    net.Conn // nil until the first request, and after a fault
	in     *bufio.Reader
	body   []byte
	last   []byte // the request that was sent last, for what is measured by its shape
}

// do sends a whole request and gives the answer, whose body is good until the next.
func (c *conn) do(request []byte) (status int, body []byte, err error) {
	if c.net == nil {
		if err := c.open(); err != nil {
			return 0, nil, err
		}
	}
	c.last = request
	if status, body, err = c.exchange(request); err != nil {
		c.close()
	}
	return status, body, err
}

func (c *conn) open() (err error) {
	dialer := &net.Dialer{Timeout: patience}
	if c.target.Scheme == "https" {
		c.net, err = tls.DialWithDialer(dialer, "tcp", c.target.Host, c.tls)
	} else {
		c.net, err = dialer.Dial("tcp", c.target.Host)
	}
	if err != nil {
		c.net = nil
		return err
	}
	c.in = bufio.NewReader(c.net)
	return nil
}

func (c *conn) close() {
	if c.net != nil {
		c.net.Close()
		c.net = nil
	}
}

func (c *conn) exchange(request []byte) (status int, body []byte, err error) {
	if err := c.net.SetDeadline(time.Now().Add(patience)); err != nil {
		return 0, nil, err
	}
	if _, err := c.net.Write(request); err != nil {
		return 0, nil, err
	}
	line, err := c.line()
	if err != nil {
		return 0, nil, err
	}
	if len(line) < 12 || !bytes.HasPrefix(line, []byte("HTTP/1.1 ")) {
		return 0, nil, errors.New("the answer is not HTTP/1.1")
	}
	if status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return 0, nil, errors.New("the answer has no status")
	}
	length, last, err := c.header()
	if err != nil {
		return 0, nil, err
	}
	if cap(c.body) < length {
		c.body = make([]byte, length)
	}
	c.body = c.body[:length]
	if _, err := io.ReadFull(c.in, c.body); err != nil {
		return 0, nil, err
	}
	if last {
		c.close()
	}
	return status, c.body, nil
}

// header reads the header up to its end: how long the body is, and whether the server closes the connection.
func (c *conn) header() (length int, last bool, err error) {
	length = -1
	for {
		line, err := c.line()
		if err != nil {
			return 0, false, err
		}
		if len(line) == 0 {
			break
		}
		name, value, _ := bytes.Cut(line, []byte(": "))
		switch {
		case bytes.EqualFold(name, []byte("Content-Length")):
			if length, err = strconv.Atoi(string(value)); err != nil || length < 0 || length > maxAnswer {
				return 0, false, fmt.Errorf("the answer has the length %q", value)
			}
		case bytes.EqualFold(name, []byte("Connection")):
			last = bytes.EqualFold(value, []byte("close"))
		}
	}
	if length < 0 {
		return 0, false, errors.New("the answer does not say how long it is")
	}
	return length, last, nil
}

func (c *conn) line() ([]byte, error) {
	line, err := c.in.ReadSlice('\n')
	if err != nil {
		return nil, err
	}
	return bytes.TrimRight(line, "\r\n"), nil
}
