package server_test

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// browser is a person's: it keeps cookies, follows redirects on this server, and
// fills in and sends the forms of the pages that it gets. Where it is sent to another site
// it stops, and left is where.
type browser struct {
	t      testing.TB
	base   *url.URL // of the server
	jar    *cookiejar.Jar
	agent  string
	at     *url.URL // of the page
	status int
	header http.Header
	source string
	doc    *html.Node
	typed  map[*html.Node]string // what was filled in
	ticked map[*html.Node]bool   // what was ticked or not
	left   *url.URL              // of another site. Nil: it is still here
	hops   []string              // the paths that led to the page, with their queries
}

// browser opens a browser in which nobody is signed in.
func (s *system) browser() *browser {
	s.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	base, err := url.Parse(s.web.URL)
	if err != nil {
		s.t.Fatal(err)
	}
	return &browser{t: s.t, base: base, jar: jar, agent: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", at: base}
}

// signedIn opens a browser and signs ann or bob in on the sign-in page.
func (s *system) signedIn(username string) *browser {
	s.t.Helper()
	b := s.browser()
	b.open("/login")
	b.signIn(username, password)
	if b.at.Path != "/account" {
		s.t.Fatalf("%s is not signed in: %d %s", username, b.status, b.source)
	}
	return b
}

// open goes to a path of the server, as a link or the address line does.
func (b *browser) open(path string, edits ...edit) {
	b.t.Helper()
	b.left = nil
	b.send("GET", b.resolve(path), "", edits...)
}

// signIn fills in the page to sign in and sends it.
func (b *browser) signIn(username, password string) {
	b.t.Helper()
	b.fill("Username or email", username)
	b.fill("Password", password)
	b.press("Sign in")
}

// fill types into the field that has the label.
func (b *browser) fill(label, text string) {
	b.t.Helper()
	b.typed[b.labelled(label)] = text
}

// tick ticks the checkbox that has the label, or unticks it.
func (b *browser) tick(label string, on bool) {
	b.t.Helper()
	box := b.labelled(label)
	if _, disabled := attribute(box, "disabled"); disabled {
		b.t.Fatalf("the checkbox %q is disabled", label)
	}
	b.ticked[box] = on
}

// isTicked is whether the checkbox that has the label is ticked on the page as it came.
func (b *browser) isTicked(label string) bool {
	b.t.Helper()
	_, ticked := attribute(b.labelled(label), "checked")
	return ticked
}

// value is what the field that has the label came with.
func (b *browser) value(label string) string {
	b.t.Helper()
	v, _ := attribute(b.labelled(label), "value")
	return v
}

// press presses the button that has the text, the first one below the element
// within, if given by its text. Edits change the request of the form.
func (b *browser) press(text string, edits ...edit) {
	b.t.Helper()
	b.pressIn(b.doc, text, edits...)
}

func (b *browser) pressIn(root *html.Node, text string, edits ...edit) {
	b.t.Helper()
	button := find(root, func(n *html.Node) bool { return n.Data == "button" && textOf(n) == text })
	if button == nil {
		b.t.Fatalf("there is no button %q on %s:\n%s", text, b.at, b.source)
	}
	form := button.Parent
	for form != nil && form.Data != "form" {
		form = form.Parent
	}
	if form == nil {
		b.t.Fatalf("the button %q is in no form", text)
	}
	action, _ := attribute(form, "action")
	fields := b.fields(form)
	if name, ok := attribute(button, "name"); ok {
		value, _ := attribute(button, "value")
		fields.Add(name, value)
	}
	all := append([]edit{
		header("Content-Type", "application/x-www-form-urlencoded"), header("Origin", b.base.Scheme+"://"+b.base.Host), header("Sec-Fetch-Site", "same-origin"),
	}, edits...)
	b.send("POST", b.resolve(action), fields.Encode(), all...)
}

// section is the element of that name whose text has all of these.
func (b *browser) section(element string, has ...string) *html.Node {
	b.t.Helper()
	n := find(b.doc, func(n *html.Node) bool {
		return n.Data == element && !slices.ContainsFunc(has, func(part string) bool { return !strings.Contains(textOf(n), part) })
	})
	if n == nil {
		b.t.Fatalf("there is no %s with %q on %s:\n%s", element, has, b.at, b.source)
	}
	return n
}

// follow clicks on the link that has the text.
func (b *browser) follow(text string) {
	b.t.Helper()
	link := find(b.doc, func(n *html.Node) bool { return n.Data == "a" && strings.Contains(textOf(n), text) })
	if link == nil {
		b.t.Fatalf("there is no link %q on %s:\n%s", text, b.at, b.source)
	}
	href, _ := attribute(link, "href")
	b.open(href)
}

// heading is the text of the page's h1.
func (b *browser) heading() string { return b.textOfFirst("h1") }

// alert is what the page says first of all.
func (b *browser) alert() string {
	n := find(b.doc, func(n *html.Node) bool { role, _ := attribute(n, "role"); return role == "alert" || role == "status" })
	if n == nil {
		return ""
	}
	return textOf(n)
}

// text is all that the page says.
func (b *browser) text() string { return b.textOfFirst("main") }

func (b *browser) textOfFirst(element string) string {
	n := find(b.doc, func(n *html.Node) bool { return n.Data == element })
	if n == nil {
		return ""
	}
	return textOf(n)
}

// hidden is the value of a hidden field, the first of that name.
func (b *browser) hidden(name string) string {
	n := find(b.doc, named(name))
	if n == nil {
		return ""
	}
	v, _ := attribute(n, "value")
	return v
}

// copy is another tab of the same browser.
func (b *browser) copy() *browser {
	tab := *b
	return &tab
}

// send makes a request and reads the page that it ends at.
func (b *browser) send(method string, to *url.URL, body string, edits ...edit) {
	b.t.Helper()
	b.hops = nil
	for range 10 {
		if to.Host != b.base.Host || to.Scheme != b.base.Scheme {
			b.left = to
			return
		}
		b.hops = append(b.hops, to.RequestURI())
		res := b.once(method, to, body, edits...)
		location := res.Header.Get("Location")
		if location == "" {
			return
		}
		next, err := to.Parse(location)
		if err != nil {
			b.t.Fatalf("%s leads to %q: %v", to, location, err)
		}
		if method == "POST" && res.StatusCode != http.StatusSeeOther {
			b.t.Errorf("POST %s: %d, want 303", to.Path, res.StatusCode)
		}
		method, to, body, edits = "GET", next, "", nil
	}
	b.t.Fatalf("too many redirects: %q", b.hops)
}

// once makes one request.
func (b *browser) once(method string, to *url.URL, body string, edits ...edit) *http.Response {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), method, to.String(), strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("User-Agent", b.agent)
	r.Header.Set("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
	for _, c := range b.jar.Cookies(to) {
		r.AddCookie(c)
	}
	for _, e := range edits {
		e(r)
	}
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	b.jar.SetCookies(to, res.Cookies())
	text, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	b.at, b.status, b.header, b.source = to, res.StatusCode, res.Header, string(text)
	b.typed, b.ticked = map[*html.Node]string{}, map[*html.Node]bool{}
	if b.doc, err = html.Parse(strings.NewReader(b.source)); err != nil {
		b.t.Fatal(err)
	}
	return res
}

func (b *browser) resolve(ref string) *url.URL {
	b.t.Helper()
	u, err := b.at.Parse(ref)
	if err != nil {
		b.t.Fatal(err)
	}
	return u
}

// fields are what a form sends, its buttons left out.
func (b *browser) fields(form *html.Node) url.Values {
	fields := url.Values{}
	each(form, func(n *html.Node) {
		name, named := attribute(n, "name")
		_, disabled := attribute(n, "disabled")
		if n.Data != "input" || !named || disabled {
			return
		}
		value, _ := attribute(n, "value")
		if typed, ok := b.typed[n]; ok {
			value = typed
		}
		if kind, _ := attribute(n, "type"); kind == "checkbox" {
			_, on := attribute(n, "checked")
			if set, ok := b.ticked[n]; ok {
				on = set
			}
			if !on {
				return
			}
		}
		fields.Add(name, value)
	})
	return fields
}

// labelled is the input that a label with this text belongs to.
func (b *browser) labelled(text string) *html.Node {
	b.t.Helper()
	label := find(b.doc, func(n *html.Node) bool { return n.Data == "label" && strings.HasPrefix(textOf(n), text) })
	if label == nil {
		b.t.Fatalf("there is no label %q on %s:\n%s", text, b.at, b.source)
	}
	id, _ := attribute(label, "for")
	input := find(b.doc, func(n *html.Node) bool { got, ok := attribute(n, "id"); return ok && got == id })
	if input == nil {
		b.t.Fatalf("the label %q belongs to no field", text)
	}
	return input
}

func attribute(n *html.Node, name string) (value string, ok bool) {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val, true
		}
	}
	return "", false
}

func each(n *html.Node, see func(*html.Node)) {
	for d := range n.Descendants() {
		if d.Type == html.ElementNode {
			see(d)
		}
	}
}

// find is the first element below n that is wanted.
func find(n *html.Node, wanted func(*html.Node) bool) *html.Node {
	for d := range n.Descendants() {
		if d.Type == html.ElementNode && wanted(d) {
			return d
		}
	}
	return nil
}

// named is for find: the field of that name.
func named(name string) func(*html.Node) bool {
	return func(n *html.Node) bool { got, _ := attribute(n, "name"); return n.Data == "input" && got == name }
}

// textOf is the text of an element as people read it.
func textOf(n *html.Node) string {
	var words strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			words.WriteString(d.Data)
		}
	}
	return strings.Join(strings.Fields(words.String()), " ")
}
