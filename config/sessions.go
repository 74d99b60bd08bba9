package config

import (
	"net/url"
	"slices"
	"strings"
	"time"
)

func (s Sessions) check(p *Problems) {
	const month, year = 30 * 24 * time.Hour, 365 * 24 * time.Hour
	if s.TTL < 5*time.Minute || s.TTL > month {
		p.add("sessions.ttl", "it is "+formatDuration(s.TTL), "set it between 5m and 720h, such as 12h")
	}
	switch {
	case s.MaxTTL < s.TTL:
		p.add("sessions.max_ttl", "it is shorter than sessions.ttl", "set it to that or longer, such as 168h")
	case s.MaxTTL > year:
		p.add("sessions.max_ttl", "it is "+formatDuration(s.MaxTTL), "set it to 8760h at most, such as 168h")
	}
}

// maxAudiences bounds what a token may carry, and what every request is compared with.
const maxAudiences = 100

// checkAudiences: RFC 8707 §2, a resource is an absolute URI without a fragment.
func (t Tokens) checkAudiences(p *Problems) {
	const key = "tokens.audiences"
	if len(t.Audiences) > maxAudiences {
		p.add(key, "there are more than 100", "list fewer")
		return
	}
	for i, uri := range t.Audiences {
		switch u, err := url.Parse(uri); {
		case slices.Contains(t.Audiences[:i], uri):
			p.add(key, quote(uri)+" is there twice", "remove one")
		case uri == t.Audience:
			p.add(key, quote(uri)+" is tokens.audience", "remove it here: apps may ask for that one anyway")
		case strings.Contains(uri, "#"):
			p.add(key, quote(uri)+" has a fragment (RFC 8707 §2)", "remove what follows the #")
		case err != nil || !u.IsAbs() || u.Opaque == "" && u.Host == "" || !isASCII(uri):
			p.add(key, quote(uri)+" is not an absolute URI (RFC 8707 §2)", "write it as https://api.example.com or urn:example:api")
		}
	}
}

// isASCII: RFC 3986 §2 has no other characters, nor space or controls.
func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}
