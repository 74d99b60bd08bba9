package main

import (
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// surfer is a browser without scripts: it keeps cookies, follows redirects from
// site to site, and sends the forms of the page that it is on.
type surfer struct {
	t      *testing.T
	client *http.Client
	at     *url.URL
	status int
	header http.Header
	source string
	page   *html.Node
}

func newSurfer(t *testing.T) *surfer {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &surfer{t: t, client: &http.Client{Timeout: patience, Jar: jar}}
}

func (s *surfer) open(address string) {
	s.t.Helper()
	r, err := http.NewRequest("GET", address, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	s.send(r)
}

// press sends the form of the button that shows text, with its fields as they are on the page
// but for typed; an empty text unticks.
func (s *surfer) press(text string, typed map[string]string) {
	s.t.Helper()
	form, button := s.formOf(text)
	if form == nil {
		s.t.Fatalf("there is no button %q at %s: %d %s", text, s.at, s.status, s.source)
	}
	fields := map[string]string{}
	for n := range form.Descendants() {
		if name := attr(n, "name"); n.Data == "input" && name != "" && (attr(n, "type") != "checkbox" || has(n, "checked")) {
			fields[name] = attr(n, "value")
		}
	}
	if name := attr(button, "name"); name != "" {
		fields[name] = attr(button, "value")
	}
	maps.Copy(fields, typed)
	s.submit(form, fields)
}

func (s *surfer) submit(form *html.Node, fields map[string]string) {
	s.t.Helper()
	sent := url.Values{}
	for name, value := range fields {
		if value != "" {
			sent.Set(name, value)
		}
	}
	target, err := s.at.Parse(attr(form, "action"))
	if err != nil {
		s.t.Fatal(err)
	}
	if attr(form, "method") != "post" {
		target.RawQuery = sent.Encode()
		s.open(target.String())
		return
	}
	r, err := http.NewRequest("POST", target.String(), strings.NewReader(sent.Encode()))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Content-Type", formType)
	r.Header.Set("Origin", s.at.Scheme+"://"+s.at.Host)
	s.send(r)
}

func (s *surfer) send(r *http.Request) {
	s.t.Helper()
	r.Header.Set("Accept", "text/html,*/*;q=0.8") // as browsers do
	answer, err := s.client.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	s.at, s.status, s.header, s.source = answer.Request.URL, answer.StatusCode, answer.Header, string(body)
	if s.page, err = html.Parse(strings.NewReader(s.source)); err != nil {
		s.t.Fatal(err)
	}
}

func (s *surfer) formOf(text string) (form, button *html.Node) {
	for n := range s.page.Descendants() {
		if n.Data == "form" {
			form = n
		}
		if n.Data == "button" && strings.TrimSpace(textOf(n)) == text {
			return form, n
		}
	}
	return nil, nil
}

// wants looks for texts on the page.
func (s *surfer) wants(texts ...string) {
	s.t.Helper()
	shown := strings.Join(strings.Fields(textOf(s.page)), " ")
	for _, text := range texts {
		if !strings.Contains(shown, text) {
			s.t.Errorf("%q is not on the page at %s: %d %s", text, s.at, s.status, shown)
		}
	}
}

// lacks looks for texts that must not be on the page.
func (s *surfer) lacks(texts ...string) {
	s.t.Helper()
	shown := strings.Join(strings.Fields(textOf(s.page)), " ")
	for _, text := range texts {
		if strings.Contains(shown, text) {
			s.t.Errorf("%q is on the page at %s: %s", text, s.at, shown)
		}
	}
}

func textOf(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data + " ")
		}
	}
	return b.String()
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func has(n *html.Node, name string) bool {
	return slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == name })
}
