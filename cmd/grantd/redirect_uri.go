package main

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/grantd/grantd/store"
)

// maxURI bounds what travels in the URL of every authorization request.
const maxURI = 1000

// checkRedirectURI says why people may not be sent to uri by an app of that kind;
// what names the URI for the message. Requests are compared with it byte for
// byte (RFC 9700 §2.1), so it has to be written as browsers and libraries write it.
func checkRedirectURI(what, uri, kind string) error {
	u, err := parseURI(uri)
	if err == nil {
		err = checkScheme(u, kind)
	}
	if err != nil {
		return fmt.Errorf("%s %q: %w", what, uri, err)
	}
	return nil
}

// answerParameters are those of our answers to an app (RFC 6749 §4.1.2, RFC 9207 §2).
var answerParameters = []string{"code", "state", "iss", "error", "error_description", "error_uri"}

// checkAnswers refuses a URI that has a parameter of our answers already: an app
// that reads the first of two would take ours for what is written there.
func checkAnswers(uri string) error {
	_, query, _ := strings.Cut(uri, "?")
	for _, pair := range strings.FieldsFunc(query, func(r rune) bool { return r == '&' || r == ';' }) {
		name, _, _ := strings.Cut(pair, "=")
		if plain, err := url.QueryUnescape(name); err == nil {
			name = plain
		}
		if slices.Contains(answerParameters, name) {
			return fmt.Errorf("redirect URI %q: it has the parameter %s, which comes with answers; remove it", uri, name)
		}
	}
	return nil
}

// parseURI refuses what another reader of the URI may take for another place.
func parseURI(uri string) (*url.URL, error) {
	if len(uri) > maxURI {
		return nil, errors.New("it is over 1000 bytes; use a shorter one")
	}
	if strings.ContainsFunc(uri, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune("\"<>^`{|}", r) }) {
		return nil, errors.New("it has a character that URIs have not (RFC 3986 §2), such as a space or an umlaut; percent-encode it, and write a host in punycode")
	}
	u, err := url.Parse(uri)
	switch {
	case strings.Contains(uri, `\`):
		return nil, errors.New(`it has a \, which browsers take for a /; write /`)
	case strings.Contains(uri, "*"):
		return nil, errors.New("it has a *, and there are no wildcards: requests are compared byte for byte (RFC 9700 §2.1); name each URI with a flag of its own")
	case strings.Contains(uri, "#"), err != nil, !u.IsAbs():
		return nil, errors.New("it is not an absolute URI without a fragment (RFC 6749 §3.1.2)")
	case u.User != nil:
		return nil, errors.New("it has a username before an @, behind which another host can hide; remove it")
	case u.Host != strings.ToLower(u.Host), !strings.HasPrefix(uri, u.Scheme+":"):
		return nil, errors.New("write the scheme and the host in lower case, as browsers do")
	case u.Host != "" && !plainHost.MatchString(u.Host):
		return nil, errors.New("its host is no name or address; write it as app.example.com or [2001:db8::1], with a port if need be")
	case !isPlainAddress(u.Hostname()):
		return nil, errors.New("its host ends in a number and is no plain IPv4 address, so that others read it as another one; write it as 192.0.2.1")
	case encodedControl.MatchString(uri):
		return nil, errors.New("it has an encoded control character, at which some readers end it; remove it")
	case u.Port() != "" && !isPort(u.Port()):
		return nil, errors.New("its port is not a number from 1 to 65535")
	case hasDots(u):
		return nil, errors.New(`it has a . or .. segment, or a percent-encoded ., / or \, so that its path can be read in two ways; write the path plainly`)
	}
	return u, nil
}

var plainHost = regexp.MustCompile(`^([a-z0-9-]+(\.[a-z0-9-]+)*|\[[0-9a-f:.]+\])(:[0-9]+)?$`)

// numberLast matches hosts that browsers read as an IPv4 address, also in hexadecimal or with
// fewer parts (https://url.spec.whatwg.org, ends-in-a-number checker).
var numberLast = regexp.MustCompile(`(^|\.)([0-9]+|0x[0-9a-f]*)$`)

// isPlainAddress is whether every reader takes the host for the same.
func isPlainAddress(host string) bool {
	if !numberLast.MatchString(host) {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Is4()
}

// encodedControl matches control characters, encoded once or more often.
var encodedControl = regexp.MustCompile(`(?i)%(25)*([01][0-9a-f]|7f)`)

func isPort(s string) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return err == nil && n > 0 && s[0] != '0'
}

// encodedDot matches what a second reader may decode to a dot or slash, once or twice.
var encodedDot = regexp.MustCompile(`(?i)%(25)*(2e|2f|5c)`)

// hasDots looks for segments that browsers and servers resolve.
func hasDots(u *url.URL) bool {
	path := u.EscapedPath() + u.Opaque
	segments := strings.Split(path, "/")
	return slices.Contains(segments, ".") || slices.Contains(segments, "..") || encodedDot.MatchString(path)
}

// ownScheme: RFC 8252 §7.1, a domain name of the app's maker, backwards.
var ownScheme = regexp.MustCompile(`^[a-z][a-z0-9-]*(\.[a-z0-9-]+)+$`)

// checkScheme: RFC 9700 §2.6, https unless it stays on the machine or is an app's own scheme.
func checkScheme(u *url.URL, kind string) error {
	local := u.Scheme == "http" && isLoopbackHost(u.Hostname())
	own := ownScheme.MatchString(u.Scheme)
	switch {
	case u.Scheme == "https" && u.Hostname() != "", local:
		return nil
	case own && (kind == store.NativeClient || kind == ""):
		return nil
	case own:
		return errors.New("a scheme of its own is for apps on phones and desktops; use https, or --kind native")
	case kind == store.WebClient || kind == store.SinglePageClient:
		return errors.New("use https, or http on loopback while you make it")
	}
	return errors.New("use https, http on loopback, or an app's own scheme such as com.example.app")
}

func isLoopbackHost(host string) bool {
	return host == "127.0.0.1" || host == "::1" || host == "localhost"
}

// checkOrigin holds an origin to the one form in which browsers send it
// (RFC 6454 §6.2), since it is compared byte for byte.
func checkOrigin(origin string) error {
	u, err := parseURI(origin)
	switch {
	case err != nil:
	case u.Path != "" || u.RawQuery != "" || u.ForceQuery || u.Opaque != "":
		err = errors.New("an origin ends after the host and port; remove what follows")
	case u.Scheme == "https" && u.Port() == "443", u.Scheme == "http" && u.Port() == "80":
		err = errors.New("browsers leave out the default port; remove it")
	case ownScheme.MatchString(u.Scheme):
		err = errors.New("use https, or http on loopback while you make it")
	default:
		err = checkScheme(u, store.SinglePageClient)
	}
	if err != nil {
		return fmt.Errorf("origin %q: %w", origin, err)
	}
	return nil
}

// originsOf are the origins of web pages at these URIs, each once.
func originsOf(uris []string) (origins []string) {
	for _, uri := range uris {
		u, err := url.Parse(uri)
		if err != nil || u.Host == "" {
			continue // what is wrong with it is said where URIs are checked
		}
		usual := map[string]string{"https": ":443", "http": ":80"}[u.Scheme]
		if origin := u.Scheme + "://" + strings.TrimSuffix(u.Host, usual); !slices.Contains(origins, origin) {
			origins = append(origins, origin)
		}
	}
	return origins
}
