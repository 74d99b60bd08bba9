package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// served wants that others are served as before, while something else goes on.
func (v victim) served(t *testing.T) {
	t.Helper()
	wantStatus(t, "somebody else's request", v.get("/.well-known/jwks.json", ""), 200)
	wantStatus(t, "somebody else's login", v.post("/token", form("grant_type", "password", "username", "before", "password", password)), 200)
}

// Clients that send a byte now and then hold a connection for seconds, and nobody up.
func TestSlowHeaders(t *testing.T) {
	t.Parallel()
	s := startVictim(t)
	var ended sync.WaitGroup
	for range 300 {
		conn := dial(t, s.process)
		io.WriteString(conn, "POST /token HTTP/1.1\r\nHost: localhost\r\nX: ")
		ended.Go(func() {
			defer conn.Close()
			for sent := true; sent; time.Sleep(100 * time.Millisecond) { // which is what this client is
				_, err := io.WriteString(conn, "a")
				sent = err == nil
			}
		})
	}
	s.served(t)
	ended.Wait() // the server closes all of them
	s.wantUnharmed(t)
}

// A body that never comes is waited for as long as the server reads, and then refused.
func TestSlowBodies(t *testing.T) {
	t.Parallel()
	s := startVictim(t)
	var ended sync.WaitGroup
	for i := range 100 {
		conn := dial(t, s.process)
		path := []string{"/token", "/users/", "/login", "/introspect"}[i%4]
		fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: %s\r\nContent-Length: 1000\r\n\r\nusername=", path, formType)
		ended.Go(func() {
			defer conn.Close()
			res, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil || res.StatusCode < 400 || res.StatusCode >= 500 {
				t.Errorf("%s: %v, %v", path, res, err)
			}
		})
	}
	s.served(t)
	ended.Wait()
	s.wantUnharmed(t)
}

// A body without an end is read to the bound of all bodies.
func TestEndlessBodies(t *testing.T) {
	t.Parallel()
	s := startVictim(t)
	for _, path := range []string{"/token", "/refresh", "/revoke", "/introspect", "/users/", "/users/me/items/", "/userinfo", "/authorize", "/login", "/consent", "/logout", "/signup", "/account/password", "/nothing", "/status/"} {
		for _, coding := range []string{"Transfer-Encoding: chunked", "Content-Length: 9000000000"} {
			if taken := pour(t, s.process, path, coding); taken > 8<<20 { // what the system has room for counts, too
				t.Errorf("%s took %d bytes (%s)", path, taken, coding)
			}
		}
	}
	s.served(t)
	s.wantUnharmed(t)
}

// pour sends a body until the connection is closed, and tells how much was taken.
func pour(t *testing.T, s *process, path, coding string) (taken int) {
	t.Helper()
	conn := dial(t, s)
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: %s\r\n%s\r\n\r\n", path, formType, coding)
	piece := strings.Repeat("a", 4096)
	if strings.Contains(coding, "chunked") {
		piece = "1000\r\n" + piece + "\r\n"
	}
	for taken < 64<<20 {
		n, err := io.WriteString(conn, piece)
		taken += n
		if errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%s neither takes the body nor refuses it", path)
		}
		if err != nil {
			return taken
		}
	}
	return taken
}

// Headers of any size and number are bounded before they are looked at.
func TestHeaderFloods(t *testing.T) {
	t.Parallel()
	s := startVictim(t)
	for name, header := range map[string]string{
		"one long line":     "X: " + strings.Repeat("a", 4<<20) + "\r\n",
		"very many lines":   strings.Repeat("a:b\r\n", 1<<20),
		"one name, no end":  strings.Repeat("a", 4<<20),
		"cookies":           strings.Repeat("Cookie: a=b; c=d\r\n", 1<<18),
		"forwarded hops":    "X-Forwarded-For: " + strings.Repeat("10.0.0.1, ", 1<<18) + "\r\n",
		"a target too long": "",
	} {
		conn := dial(t, s.process)
		conn.SetDeadline(time.Now().Add(patience))
		target := "/token"
		if header == "" {
			target += "?" + strings.Repeat("a", 4<<20)
		}
		done := make(chan struct{})
		go func() { // it is answered before all is sent
			defer close(done)
			io.WriteString(conn, "POST "+target+" HTTP/1.1\r\nHost: localhost\r\n"+header+"\r\n")
		}()
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err == nil && res.StatusCode != http.StatusRequestHeaderFieldsTooLarge || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%s: %v, %v", name, res, err)
		}
		conn.Close()
		<-done
	}
	s.served(t)
	s.wantUnharmed(t)
}

// Connections that say nothing cost memory, a little each, and nobody else anything.
func TestIdleConnections(t *testing.T) {
	t.Parallel()
	s := startVictim(t)
	conns := make([]net.Conn, manyConnections)
	for i := range conns {
		conns[i] = dial(t, s.process)
		if i%2 == 0 { // half of them were of use before
			io.WriteString(conns[i], "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
		}
	}
	eventually(t, "all are taken", func() bool {
		now, _ := s.held(t)
		return now >= manyConnections
	})
	s.served(t)
	_, heap := s.held(t)
	t.Logf("%d connections hold %d bytes each", manyConnections, (heap-s.heap)/manyConnections)
	if each := (heap - s.heap) / manyConnections; each > 24<<10 {
		t.Errorf("a connection holds %d bytes", each)
	}
	for _, conn := range conns {
		conn.Close()
	}
	s.wantUnharmed(t)
}
