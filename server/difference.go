package server

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// nearestURI is the one of those registered that shares most with what was sent, from both ends.
func nearestURI(sent string, registered []string) (nearest string) {
	most := -1
	for _, uri := range registered {
		start := commonStart(sent, uri)
		if shared := start + commonEnd(sent[start:], uri[start:]); shared > most {
			nearest, most = uri, shared
		}
	}
	return nearest
}

func commonStart(a, b string) (n int) {
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	return n
}

func commonEnd(a, b string) (n int) {
	for n < min(len(a), len(b)) && a[len(a)-1-n] == b[len(b)-1-n] {
		n++
	}
	return n
}

// difference is where an address that was sent leaves one that is registered, and in words what is the
// matter: the operator should not have to count bytes. Bytes are counted from 1. Nothing of a query, a fragment or a
// password that was sent is in it.
func difference(sent, registered string) string {
	registered = withPortOf(sent, registered)
	at, from, words := commonStart(sent, registered), 0, inBrackets(differenceInWords(sent, registered))
	if slash := strings.LastIndexByte(registered[:at], '/'); slash >= pathOf(registered) {
		from = slash // so far both are the same: the rest of the path is enough
	}
	if strings.ContainsAny(sent[:from], "?#") { // the rest has nothing that would tell it to be a query
		return fmt.Sprintf("differs at byte %d%s", at+1, words)
	}
	return fmt.Sprintf("differs at byte %d: registered %s, got %s%s", at+1, strconv.QuoteToASCII(registered[from:]), loggedURI(sent[from:]), words)
}

// withPortOf is what was registered with the port that was sent, where that is free (RFC 8252 §7.3): it is not what is
// the matter then.
func withPortOf(sent, registered string) string {
	a, err := url.Parse(sent)
	b, err2 := url.Parse(registered)
	if err != nil || err2 != nil || !isLoopback(a) || !isLoopback(b) || a.Hostname() != b.Hostname() || a.User != nil {
		return registered
	}
	path := pathOf(registered)
	return "http://" + a.Host + registered[path:]
}

func inBrackets(words string) string {
	if words == "" {
		return ""
	}
	return " (" + words + ")"
}

// pathOf is where the path of a URI begins.
func pathOf(uri string) int {
	if i := strings.Index(uri, "://"); i >= 0 {
		rest := uri[i+3:]
		if slash := strings.IndexByte(rest, '/'); slash >= 0 {
			return i + 3 + slash
		}
		return len(uri)
	}
	return strings.IndexByte(uri, ':') + 1
}

// differenceInWords is the first of the usual mistakes that explains a difference, or nothing.
func differenceInWords(sent, registered string) string {
	switch {
	case strings.TrimSpace(sent) == registered:
		return "blanks around it"
	case sent == registered+"/":
		return "a slash too many at the end"
	case sent+"/" == registered:
		return "the slash at the end is missing"
	case strings.EqualFold(sent, registered):
		return "letter case"
	case strings.HasPrefix(sent, registered+"#"):
		return "a fragment, which no redirect URI may have (RFC 6749 §3.1.2)"
	case strings.HasPrefix(sent, registered+"?"), strings.HasPrefix(sent, registered+"&"):
		return "a query is added; what the app wants to get back belongs into state"
	case strings.HasPrefix(registered, sent+"?"):
		return "the query is missing"
	}
	if plain, err := url.QueryUnescape(sent); err == nil && plain == registered && !strings.Contains(sent, "://") {
		return "encoded twice"
	}
	return partThatDiffers(sent, registered)
}

// partThatDiffers names the first part of two URLs that is not the same.
func partThatDiffers(sent, registered string) string {
	a, err := url.Parse(sent)
	b, err2 := url.Parse(registered)
	if err != nil || err2 != nil {
		return ""
	}
	switch {
	case a.Scheme == "":
		return "it has no scheme"
	case a.Scheme != b.Scheme:
		return "the scheme"
	case a.User != nil:
		return "a user name, which no redirect URI may have"
	case a.Hostname() != b.Hostname() && isLoopback(a) && isLoopback(b):
		return "the host: localhost, 127.0.0.1 and [::1] are three"
	case a.Hostname() != b.Hostname():
		return "the host"
	case a.Port() != b.Port():
		return "the port"
	case a.EscapedPath() != b.EscapedPath() && a.Path == b.Path:
		return "the path is encoded in another way"
	case a.EscapedPath() != b.EscapedPath():
		return "the path"
	}
	return "the query"
}
