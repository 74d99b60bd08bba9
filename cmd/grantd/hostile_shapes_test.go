package main

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
	"unicode"
)

// hidden is a request that a proxy would take for a part of another one.
const hidden = "GET /status/ HTTP/1.1\r\nHost: hidden\r\n\r\n"

const (
	postToken = "POST /token HTTP/1.1\r\nHost: localhost\r\nContent-Type: " + formType + "\r\n"
	chunked   = "Transfer-Encoding: chunked\r\n"
)

// Requests whose end two programs could see in two places. Whatever follows such a request is not
// answered, or a stranger's request would get the answer of somebody else's.
var smuggled = []struct{ name, request string }{
	{"9112-6.1 length and chunks", postToken + "Content-Length: 42\r\n" + chunked + "\r\n0\r\n\r\n"},
	{"9112-6.1 chunks and length", postToken + chunked + "Content-Length: 42\r\n\r\n0\r\n\r\n"},
	{"9112-6.1 chunks behind a tab", postToken + "Transfer-Encoding:\tchunked\r\n\r\n0\r\n\r\n"},
	{"9112-6.1 chunks in HTTP/1.0", "POST /token HTTP/1.0\r\nHost: localhost\r\nConnection: keep-alive\r\n" + chunked + "\r\n0\r\n\r\n"},
	{"9112-6.1 unknown encoding", postToken + "Transfer-Encoding: xchunked\r\n\r\n"},
	{"9112-6.1 two encodings", postToken + "Transfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n"},
	{"9112-6.1 chunked is not the last", postToken + "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n"},
	{"9112-6.1 chunked twice", postToken + chunked + chunked + "\r\n0\r\n\r\n"},
	{"9112-6.1 control character", postToken + "Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n"},
	{"9112-6.3 two lengths", postToken + "Content-Length: 0\r\nContent-Length: 41\r\n\r\n"},
	{"9112-6.3 length with a sign", postToken + "Content-Length: +0\r\n\r\n"},
	{"9112-6.3 length below zero", postToken + "Content-Length: -1\r\n\r\n"},
	{"9112-6.3 length in hex", postToken + "Content-Length: 0x0\r\n\r\n"},
	{"9112-5.1 space before the colon", postToken + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n"},
	{"9112-5.2 folded line", postToken + "Transfer-Encoding:\r\n chunked\r\nContent-Length: 0\r\n\r\n"},
	{"9112-2.2 bare CR", postToken + "X: a\rTransfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n"},
	{"9110-5.5 NUL", postToken + "X: a\x00b\r\nContent-Length: 0\r\n\r\n"},
	{"9112-3.2 two hosts", postToken + "Host: elsewhere\r\nContent-Length: 0\r\n\r\n"},
	{"9112-3.2 no host", "POST /token HTTP/1.1\r\nContent-Length: 0\r\n\r\n"},
	{"9112-3 space in the target", "GET /sta tus/ HTTP/1.1\r\nHost: localhost\r\n\r\n"},
	{"9112-7.1 bare LF in an extension", postToken + chunked + "\r\n0;a=\nb\r\n\r\n"},
	{"9112-7.1 chunk of more than all", postToken + chunked + "\r\nffffffffffffffff0\r\n\r\n"},
	{"9112-7.1 chunk below zero", postToken + chunked + "\r\n-1\r\n\r\n"},
	{"9112-7.1 chunk ended by LF", postToken + chunked + "\r\n0\n\n"},
	{"9112-7.1.2 trailer", postToken + chunked + "Trailer: Authorization\r\n\r\n0\r\nAuthorization: Basic eDp5\r\n\r\n"},
}

func TestSmuggledRequests(t *testing.T) {
	t.Parallel()
	s := startVictim(t)
	for _, c := range smuggled {
		t.Run(c.name, func(t *testing.T) {
			answers, open := exchange(t, s.process, c.request+hidden)
			if len(answers) != 1 || open {
				t.Fatalf("%d, and the connection is open: %v; want one answer and its end", answers, open)
			}
			if status := answers[0]; status != 400 && status != 501 {
				t.Errorf("answered %d", status)
			}
		})
	}
	// The same bytes are two requests where nobody can see it otherwise.
	if answers, _ := exchange(t, s.process, postToken+"Content-Length: 0\r\n\r\n"+hidden); len(answers) != 2 {
		t.Errorf("two requests were answered by %d", answers)
	}
	s.wantUnharmed(t)
}

// exchange sends bytes and gives the statuses of all answers, and whether the connection stayed open behind them.
func exchange(t *testing.T, s *process, request string) (statuses []int, open bool) {
	t.Helper()
	conn := dial(t, s)
	defer conn.Close()
	io.WriteString(conn, request) // it may be answered, and closed, before all is sent
	for r := bufio.NewReader(conn); ; {
		// What is to be answered is at once. Nothing tells that no more comes but that nothing does.
		conn.SetReadDeadline(time.Now().Add(500 * time.Millisecond))
		res, err := http.ReadResponse(r, nil)
		if err != nil {
			return statuses, errors.Is(err, os.ErrDeadlineExceeded)
		}
		statuses = append(statuses, res.StatusCode)
		io.Copy(io.Discard, res.Body)
		res.Body.Close()
	}
}

func dial(t *testing.T, s *process) *net.TCPConn {
	t.Helper()
	conn, err := dialProcess(s)
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

func dialProcess(s *process) (*net.TCPConn, error) {
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.URL, "http://"))
	if err != nil {
		return nil, err
	}
	return conn.(*net.TCPConn), nil
}

