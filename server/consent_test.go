package server_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/grantd/grantd/server"
	"github.com/grantd/grantd/store"
)

const thirdCallback = "https://third.example/cb"

// askedByThird is an authorization request of an app that is not our own.
func askedByThird(scope string, pairs ...string) string {
	return asked(append([]string{"client_id", "third", "redirect_uri", thirdCallback, "scope", scope}, pairs...)...)
}

// describedBy are the labels of the scopes of withApps.
var describedBy = map[string]string{
	"openid": "Know who you are", "profile": "See your name", "email": "See your email", "me": "Read your profile", "items": "Read your items", "items:write": "Add items",
}

// answer presses Allow with these scopes ticked and all others not, or Deny for "deny".
func (b *browser) answer(scope string) {
	b.t.Helper()
	if scope == "deny" {
		b.press("Deny")
		return
	}
	for name, label := range describedBy {
		if box := find(b.doc, named("scope."+name)); box != nil {
			b.ticked[box] = slices.Contains(strings.Fields(scope), name)
		} else if slices.Contains(strings.Fields(scope), name) && !strings.Contains(b.text(), label) {
			b.t.Fatalf("the page does not ask for %s: %s", name, b.text())
		}
	}
	b.press("Allow")
}

// redeemed gives the scope of the token for the code that the browser was sent away with.
func (s *system) redeemed(b *browser) string {
	s.t.Helper()
	if b.left == nil {
		s.t.Fatalf("the browser is at %s: %s", b.at, b.source)
	}
	res := s.redeem(b.left.Query().Get("code"), "client_id", b.clientID(), "redirect_uri", strings.SplitN(b.left.String(), "?", 2)[0])
	if res.StatusCode != http.StatusOK {
		s.t.Fatalf("%s: %d %s", b.left, res.StatusCode, res.body)
	}
	return res.str("scope")
}

// clientID is the app that the browser was sent to.
func (b *browser) clientID() string {
	if b.left.Host == "third.example" {
		return "third"
	}
	return "native"
}

// What was answered is remembered for the app: less is given silently, the same
// question has the same answer, more is asked for.
func TestConsentIsRemembered(t *testing.T) {
	type step struct{ asked, ticked, want string } // ticked "": nobody is asked; want: what the token has
	for name, steps := range map[string][]step{
		"the same again":                 {{"me items", "me items", "me items"}, {"items me", "", "me items"}},
		"less":                           {{"me items", "me items", "me items"}, {"items", "", "items"}},
		"more":                           {{"me", "me", "me"}, {"me items", "me items", "me items"}, {"me items", "", "me items"}},
		"one left out":                   {{"me items", "me", "me"}, {"me items", "", "me"}},
		"one left out, asked alone":      {{"me items", "me", "me"}, {"items", "items", "items"}, {"me items", "", "me items"}},
		"one left out, less than it":     {{"me items", "me", "me"}, {"me", "", "me"}},
		"another one left out":           {{"me items items:write", "me items", "me items"}, {"me items:write", "me", "me"}, {"items", "", "items"}},
		"one left out, then more":        {{"me items", "me", "me"}, {"me items:write", "me items:write", "me items:write"}, {"me items", "", "me"}},
		"taken back":                     {{"me items", "me items", "me items"}, {"me items items:write", "me", "me"}, {"items", "items", "items"}},
		"denied is not remembered":       {{"me", "deny", ""}, {"me", "me", "me"}},
		"denied after a yes":             {{"me", "me", "me"}, {"me items", "deny", ""}, {"me", "", "me"}, {"me items", "me", "me"}},
		"nothing ticked":                 {{"me items", "none", ""}, {"me items", "items", "items"}},
		"openid cannot be left out":      {{"openid me", "none", "openid"}, {"openid me", "", "openid"}},
		"no scope at all":                {{"", "none", "-"}, {"", "", "-"}, {"me", "me", "me"}, {"", "", "-"}},
		"what the user may not grant":    {{"me items:write admin", "", "invalid_scope"}},
		"offline access, once and again": {{"openid offline_access", "openid offline_access", "openid"}, {"openid", "", "openid"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := withApps(t)
			b := s.signedIn("ann")
			for i, st := range steps {
				b.open("/authorize?" + askedByThird(st.asked))
				if known := b.left != nil; known != (st.ticked == "") {
					t.Fatalf("step %d, %s: left is %v, page is %s", i, st.asked, b.left, b.text())
				}
				if st.ticked != "" {
					b.answer(st.ticked)
				}
				switch told := b.left.Query().Get("error"); {
				case st.want == "invalid_scope":
					if told != st.want {
						t.Errorf("step %d: the app is told %q", i, told)
					}
				case st.want == "":
					if told != "access_denied" || b.left.Query().Get("state") != "xyz" || b.left.Query().Get("iss") != s.opts.Issuer {
						t.Errorf("step %d: the app is told %s", i, b.left)
					}
				default:
					if got := s.redeemed(b); !strings.HasPrefix(got, strings.Trim(st.want, "-")) || st.want == "-" && got != "" {
						t.Errorf("step %d, %s: the token has %q, want %q", i, st.asked, got, st.want)
					}
				}
			}
		})
	}
}

