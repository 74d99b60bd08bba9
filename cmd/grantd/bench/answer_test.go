package bench

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// serverOf is a server of net/http and one connection to it.
func serverOf(t *testing.T, h http.HandlerFunc) (*conn, target) {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	u, err := url.Parse(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	to := at(u.Host)
	c := to.conn(t.Context())
	t.Cleanup(c.close)
	return c, to
}

func TestAnswersOfNetHTTP(t *testing.T) {
	connections := map[string]bool{}
	c, to := serverOf(t, func(w http.ResponseWriter, r *http.Request) {
		connections[r.RemoteAddr] = true
		switch r.URL.Path {
		case "/long":
			fmt.Fprint(w, strings.Repeat("x", 300_000)) // in chunks: it is longer than net/http's buffer
		case "/flushed":
			for range 5 {
				fmt.Fprint(w, "part,")
				w.(http.Flusher).Flush()
			}
		case "/trailer":
			w.Header().Set("Trailer", "Sum")
			fmt.Fprint(w, "body")
			w.Header().Set("Sum", "1")
		case "/early":
			w.WriteHeader(http.StatusEarlyHints)
			fmt.Fprint(w, "late")
		case "/empty":
			w.WriteHeader(http.StatusNoContent)
		case "/close":
			w.Header().Set("Connection", "close")
			fmt.Fprint(w, "bye")
		default:
			w.WriteHeader(http.StatusTeapot)
			fmt.Fprint(w, "short")
		}
	})
	for i, step := range []struct {
		path        string
		status      int
		body        string
		connections int // that there were so far
	}{
		{"/", 418, "short", 1},
		{"/long", 200, strings.Repeat("x", 300_000), 1},
		{"/flushed", 200, "part,part,part,part,part,", 1},
		{"/trailer", 200, "body", 1},
		{"/early", 200, "late", 1},
		{"/empty", 204, "", 1},
		{"/close", 200, "bye", 1},
		{"/", 418, "short", 2}, // the server closed the one before
		{"/", 418, "short", 2},
	} {
		status, body, err := c.do(to.get(step.path, ""))
		if err != nil || status != step.status || string(body) != step.body || len(connections) != step.connections {
			t.Errorf("%d %s: %d, %d bytes, %v, on %d connections", i, step.path, status, len(body), err, len(connections))
		}
	}
}

func TestAnswersThatAreRefused(t *testing.T) {
	for name, text := range map[string]string{
		"nothing":        "",
		"cut off":        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc",
		"HTTP/1.0":       "HTTP/1.0 200 OK\r\n\r\n",
		"other protocol": "SSH-2.0-OpenSSH\r\n",
		"status":         "HTTP/1.1 2x0 OK\r\n\r\n",
		"long status":    "HTTP/1.1 2000\r\n\r\n",
		"switching":      "HTTP/1.1 101 Switching Protocols\r\n\r\n",
		"no length":      "HTTP/1.1 200 OK\r\n\r\n",
		"negative":       "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
		"huge":           "HTTP/1.1 200 OK\r\nContent-Length: 9999999999\r\n\r\n",
		"two lengths":    "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
		"both":           "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"encoding":       "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
		"chunk size":     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
		"chunk end":      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n",
		"huge chunk":     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7fffffff\r\n",
		"no name":        "HTTP/1.1 200 OK\r\nnonsense\r\n\r\n",
		"long line":      "HTTP/1.1 200 OK\r\nA: " + strings.Repeat("x", longestLine) + "\r\n\r\n",
		"many lines":     "HTTP/1.1 200 OK\r\n" + strings.Repeat("A: b\r\n", mostLines+1) + "\r\n",
		"endless":        "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + strings.Repeat("x", maxAnswer+1),
	} {
		a := answerReader{in: bufio.NewReaderSize(strings.NewReader(text), longestLine)}
		if status, _, err := a.read(); err == nil {
			t.Errorf("%s: status %d, %d bytes", name, status, len(a.body))
		}
	}
}

// FuzzAnswer compares with net/http: what this reader takes, net/http reads in the same way.
func FuzzAnswer(f *testing.F) {
	for _, text := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nab\r\n0\r\nA: b\r\n\r\n",
		"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
		"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\nabc",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		a := answerReader{in: bufio.NewReaderSize(bytes.NewReader(text), longestLine)}
		status, _, err := a.read()
		if len(a.body) > maxAnswer {
			t.Fatalf("%d bytes", len(a.body))
		}
		if err != nil {
			return
		}
		in := bufio.NewReader(bytes.NewReader(text))
		res, err := http.ReadResponse(in, nil)
		for err == nil && res.StatusCode < 200 {
			res, err = http.ReadResponse(in, nil)
		}
		if err != nil {
			return // it is stricter about names and values
		}
		body, err := io.ReadAll(res.Body)
		if err == nil && (res.StatusCode != status || !bytes.Equal(body, a.body)) {
			t.Errorf("%d %q, and net/http reads %d %q", status, a.body, res.StatusCode, body)
		}
	})
}
