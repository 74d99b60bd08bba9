package server

import (
	"crypto/hmac"
	"crypto/rand"
	"net/http"
	"strings"
	"time"
)

// How places begin that are no addresses.
const (
	browserPlace = "browser "
	sessionPlace = "session "
)

// placeKeep is how long after the last login a place stays known.
const placeKeep = 180 * 24 * time.Hour

// browser is one in which somebody signs in. It is known again by a cookie of its own, which outlives
// sessions and gives access to nothing.
type browser struct {
	id      string // what tells it from others; as secret as it is long
	place   string // as it is in the database; empty: no browser
	vouched bool   // its cookie is one that we gave out, under this master key
}

// browserOf is the browser that sent the request. One without our cookie is new.
func (s *Server) browserOf(r *http.Request) browser {
	b := browser{}
	if cookie, err := r.Cookie(s.browserCookieName()); err == nil {
		id, mac, _ := strings.Cut(cookie.Value, ".")
		if len(id) == len(rand.Text()) {
			b = browser{id: id, vouched: hmac.Equal([]byte(mac), []byte(s.browserMAC(id)))}
		}
	}
	if b.id == "" {
		b.id = rand.Text()
	}
	b.place = browserPlace + hashText(b.id)
	return b
}

// browserMAC is no secret to be kept from who has the cookie: it saves looking up cookies that are made up.
func (s *Server) browserMAC(id string) string { return s.working.Load().GuessMAC("browser " + id) }

// keepBrowser lets the browser be known the next time.
func (s *Server) keepBrowser(w http.ResponseWriter, b browser) {
	http.SetCookie(w, &http.Cookie{
		Name: s.browserCookieName(), Value: b.id + "." + s.browserMAC(b.id), Path: "/", MaxAge: int(placeKeep / time.Second),
		HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: s.secureCookies(),
	})
}