func TestConsentPage(t *testing.T) {
	s := withApps(t)
	s.addClient(store.Client{
		ID: "strict", Grants: []string{"authorization_code"}, Scopes: []string{"me", "items", "items:write", "openid"}, RequiredScopes: []string{"items"},
		RedirectURIs: []string{"https://strict.example:8443/cb"},
	})
	query := func(scope string) string {
		return asked("client_id", "strict", "redirect_uri", "https://strict.example:8443/cb", "scope", scope)
	}
	b := s.signedIn("ann")
	b.open("/authorize?" + query("openid me items items:write"))
	for _, want := range []string{"Allow strict?", "You will be sent to strict.example:8443.", "Signed in as ann", "Read your profile", "Add items", "Read your items (required)"} {
		if !strings.Contains(b.text(), want) {
			t.Errorf("the page does not say %q: %s", want, b.text())
		}
	}
	wantFormAction(t, b, "'self' https:")
	for _, label := range []string{"Know who you are", "Read your items"} {
		if _, fixed := attribute(b.labelled(label), "disabled"); !fixed || !b.isTicked(label) {
			t.Errorf("%q can be left out, or looks so", label)
		}
	}
	if !b.isTicked("Read your profile") || !b.isTicked("Add items") {
		t.Error("new boxes are not ticked")
	}
	// Unticked is left out. The required ones do not depend on what the form says of them.
	b.tick("Read your profile", false)
	b.press("Allow")
	c, err := s.db.Consent(t.Context(), "u-ann", "strict")
	if err != nil || strings.Join(c.Granted, " ") != "openid items items:write" || strings.Join(c.Asked, " ") != "openid me items items:write" {
		t.Errorf("remembered is %+v, %v", c, err)
	}

	// Asked for something else, the box that was unticked stays so.
	b.open("/authorize?" + query("me items"))
	if b.isTicked("Read your profile") || !strings.Contains(b.text(), "Allow strict?") {
		t.Errorf("the page forgot the answer: %s", b.source)
	}

	// What has become required since then is asked for.
	s.addClient(store.Client{
		ID: "stricter", Grants: []string{"authorization_code"}, Scopes: []string{"me", "items"}, RequiredScopes: []string{"items"}, RedirectURIs: []string{"https://strict.example/cb"},
	})
	now := s.clock.Now()
	session, _ := s.session("u-ann")
	if _, err := s.db.PutConsent(t.Context(), store.Consent{UserID: "u-ann", ClientID: "stricter", Granted: []string{"me"}, Asked: []string{"me items"}, CreatedAt: now, UpdatedAt: now}, session); err != nil {
		t.Fatal(err)
	}
	b.open("/authorize?" + asked("client_id", "stricter", "redirect_uri", "https://strict.example/cb", "scope", "me items"))
	if b.left != nil || b.heading() != "Allow stricter?" {
		t.Errorf("a required scope was left out silently: %v", b.left)
	}
}