// What would be a line of its own in a log, or paint over others on a terminal.
var forged = []string{
	"a\nlevel=ERROR msg=forged", "a\r\n{\"msg\":\"forged\"}", "\x1b[2K\x1b[1Amsg=forged", `a" msg="forged`, `a","msg":"forged`, "a\u2028msg=forged", "a\x00b", "\xff\xfe", "a\u202emsg",
}

func TestLogInjection(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"json", "text"} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			s := start(t, "dev", "--demo-listen", "off", "--log-format", format, "--log-level", "debug", "--trusted-proxies", "127.0.0.1")
			s.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
			sent := 0
			for _, text := range forged {
				sent += forge(t, s, text)
			}
			eventually(t, "each request has its line", func() bool { return strings.Count(s.Log.String(), "route") >= sent })
			for line := range strings.Lines(s.Log.String()) {
				wantOneLine(t, format, line)
			}
		})
	}
}

// forge sends the text wherever something of a request could get into the log, and gives in how many requests.
func forge(t *testing.T, s *process, text string) (sent int) {
	t.Helper()
	send := func(method, path string, header map[string]string, body string) {
		t.Helper()
		if a := s.send(method, s.URL+path, body, header); a.err != nil {
			t.Fatalf("%s %s: %v", method, path, a.err)
		}
		sent++
	}
	asForm := map[string]string{"Content-Type": formType}
	for _, name := range []string{"grant_type", "client_id", "client_secret", "username", "scope", "redirect_uri", "code", "refresh_token", "resource"} {
		f := form("grant_type", "password", "client_id", "dev", "username", "johndoe", "password", "wrong")
		f.Set(name, text)
		send("POST", "/token", asForm, f.Encode())
		q := form("response_type", "code", "client_id", "dev", "redirect_uri", "http://127.0.0.1/callback", "state", text)
		q.Set(name, text)
		send("GET", "/authorize?"+q.Encode(), nil, "")
	}
	send("GET", "/"+form(text, text).Encode(), nil, "")
	send("POST", "/users/", asForm, form("username", text, "password", text, "email", text).Encode())
	if !strings.ContainsFunc(text, unicode.IsControl) { // nothing else gets into a header
		for _, name := range []string{"X-Forwarded-For", "X-Forwarded-Proto", "X-Request-Id", "User-Agent", "Authorization", "Origin", "Traceparent", "Cookie"} {
			send("GET", "/users/me/", map[string]string{name: text}, "")
		}
	}
	return sent
}

// wantOneLine wants a line of the log as the program writes it.
func wantOneLine(t *testing.T, format, line string) {
	t.Helper()
	line = strings.TrimSuffix(line, "\n")
	for _, r := range line {
		if r < ' ' || r == 0x7f || r == '\u2028' || r == '\u202e' || r == '\ufffd' {
			t.Errorf("%q is in %q", r, line)
			return
		}
	}
	if format == "json" {
		wantSoundLine(t, line)
	} else if !strings.HasPrefix(line, "time=") || strings.HasPrefix(line, "level=") {
		t.Errorf("not a line of ours: %q", line)
	}
}
