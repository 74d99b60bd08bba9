package authreq

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Registered reports whether people may be sent to uri, given those that its client
// registered. RFC 9700 §2.1: they are compared byte for byte, so that no difference between parsers
// can matter. RFC 8252 §7.3: on loopback the port is free, for an app gets one from its system.
func Registered(uri string, registered []string) bool {
	if !usable(uri) {
		return false
	}
	if slices.Contains(registered, uri) {
		return true
	}
	sent, ok := withoutLoopbackPort(uri)
	return ok && slices.ContainsFunc(registered, func(r string) bool {
		known, ok := withoutLoopbackPort(r)
		return ok && known == sent
	})
}

// usable: RFC 6749 §3.1.2: absolute, without a fragment. What a browser would
// run or show instead of going there never is, whoever registered it.
func usable(uri string) bool {
	u, err := url.Parse(uri)
	if err != nil || !u.IsAbs() || u.User != nil || strings.ContainsAny(uri, "#\\") {
		return false
	}
	return !slices.Contains([]string{"javascript", "data", "vbscript", "about", "blob", "file", "view-source"}, u.Scheme)
}

// loopbackOrigins are the hosts of this machine. RFC 8252 §7.3 names the addresses; localhost may
// lead elsewhere on a machine that is set up strangely (§8.3), but frameworks use it.
var loopbackOrigins = []string{"http://127.0.0.1", "http://[::1]", "http://localhost"}

// withoutLoopbackPort takes the port out of an http URI on loopback; ok is false for any other. It
// looks at the text alone: an origin that is followed by anything but a port and a path is another host.
func withoutLoopbackPort(uri string) (rest string, ok bool) {
	for _, origin := range loopbackOrigins {
		after, found := strings.CutPrefix(uri, origin)
		if !found {
			continue
		}
		if port, isPort := strings.CutPrefix(after, ":"); isPort {
			after = strings.TrimLeft(port, "0123456789")
			if !validPort(port[:len(port)-len(after)]) {
				return "", false
			}
		}
		if after != "" && after[0] != '/' && after[0] != '?' {
			return "", false
		}
		return origin + after, true
	}
	return "", false
}

func validPort(digits string) bool {
	n, err := strconv.ParseUint(digits, 10, 16)
	return err == nil && n > 0
}

// FormAction is where a form may lead whose answer sends people to a redirect URI, as a source
// of a Content-Security-Policy. Browsers hold the redirect to it, and those which the app makes of it.
func FormAction(uri string) string {
	for _, origin := range loopbackOrigins {
		// The policy's grammar has no IPv6 addresses.
		if _, ok := withoutLoopbackPort(uri); ok && strings.HasPrefix(uri, origin) && !strings.Contains(origin, "[") {
			return origin + ":*"
		}
	}
	scheme, _, _ := strings.Cut(uri, ":")
	return scheme + ":"
}