// RFC 8252 §8.6, RFC 6749 §10.2: any app on the device can claim to be this one.
func TestConsentOnTheDeviceIsAskedEveryTime(t *testing.T) {
	s := withApps(t)
	grants := []string{"authorization_code"}
	s.addClient(store.Client{ID: "native", Grants: grants, Scopes: []string{"me", "items"}, RedirectURIs: []string{"http://127.0.0.1/cb", "com.example.app:/cb"}})
	s.addClient(store.Client{ID: "own", Grants: grants, Scopes: []string{"me", "items"}, RedirectURIs: []string{"http://127.0.0.1/cb"}, FirstParty: true})
	s.addClient(store.Client{ID: "secret", SecretHash: server.HashSecret("x"), Grants: grants, Scopes: []string{"me", "items"}, RedirectURIs: []string{"http://127.0.0.1/cb"}})
	for _, c := range []struct {
		name, client, uri, address, formAction string
		every                                  bool
	}{
		{"8252-8.6 loopback", "native", "http://127.0.0.1:49152/cb", "127.0.0.1:49152", "'self' http://127.0.0.1:*", true},
		{"6749-10.2 a scheme of its own", "native", "com.example.app:/cb", "com.example.app:", "'self' com.example.app:", true},
		{"our own app", "own", "http://127.0.0.1:1/cb", "", "", false},
		{"an app with a secret", "secret", "http://127.0.0.1:2/cb", "127.0.0.1:2", "'self' http://127.0.0.1:*", false},
	} {
		b := s.signedIn("ann")
		query := asked("client_id", c.client, "redirect_uri", c.uri, "scope", "me items")
		b.open("/authorize?" + query)
		if c.client != "own" {
			if !strings.Contains(b.text(), "You will be sent to an app on this device ("+c.address+"). Go on only") {
				t.Errorf("%s: the page says %s", c.uri, b.text())
			}
			wantFormAction(t, b, c.formAction)
			b.answer("items")
		}
		b.open("/authorize?" + query)
		if asks := b.left == nil; asks != c.every {
			t.Errorf("%s: asked again is %v", c.name, asks)
		}
		if c.every && (b.isTicked("Read your profile") || !b.isTicked("Read your items")) {
			t.Errorf("%s: the answer of before is not filled in: %s", c.uri, b.source)
		}
	}
}

// Between the page and its form: what the form was not about is asked anew.
func TestConsentIsCheckedAnew(t *testing.T) {
	for name, c := range map[string]struct {
		change func(t *testing.T, s *system, b *browser)
		leads  string // the path that the form leads to; empty: to the app, which is told error
		error  string
	}{
		"nothing":                 {func(*testing.T, *system, *browser) {}, "", ""},
		"signed in":               {func(t *testing.T, s *system, b *browser) { signInAgain(b, "ann") }, "", ""},
		"somebody else signed in": {func(t *testing.T, s *system, b *browser) { signInAgain(b, "bob") }, "/authorize", ""},
		"signed out":              {func(t *testing.T, s *system, b *browser) { b.plant("") }, "/authorize", ""},
		"disabled": {func(t *testing.T, s *system, b *browser) {
			s.db.DisableUser(t.Context(), "u-ann", s.clock.Now(), s.clock.Now())
		}, "/authorize", ""},
		"another session":         {func(t *testing.T, s *system, b *browser) { b.change("session", "other") }, "/authorize", ""},
		"other scopes were shown": {func(t *testing.T, s *system, b *browser) { b.change("asked", "me") }, "/authorize", ""},
		"another request":         {func(t *testing.T, s *system, b *browser) { b.change("request", askedByThird("me items items:write")) }, "/authorize", ""},
		"prompt=none": {func(t *testing.T, s *system, b *browser) {
			b.change("request", askedByThird("me items", "prompt", "none"))
		}, "", "consent_required"},
		"prompt=login": {func(t *testing.T, s *system, b *browser) {
			b.change("request", askedByThird("me items", "prompt", "login"))
		}, "/authorize", ""},
		"a foreign redirect URI": {func(t *testing.T, s *system, b *browser) {
			b.change("request", askedByThird("me items", "redirect_uri", "https://evil.example/cb"))
		}, "/consent", ""},
		"an unknown client": {func(t *testing.T, s *system, b *browser) {
			b.change("request", askedByThird("me items", "client_id", "nobody"))
		}, "/consent", ""},
		"no request":  {func(t *testing.T, s *system, b *browser) { b.change("request", "") }, "/consent", ""},
		"a bad scope": {func(t *testing.T, s *system, b *browser) { b.change("request", askedByThird("me admin")) }, "", "invalid_scope"},
	} {
		t.Run(name, func(t *testing.T) {
			s := withApps(t)
			b := s.signedIn("ann")
			b.open("/authorize?" + askedByThird("me items"))
			c.change(t, s, b)
			b.press("Allow")
			switch {
			case c.leads != "" && (b.left != nil || b.at.Path != c.leads):
				t.Errorf("the form leads to %s, then %v", b.at, b.left)
			case c.leads == "" && (b.left == nil || b.left.Host != "third.example" || b.left.Query().Get("error") != c.error || b.left.Query().Has("code") != (c.error == "")):
				t.Errorf("the form leads to %v, %s", b.left, b.text())
			}
			if _, err := s.db.Consent(t.Context(), "u-ann", "third"); (err == nil) != (c.leads == "" && c.error == "") {
				t.Errorf("remembered: %v", err)
			}
			if _, err := s.db.Consent(t.Context(), "u-bob", "third"); err == nil {
				t.Error("another user consented")
			}
		})
	}
}

