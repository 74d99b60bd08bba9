package doctor

import (
	"context"
	"net/http"
	"net/url"
	"strings"
)

// tryPage is what somebody sees who is not signed in and comes from the client, or with a request that is wrong where no
// client is known.
func (e *exam) tryPage(ctx context.Context) (*reply, error) {
	if err := e.needs("authorization_endpoint", false, false, false); err != nil {
		return nil, err
	}
	q := e.request()
	if e.Client.ID == "" || e.RedirectURI == "" {
		q = e.request("client_id", "doctor-"+random(), "redirect_uri", someOrigin+"/callback")
	}
	l, err := (&browser{e: e, jar: newJar()}).authorize(ctx, q)
	if err != nil {
		return nil, err
	}
	if l.page == nil {
		return nil, errNoPage{l.says()}
	}
	return l.page, nil
}

type errNoPage struct{ says string }

func (err errNoPage) Error() string { return "no page is shown to who is not signed in: " + err.says }

// policies are the directives of that name in the Content-Security-Policy.
func (r *reply) policies(name string) (found []string) {
	for _, header := range r.header.Values("Content-Security-Policy") {
		for directive := range strings.FieldsFuncSeq(header, func(c rune) bool { return c == ';' || c == ',' }) {
			words := strings.Fields(directive)
			if len(words) > 0 && strings.EqualFold(words[0], name) {
				found = append(found, strings.Join(words[1:], " "))
			}
		}
	}
	return found
}

func pageFrames(ctx context.Context, e *exam) verdict {
	r, err := e.page(ctx)
	if err != nil {
		return because(err)
	}
	for _, ancestors := range r.policies("frame-ancestors") {
		if !strings.Contains(ancestors, "*") && !strings.HasSuffix(ancestors, ":") {
			return ok("frame-ancestors %s", clip(ancestors, 80))
		}
	}
	if options := strings.ToUpper(r.header.Get("X-Frame-Options")); options == "DENY" || options == "SAMEORIGIN" {
		return ok("X-Frame-Options: %s", options)
	}
	return fails("neither frame-ancestors nor X-Frame-Options: a site that frames the page can have people press its buttons")
}

func pageNoStore(ctx context.Context, e *exam) verdict {
	r, err := e.page(ctx)
	if err != nil {
		return because(err)
	}
	if !r.noStore() {
		return fails("Cache-Control is %q", clip(r.header.Get("Cache-Control"), 80))
	}
	return ok("Cache-Control: %s", clip(r.header.Get("Cache-Control"), 80))
}

// goodReferrers are policies that keep path and query from other sites.
var goodReferrers = []string{"no-referrer", "same-origin", "origin", "strict-origin", "origin-when-cross-origin", "strict-origin-when-cross-origin"}

func pageReferrer(ctx context.Context, e *exam) verdict {
	r, err := e.page(ctx)
	if err != nil {
		return because(err)
	}
	header := r.header.Get("Referrer-Policy")
	policies := strings.Split(header, ",")
	last := strings.ToLower(strings.TrimSpace(policies[len(policies)-1])) // the last that a browser knows counts
	for _, good := range goodReferrers {
		if last == good {
			return ok("Referrer-Policy: %s", last)
		}
	}
	return fails("Referrer-Policy is %q", clip(header, 80))
}

func pageForeign(ctx context.Context, e *exam) verdict {
	r, err := e.page(ctx)
	if err != nil {
		return because(err)
	}
	page := readHTML(r.body)
	for _, load := range page.loads {
		u, err := r.at.Parse(load)
		if err != nil || u.Scheme == "data" {
			continue
		}
		if !e.own(u) {
			return fails("it loads from %s, which sees who comes", clip(u.Host, 80))
		}
	}
	return ok("%d things, all from the server itself", len(page.loads))
}

func authorizeCORS(ctx context.Context, e *exam) verdict {
	if err := e.needs("authorization_endpoint", false, false, false); err != nil {
		return because(err)
	}
	q := url.Values(e.request("client_id", "doctor-"+random(), "redirect_uri", someOrigin+"/callback"))
	return e.cors(ctx, withQuery(e.metadata.str("authorization_endpoint"), q), http.MethodGet, func(origin, _ string) bool { return origin != "" })
}
