package server

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/grantd/grantd/server/pages"
	"github.com/grantd/grantd/server/reason"
)

// page is the surface of people: HTML, which nobody may keep, frame or send to
// where it does not belong. A form that another site sent is refused before it is read.
func (s *Server) page(h handler) http.Handler {
	return s.html(func(w http.ResponseWriter, r *http.Request) error {
		if err := s.ownForm(r); err != nil {
			return err
		}
		return h(w, r)
	})
}

// html is page for forms that other sites may send, too. Whatever changes anything asks ownForm first.
func (s *Server) html(h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Cache-Control", "no-store")
		// RFC 9700 §4.2.4: other sites learn nothing of our URLs. With no-referrer browsers would hide from us, too,
		// where a form comes from (Origin: null), which older ones tell in no other way.
		header.Set("Referrer-Policy", "same-origin")
		header.Set("X-Frame-Options", "DENY") // RFC 9700 §4.16, also for browsers that do not know frame-ancestors
		if s.overTLS() {
			// RFC 9325 §3.2: who was here comes by https from now on, whatever links say. Not for hosts below ours,
			// of which we know nothing.
			header.Set("Strict-Transport-Security", "max-age=31536000")
		}
		if err := h(w, r); err != nil {
			s.writePageError(w, r, err)
		}
	})
}

// overTLS is whether people come by https. On their own machine other programs share the host, perhaps over plain http.
func (s *Server) overTLS() bool {
	issuer, err := url.Parse(s.Issuer)
	return err == nil && issuer.Scheme == "https" && !isLoopbackHost(issuer.Hostname())
}

// ownForm refuses a form that another site sent.
func (s *Server) ownForm(r *http.Request) error {
	// RFC 6749 §10.12: nobody is made to do here what they know nothing of.
	if err := s.sameSite.Check(r); err != nil {
		return &Error{Reason: reason.CrossSiteForm, Code: invalidRequest, Hint: "this form was sent by another site; open the page here and send it again", Status: http.StatusForbidden, Cause: s.whyForeign(r, err)}
	}
	return nil
}

// whyForeign is, for the operator, what told that a form comes from another site.
func (s *Server) whyForeign(r *http.Request, err error) error {
	return fmt.Errorf("%w: Origin %s, Sec-Fetch-Site %s, Host %s; the issuer is %s%s", err, headerWords(r.Header.Get("Origin")),
		headerWords(r.Header.Get("Sec-Fetch-Site")), headerWords(r.Host), s.Issuer, s.proxyWords(r))
}

// headerWords is a header's value for the operator.
func headerWords(value string) string {
	if value == "" {
		return "not sent"
	}
	return loggedURI(value)
}

// navigates is whether the request is that of a person who goes to a page: no HEAD, no image or frame
// of another page, nothing that is fetched ahead. Requests of programs and older browsers, which do
// not tell what they are for, count.
func navigates(r *http.Request) bool {
	purpose := r.Header.Get("Sec-Purpose") + r.Header.Get("Purpose") // the latter of older browsers
	dest := r.Header.Get("Sec-Fetch-Dest")
	return r.Method == http.MethodGet && (dest == "" || dest == "document") && !strings.Contains(purpose, "prefetch")
}

// fromHere is whether one of our pages led to this one, as far as the browser tells.
func fromHere(r *http.Request) bool {
	site := r.Header.Get("Sec-Fetch-Site")
	return site == "" || site == "same-origin"
}

// signedIn is page for who is signed in. Others are asked to sign in, and come back.
func (s *Server) signedIn(h func(w http.ResponseWriter, r *http.Request, v visitor) error) http.Handler {
	return s.page(func(w http.ResponseWriter, r *http.Request) error {
		v, ok, err := s.visitor(r)
		if err != nil {
			return err
		}
		if !ok {
			return s.toSignIn(w, r)
		}
		return h(w, r, v)
	})
}

// forPeople answers browsers with a page, and programs as before.
func (s *Server) forPeople(programs http.Handler, h handler) http.Handler {
	people := s.html(h)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Vary", "Accept")
		if strings.Contains(r.Header.Get("Accept"), "text/html") {
			people.ServeHTTP(w, r)
			return
		}
		programs.ServeHTTP(w, r)
	})
}

// seeOther answers a form: the page that follows can be loaded again (RFC 9110 §15.4.4).
func seeOther(w http.ResponseWriter, to string) error {
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusSeeOther)
	return nil
}

// show answers with a page. formAction are the places besides this server that
// its forms may lead to, as sources of a Content-Security-Policy: browsers hold
// a redirect that follows a form to it, too.
func (s *Server) show(w http.ResponseWriter, status int, draw func(io.Writer) error, formAction ...string) error {
	return s.send(w, status, draw, "form-action "+strings.Join(append([]string{"'self'"}, formAction...), " "))
}

// send answers with a page that may do what all may, and what policy says besides.
func (s *Server) send(w http.ResponseWriter, status int, draw func(io.Writer) error, policy ...string) error {
	var body bytes.Buffer // a template that fails must not leave half a page
	if err := draw(&body); err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'; "+
		strings.Join(policy, "; "))
	w.WriteHeader(status)
	_, err := body.WriteTo(w)
	return err
}

// writePageError is writeError for people.
func (s *Server) writePageError(w http.ResponseWriter, r *http.Request, err error) {
	rec := recordOf(r.Context())
	e := asError(err, rec.id)
	rec.refused(e.Code, e.Reason, e)
	setRetryAfter(w.Header(), e.RetryAfter)
	page := pages.Error{Title: errorTitle(e.Status), Hint: sentence(e.Hint), Code: e.Code, RequestID: rec.id, Explanation: s.explained(rec)}
	page.Next, page.NextURL = s.nextPage(rec.route, e.Status)
	shown := s.show(w, e.Status, func(out io.Writer) error { return s.pages.Error(out, page) })
	if shown != nil {
		s.log.DebugContext(r.Context(), "page not sent", "id", rec.id, "error", shown)
	}
}

// nextPage is where people go on who wanted something else than what was refused.
func (s *Server) nextPage(route string, status int) (text, url string) {
	switch {
	case route == "/logout": // whatever is wrong with the app's request, they want to sign out
		return "Sign out here", s.prefix + "/logout"
	case status == http.StatusNotFound && s.Resources:
		return "Go to the start page", s.prefix + "/"
	}
	return "", ""
}

// errorTitle is what happened, in words for people.
func errorTitle(status int) string {
	switch {
	case status == http.StatusNotFound:
		return "There is no such page"
	case status == http.StatusServiceUnavailable:
		return "Please try again in a moment"
	case status >= http.StatusInternalServerError:
		return "Something went wrong here"
	case status == http.StatusForbidden:
		return "That was not allowed"
	}
	return "This cannot be done"
}

// sentence makes one of a hint.
func sentence(hint string) string {
	first, size := utf8.DecodeRuneInString(hint)
	return string(unicode.ToUpper(first)) + strings.TrimSuffix(hint[size:], ".") + "."
}

// setRetryAfter tells when to try again, if there is such a time.
func setRetryAfter(h http.Header, after time.Duration) {
	if after > 0 {
		h.Set("Retry-After", strconv.Itoa(int((after+time.Second-1)/time.Second)))
	}
}

// queryOf is a parameter of a page's URL. One that is there twice is none.
func queryOf(r *http.Request, name string) string {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil || len(query[name]) != 1 {
		return ""
	}
	return query.Get(name)
}
