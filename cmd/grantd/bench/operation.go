package bench

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"net/url"
	"strconv"
)

// post is a whole request that carries a form.
func post(target *url.URL, path, basic string, form url.Values) []byte {
	return appendPost(nil, target, path, basic, form.Encode())
}

func appendPost(b []byte, target *url.URL, path, basic, body string) []byte {
	b = append(b, "POST "+target.Path+path+" HTTP/1.1\r\nHost: "+target.Host+"\r\n"...)
	if basic != "" {
		b = append(b, "Authorization: Basic "+basic+"\r\n"...)
	}
	b = append(b, "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: "...)
	b = strconv.AppendInt(b, int64(len(body)), 10)
	return append(append(b, "\r\n\r\n"...), body...)
}

// get is a whole request that carries a bearer token.
func get(target *url.URL, path, bearer string) []byte {
	return []byte("GET " + target.Path + path + " HTTP/1.1\r\nHost: " + target.Host + "\r\nAuthorization: Bearer " + bearer + "\r\n\r\n")
}

// basicOf is what stands behind Basic (RFC 6749 §2.3.1).
func basicOf(id, secret string) string {
	return base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(id) + ":" + url.QueryEscape(secret)))
}

// same sends one request again and again.
func same(request []byte, want string) exchange {
	return func(c *conn) error {
		_, err := c.answered(request, want)
		return err
	}
}

// answered sends a request that must be answered with status 200 and a body that has want in it.
func (c *conn) answered(request []byte, want string) (body []byte, err error) {
	status, body, err := c.do(request)
	if err != nil {
		return nil, err
	}
	if status != 200 || !bytes.Contains(body, []byte(want)) {
		return nil, fmt.Errorf("status %d: %.200s", status, body)
	}
	return body, nil
}

// member is the text of a member of a JSON object that needs no unescaping, as tokens do not.
func member(body []byte, name string) []byte {
	_, rest, _ := bytes.Cut(body, []byte(`"`+name+`":"`))
	value, _, _ := bytes.Cut(rest, []byte(`"`))
	return value
}

// chain is an authorization that is refreshed with each token that it was given.
type chain struct{ refresh []byte }

// refreshing goes round chains that are one connection's own.
func refreshing(target *url.URL, path, basic, form string, chains []*chain) exchange {
	var request []byte
	n := 0
	return func(c *conn) error {
		ch := chains[n%len(chains)]
		n++
		request = appendPost(request[:0], target, path, basic, form+string(ch.refresh))
		body, err := c.answered(request, `"access_token":"`)
		if err != nil {
			return err
		}
		next := member(body, "refresh_token")
		if len(next) == 0 {
			return fmt.Errorf("the answer has no refresh_token")
		}
		ch.refresh = append(ch.refresh[:0], next...)
		return nil
	}
}
