package bench

import (
	"bufio"
	"context"
	"crypto/tls"
	"net"
	"net/url"
	"time"
)

// patience is how long an answer may take.
const patience = 30 * time.Second

// target is a server as requests reach it.
type target struct {
	url     *url.URL    // scheme and host; the path is that of each request
	tls     *tls.Config // for https
	address string      // where to connect to, host:port
	awake   bool        // connections do not sleep: see keepAwake
}

// at is a server at an address of this machine.
func at(address string) target {
	return target{url: &url.URL{Scheme: "http", Host: address}, address: address}
}

// conn is one connection of HTTP/1.1 to the server under load. It does as little as can be: the
// machine is shared with what is measured. When ctx ends it is closed, whatever it waits for.
type conn struct {
	ctx  context.Context
	to   target
	net  net.Conn // nil until the first request, and after a fault
	free func()   // ends the watch of ctx
	in   *bufio.Reader
	body []byte
	last []byte // the request that was sent last, for what is measured by its shape

	after time.Duration // that the last answer wants the server to be left alone for; zero: it does not say
}

func (t target) conn(ctx context.Context) *conn { return &conn{ctx: ctx, to: t} }

// do sends a whole request and gives the answer, whose body is good until the next.
func (c *conn) do(request []byte) (status int, body []byte, err error) {
	if c.net == nil {
		if err := c.open(); err != nil {
			return 0, nil, err
		}
	}
	c.last = request
	status, last, err := c.exchange(request)
	if err != nil || last {
		c.close()
	}
	return status, c.body, err
}

func (c *conn) open() (err error) {
	ctx, cancel := context.WithTimeout(c.ctx, patience)
	defer cancel()
	opened, err := (&net.Dialer{}).DialContext(ctx, "tcp", c.to.address)
	if err != nil {
		return err
	}
	if c.to.awake {
		if opened, err = keepAwake(opened); err != nil {
			return err
		}
	}
	if c.net = opened; c.to.url.Scheme == "https" {
		c.net = tls.Client(opened, c.to.tls)
	}
	stop := context.AfterFunc(c.ctx, func() { opened.Close() })
	c.free = func() { stop() }
	c.in = bufio.NewReaderSize(c.net, longestLine)
	return nil
}

func (c *conn) close() {
	if c.net != nil {
		c.free()
		c.net.Close()
		c.net = nil
	}
}

func (c *conn) exchange(request []byte) (status int, last bool, err error) {
	if err := c.net.SetDeadline(time.Now().Add(patience)); err != nil {
		return 0, false, err
	}
	if _, err := c.net.Write(request); err != nil {
		return 0, false, err
	}
	a := answerReader{in: c.in, body: c.body[:0]}
	status, last, err = a.read()
	c.body, c.after = a.body, a.after
	return status, last, err
}
