package bench

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
)

// appendPost writes a whole request that carries a form.
func appendPost(b []byte, target *url.URL, path, basic, form string) []byte {
	b = append(b, "POST "+target.Path+path+" HTTP/1.1\r\nHost: "+target.Host+"\r\n"...)
	if basic != "" {
		b = append(b, "Authorization: Basic "+basic+"\r\n"...)
	}
	b = append(b, "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: "...)
	b = strconv.AppendInt(b, int64(len(form)), 10)
	return append(append(b, "\r\n\r\n"...), form...)
}

func post(target *url.URL, path, basic string, form url.Values) []byte {
	return appendPost(nil, target, path, basic, form.Encode())
}

// get is a whole request that carries a bearer token.
func get(target *url.URL, path, bearer string) []byte {
	return []byte("GET " + target.Path + path + " HTTP/1.1\r\nHost: " + target.Host + "\r\nAuthorization: Bearer " + bearer + "\r\n\r\n")
}

// elsewhere is the same request to another path: as long, but for its first line.
func elsewhere(request []byte, path string) []byte {
	method, rest, _ := bytes.Cut(request, []byte(" "))
	_, rest, _ = bytes.Cut(rest, []byte(" "))
	return slicesOf(method, []byte(" "+path+" "), rest)
}

func slicesOf(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// basicOf is what stands behind Basic (RFC 6749 §2.3.1).
func basicOf(id, secret string) string {
	return base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(id) + ":" + url.QueryEscape(secret)))
}

// answered sends a request that must be answered with 200 and a body that has want in it.
func (c *conn) answered(request []byte, want string) (body []byte, err error) {
	status, body, err := c.do(request)
	if err != nil {
		return nil, err
	}
	if status != http.StatusOK || !bytes.Contains(body, []byte(want)) {
		return nil, fmt.Errorf("status %d: %.200s", status, body)
	}
	return body, nil
}

// token finds a token in an answer. Tokens need no unescaping.
func tokenIn(body []byte, name string) ([]byte, error) {
	_, rest, _ := bytes.Cut(body, []byte(`"`+name+`":"`))
	value, _, found := bytes.Cut(rest, []byte(`"`))
	if !found {
		return nil, errors.New("the answer has no " + name)
	}
	return value, nil
}

// each sends requests in turn, beginning with the one of that number.
func each(requests [][]byte, from int, want string) exchange {
	n := from
	return func(c *conn) error {
		_, err := c.answered(requests[n%len(requests)], want)
		n++
		return err
	}
}

// chain is an authorization, refreshed each time with the token that it was given before.
type chain struct{ refresh []byte }

// refreshing refreshes chains in turn, which nobody else may have.
func (s *scene) refreshing(chains []*chain) exchange {
	form := "grant_type=refresh_token&client_id=" + url.QueryEscape(s.app) + "&refresh_token="
	var request []byte
	n := 0
	return func(c *conn) error {
		ch := chains[n%len(chains)]
		n++
		request = appendPost(request[:0], s.url, "/token", "", form+string(ch.refresh))
		body, err := c.answered(request, `"access_token"`)
		if err != nil {
			return err
		}
		next, err := tokenIn(body, "refresh_token")
		ch.refresh = append(ch.refresh[:0], next...)
		return err
	}
}
