package config

import (
	"net"
	"net/netip"
	"net/url"
	"path"
	"strconv"
	"strings"
)

// checkURL reports all that is wrong with the URL of a server, if it is set.
//
// RFC 8414 §2 and RFC 9728 §1.2: an https URL without fragment, and without query.
// Tokens are compared with it byte by byte, so it has to be written in one way only.
func checkURL(p *Problems, key, raw string) {
	if raw == "" {
		return
	}
	u, err := url.Parse(raw)
	if err != nil || u.Scheme == "" || u.Hostname() == "" {
		p.add(key, "it is not an absolute URL", "write it as https://auth.example.com")
		return
	}
	for _, fault := range []struct {
		found        bool
		what, remedy string
	}{
		{u.Scheme != "https" && u.Scheme != "http",
			"it is neither an https nor an http URL", "write it as https://auth.example.com"},
		{u.Scheme == "http" && !isLoopback(u.Hostname()),
			"it is http on a host that is not loopback", "use https: passwords and tokens travel there"},
		{u.User != nil,
			"it holds a username or password", "remove what stands before the @"},
		{u.RawQuery != "" || u.ForceQuery,
			"it has a query (RFC 8414 §2)", "remove what follows the ?"},
		{strings.Contains(raw, "#"),
			"it has a fragment (RFC 8414 §2)", "remove what follows the #"},
		{strings.HasSuffix(u.Path, "/"),
			"it ends in a slash", "remove the slash: clients compare it byte by byte"},
		{!isCanonical(u, raw),
			"it can be written in another way", "write it in lower case, without escapes, default port, // and .. in the path"},
	} {
		if fault.found {
			p.add(key, fault.what, fault.remedy)
		}
	}
}

// isCanonical says whether scheme, host and path are written as everybody else
// would write them.
func isCanonical(u *url.URL, raw string) bool {
	prefix := u.Scheme + "://"
	trimmed := strings.TrimRight(u.Path, "/")
	defaultPort := map[string]string{"https": "443", "http": "80"}[u.Scheme]
	return strings.HasPrefix(raw, prefix) &&
		u.Host == strings.ToLower(u.Host) &&
		!strings.HasSuffix(u.Host, ":") && (u.Port() == "" || isPort(u.Port()) && u.Port() != defaultPort) &&
		(trimmed == "" || path.Clean(trimmed) == trimmed) &&
		u.EscapedPath() == u.Path
}

func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

// checkListeners reports addresses that cannot be listened on, and operational
// endpoints that would stand on the public address.
func checkListeners(p *Problems, public, ops string) {
	goodPublic := checkAddress(p, "listen", public)
	goodOps := checkAddress(p, "ops_listen", ops)
	if goodPublic && goodOps && collide(public, ops) {
		p.add("ops_listen", "it is the address of listen, which is public", "use another port, such as 127.0.0.1:9000")
	}
}

func checkAddress(p *Problems, key, address string) bool {
	host, port, err := net.SplitHostPort(address)
	if err == nil && isPort(port) && !strings.ContainsAny(host, " /@") {
		return true
	}
	p.add(key, quote(address)+" is not an address to listen on", "write host:port, such as 127.0.0.1:8000, or :8000 for all interfaces")
	return false
}

func isPort(s string) bool {
	_, err := strconv.ParseUint(s, 10, 16)
	return err == nil
}

// collide says whether two addresses cannot both be listened on. Port 0 is
// whatever port is free.
func collide(a, b string) bool {
	hostA, portA, _ := net.SplitHostPort(a)
	hostB, portB, _ := net.SplitHostPort(b)
	return portA == portB && portA != "0" && (hostA == hostB || isAny(hostA) || isAny(hostB))
}

func isAny(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "" || err == nil && addr.IsUnspecified()
}
