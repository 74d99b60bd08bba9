package server

import (
	"net/http"
	"net/url"
)

// ReadForm is what the OAuth endpoints read forms with.
func ReadForm(w http.ResponseWriter, r *http.Request) (url.Values, error) { return readForm(w, r) }

// ParseObject is what POST /refresh reads JSON with.
func ParseObject(body string) (url.Values, error) { return parseObject(body) }

// ReadBasic reads client credentials from Authorization headers. named is false
// when they name no client.
func ReadBasic(headers []string) (id, secret string, named bool, err error) {
	c, err := readBasic(headers)
	return c.id, c.secret, !c.none(), err
}
