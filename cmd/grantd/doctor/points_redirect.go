package doctor

import (
	"context"
	"fmt"
	"net/url"
	"strings"
)

func redirectUnknownClient(ctx context.Context, e *exam) verdict {
	if err := e.needs("authorization_endpoint", false, false, false); err != nil {
		return because(err)
	}
	l, err := e.visit(ctx, e.request("client_id", "doctor-"+random(), "redirect_uri", someOrigin+"/callback"))
	return e.stays(ctx, l, err, "client_id made up")
}

// redirectOpen asks with a foreign address, and with something else that is wrong, too: servers that look for that first,
// or that ask for nobody, may send people on.
func redirectOpen(ctx context.Context, e *exam) verdict {
	if err := e.needs("authorization_endpoint", true, false, false); err != nil {
		return because(err)
	}
	var l landing
	for _, wrong := range [][]string{
		{"response_type", "doctor"}, {"scope", "doctor:none"}, {"prompt", "none"}, {"code_challenge_method", "doctor"}, {"state", random()},
	} {
		var err error
		l, err = e.visit(ctx, e.request(append(wrong, "redirect_uri", someOrigin+"/callback")...))
		if v := e.stays(ctx, l, err, "a foreign address with "+wrong[0]+"="+wrong[1]); v.outcome != OK {
			return v
		}
	}
	return ok("a foreign address, alone and with four other faults: %s", l.says())
}

// stays judges where a request ended for which nobody may be sent away.
func (e *exam) stays(ctx context.Context, l landing, err error, what string) verdict {
	switch {
	case err != nil:
		return because(err)
	case l.to == nil:
		return e.ends(ctx, l, what)
	case l.to.Scheme+"://"+l.to.Host == registered(e) && !l.answers().Has("code"):
		return ok("%s: %s, which is registered", what, l.says())
	}
	return fails("%s: %s", what, l.says())
}

// ends judges a page for which no code may come. One that says no ends it. Behind one that does not there may be more,
// unless a person got through with a good request.
func (e *exam) ends(ctx context.Context, l landing, what string) verdict {
	switch good := e.goodRequest(ctx); {
	case l.page.status >= 400:
		return ok("%s: %s", what, l.says())
	case e.User == "":
		return unknown("%s: %s, and perhaps more behind it; name a test user with --user", what, l.says())
	case good != nil:
		return because(good)
	case l.asking:
		return unknown("%s: %s", what, l.says())
	}
	return ok("%s: %s", what, l.says())
}

// registered is the origin of the client's redirect URI, if it is known.
func registered(e *exam) string {
	u, err := url.Parse(e.RedirectURI)
	if err != nil || e.RedirectURI == "" {
		return "-"
	}
	return u.Scheme + "://" + u.Host
}

// variant asks to be sent to addresses that are almost the registered one.
func (e *exam) variant(ctx context.Context, near func(u url.URL) []string) verdict {
	if err := e.needs("authorization_endpoint", true, true, false); err != nil {
		return because(err)
	}
	if err := e.goodRequest(ctx); err != nil {
		return because(err)
	}
	u, err := url.Parse(e.RedirectURI)
	if err != nil {
		return because(err)
	}
	var last verdict
	all := near(*u)
	for _, uri := range all {
		if uri == e.RedirectURI {
			return unknown("the redirect URI has no such part that could be another")
		}
		l, err := e.visit(ctx, e.request("redirect_uri", uri))
		if last = e.refuses(ctx, l, err, uri); last.outcome != OK {
			return last
		}
	}
	if len(all) > 1 {
		last.evidence = fmt.Sprintf("%d of them, such as %s", len(all), last.evidence)
	}
	return last
}

// refuses judges where a request with an address that is not registered ended. An error at the address that is registered
// sends nobody astray.
func (e *exam) refuses(ctx context.Context, l landing, err error, uri string) verdict {
	if l.to != nil {
		exact, _ := url.Parse(e.RedirectURI)
		if addressOf(l.to) == addressOf(exact) && l.answers().Has("error") && !strings.Contains(l.to.String(), marker) {
			return ok("%s: %s", uri, l.says())
		}
		return fails("%s: %s", uri, l.says())
	}
	return e.stays(ctx, l, err, uri)
}

// marker is in the addresses that are made up.
const marker = "doctor"

func redirectSlash(ctx context.Context, e *exam) verdict {
	return e.variant(ctx, func(u url.URL) []string {
		if u.Path == "" || u.Path == "/" {
			u.Path = "/" + marker
			return []string{u.String()}
		}
		u.Path += "/"
		return []string{u.String()}
	})
}

func redirectQuery(ctx context.Context, e *exam) verdict {
	return e.variant(ctx, func(u url.URL) []string {
		u.RawQuery = strings.TrimPrefix(u.RawQuery+"&"+marker+"=1", "&")
		return []string{u.String()}
	})
}

func redirectHost(ctx context.Context, e *exam) verdict {
	return e.variant(ctx, func(u url.URL) []string {
		var all []string
		for _, host := range []string{marker + "-" + u.Host, u.Hostname() + "." + marker + ".invalid", marker + ".invalid"} {
			other := u
			other.Host = host
			all = append(all, other.String())
		}
		u.User, u.Host = url.User(u.Hostname()), marker+".invalid"
		return append(all, u.String())
	})
}

func redirectPort(ctx context.Context, e *exam) verdict {
	if u, err := url.Parse(e.RedirectURI); err == nil && isLoopback(u.Hostname()) {
		return unknown("on loopback every port is the client's (RFC 8252 §7.3); name a --redirect-uri elsewhere")
	}
	return e.variant(ctx, func(u url.URL) []string {
		u.Host = u.Hostname() + ":1"
		return []string{u.String()}
	})
}

func redirectScheme(ctx context.Context, e *exam) verdict {
	return e.variant(ctx, func(u url.URL) []string {
		if u.Scheme == "https" {
			u.Scheme = "http"
		} else {
			u.Scheme = "https"
		}
		return []string{u.String()}
	})
}

func redirectPath(ctx context.Context, e *exam) verdict {
	return e.variant(ctx, func(u url.URL) []string {
		base := u.Scheme + "://" + u.Host + strings.TrimSuffix(u.EscapedPath(), "/")
		return []string{base + "/../" + marker, base + "/%2e%2e/" + marker, base + "/" + marker}
	})
}

func redirectFragment(ctx context.Context, e *exam) verdict {
	return e.variant(ctx, func(u url.URL) []string {
		u.Fragment = marker
		return []string{u.String()}
	})
}