// signInAgain signs somebody in in another tab.
func signInAgain(b *browser, username string) {
	tab := b.copy()
	tab.open("/login")
	tab.signIn(username, password)
}

// change gives a hidden field another value.
func (b *browser) change(name, value string) {
	b.t.Helper()
	field := find(b.doc, named(name))
	if field == nil {
		b.t.Fatalf("there is no field %q", name)
	}
	b.typed[field] = value
}

// A form that says neither yes nor no is no answer, and ticked is only what was asked.
func TestConsentForm(t *testing.T) {
	s := withApps(t)
	b := s.signedIn("ann")
	b.open("/authorize?" + askedByThird("me items"))
	sent := func(pairs ...string) url.Values {
		return form(append([]string{"request", b.hidden("request"), "session", b.hidden("session"), "asked", b.hidden("asked")}, pairs...)...)
	}
	cookie := header("Cookie", "grantd_session_"+b.base.Port()+"="+b.secret())
	s.post("/consent", sent("scope.me", "on"), cookie).wantPage(t, http.StatusBadRequest)
	s.post("/consent", sent("decision", "perhaps", "scope.me", "on"), cookie).wantPage(t, http.StatusBadRequest)
	s.post("/consent", sent("decision", "deny", "decision", "allow"), cookie).wantPage(t, http.StatusBadRequest)
	if other := s.post("/consent", sent("decision", "cancel"), cookie, from(otherSite)); other.StatusCode != http.StatusForbidden {
		t.Errorf("another site gives up for people: %d", other.StatusCode)
	}
	res := s.post("/consent", sent("decision", "allow", "scope.me", "on", "scope.admin", "on", "scope.items:write", "on", "scope.", "on"), cookie)
	if got := s.redeem(res.answer(t).Get("code"), "client_id", "third", "redirect_uri", thirdCallback).str("scope"); got != "me" {
		t.Errorf("the token has %q", got)
	}
}

// Apps of our own are not asked about; whoever may grant little is asked for that alone.
func TestConsentOfUsersWithLimits(t *testing.T) {
	s := withApps(t)
	b := s.signedIn("bob") // may grant only me
	b.open("/authorize?" + askedByThird("openid me items"))
	if strings.Contains(b.text(), "Read your items") || !strings.Contains(b.text(), "Read your profile") {
		t.Errorf("asked is %s", b.text())
	}
	b.press("Allow")
	if got := s.redeemed(b); got != "openid me" {
		t.Errorf("the token has %q", got)
	}
	b.open("/authorize?" + askedByThird("items"))
	if b.left == nil || b.left.Query().Get("error") != "invalid_scope" {
		t.Errorf("nothing is left to ask, and the app is told %v", b.left)
	}
}

// A host is shown as it is registered, in ASCII: no letter looks like another one.
func TestConsentShowsHostsInASCII(t *testing.T) {
	s := withApps(t)
	uri := "https://xn--pp-xia.example/cb"
	s.addClient(store.Client{ID: "alike", Grants: []string{"authorization_code"}, Scopes: []string{"me"}, RedirectURIs: []string{uri}})
	b := s.signedIn("ann")
	if b.open("/authorize?" + asked("client_id", "alike", "redirect_uri", uri, "scope", "me")); !strings.Contains(b.text(), "You will be sent to xn--pp-xia.example.") {
		t.Errorf("the page says %s", b.text())
	}
}
