package bench

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// appendPost writes a whole request that carries a form.
func appendPost(b []byte, host, path, basic, form string) []byte {
	b = append(b, "POST "+path+" HTTP/1.1\r\nHost: "+host+"\r\n"...)
	if basic != "" {
		b = append(b, "Authorization: Basic "+basic+"\r\n"...)
	}
	b = append(b, "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: "...)
	b = strconv.AppendInt(b, int64(len(form)), 10)
	return append(append(b, "\r\n\r\n"...), form...)
}

func (t target) post(path, basic string, form url.Values) []byte {
	return appendPost(nil, t.url.Host, path, basic, form.Encode())
}

// get is a whole request. The bearer token may be left out.
func (t target) get(path, bearer string) []byte {
	if bearer != "" {
		bearer = "Authorization: Bearer " + bearer + "\r\n"
	}
	return []byte("GET " + path + " HTTP/1.1\r\nHost: " + t.url.Host + "\r\n" + bearer + "\r\n")
}

// elsewhere is the same request to another path: as long, but for its first line.
func elsewhere(request []byte, path string) []byte {
	method, rest, _ := bytes.Cut(request, []byte(" "))
	_, rest, _ = bytes.Cut(rest, []byte(" "))
	return bytes.Join([][]byte{method, []byte(path), rest}, []byte(" "))
}

// basicOf is what stands behind Basic (RFC 6749 §2.3.1).
func basicOf(id, secret string) string {
	return base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(id) + ":" + url.QueryEscape(secret)))
}

// ask sends a request that must be answered with 200 and a body that has want in it.
func (c *conn) ask(request []byte, want string) (body []byte, err error) {
	status, body, err := c.do(request)
	switch {
	case err != nil:
		return nil, err
	case status != http.StatusOK:
		return nil, &refusal{status, errorCode(body), c.after}
	case !bytes.Contains(body, []byte(want)):
		return nil, fmt.Errorf("the answer has no %s", want)
	}
	return body, nil
}

// refusal is an answer other than 200. Its body is not repeated: it may hold a token.
type refusal struct {
	status int
	code   string        // of RFC 6749 §5.2; empty: none
	after  time.Duration // in which not to ask again; zero: not said
}

func (r *refusal) Error() string {
	if r.status == http.StatusTooManyRequests {
		return "status 429: the server takes no more requests of one client, or guesses; set limits.client to off there while it is measured"
	}
	return strings.TrimSpace(fmt.Sprintf("status %d %s", r.status, r.code))
}

// errorCode is the member error of an answer, if it is such a code.
func errorCode(body []byte) string {
	var answer struct{ Error string }
	if json.Unmarshal(body, &answer) != nil || len(answer.Error) > 40 {
		return ""
	}
	if strings.Trim(answer.Error, "abcdefghijklmnopqrstuvwxyz_") != "" {
		return ""
	}
	return answer.Error
}

// tokenIn finds a token in an answer. Tokens need no unescaping.
func tokenIn(body []byte, name string) ([]byte, error) {
	_, rest, _ := bytes.Cut(body, []byte(`"`+name+`":"`))
	value, _, found := bytes.Cut(rest, []byte(`"`))
	if !found {
		return nil, errors.New("the answer has no " + name)
	}
	return value, nil
}

// again sends requests in turn for ever, beginning with the one of that number.
func again(requests [][]byte, from int, want string) exchange {
	n := from
	return func(c *conn) error {
		_, err := c.ask(requests[n%len(requests)], want)
		n++
		return err
	}
}

// once sends each of the requests once, together with all that share next.
func once(requests [][]byte, next *atomic.Int64, want string) exchange {
	return func(c *conn) error {
		n := next.Add(1) - 1
		if n >= int64(len(requests)) {
			return errSpent
		}
		_, err := c.ask(requests[n], want)
		return err
	}
}
