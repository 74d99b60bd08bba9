package server_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/grantd/grantd/server"
	"github.com/grantd/grantd/server/token"
	"github.com/grantd/grantd/store"
)

// idHint is an ID token of an hour ago, long expired.
func (s *system) idHint(userID, clientID, sid string) string {
	s.t.Helper()
	then := s.clock.Now().Add(-time.Hour)
	id, err := s.ring().MintID(token.ID{
		Issuer: s.opts.Issuer, Subject: userID, ClientID: clientID, SessionID: sid,
		IssuedAt: s.clock.Now(), ExpireAt: then.Add(time.Minute), AuthTime: then,
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return id
}

// sessionOf signs a user in, and gives the id of the session with the cookie.
func (s *system) sessionOf(userID string) (id string, cookie edit) {
	s.t.Helper()
	before := map[string]bool{}
	for _, one := range s.sessions(userID) {
		before[one.ID] = true
	}
	cookie = s.cookie(userID)
	for _, one := range s.sessions(userID) {
		if !before[one.ID] {
			return one.ID, cookie
		}
	}
	s.t.Fatal("there is no new session")
	return "", nil
}

func (s *system) sessions(userID string) []store.Session {
	s.t.Helper()
	all, err := s.db.Sessions(s.t.Context(), userID, s.clock.Now())
	if err != nil {
		s.t.Fatal(err)
	}
	return all
}

const (
	ownSite   = "same-origin"
	otherSite = "cross-site"
)

func from(site string) edit { return header("Sec-Fetch-Site", site) }

// hiddenField reads a hidden field of a page.
func (r reply) hiddenField(t testing.TB, name string) string {
	t.Helper()
	_, rest, found := strings.Cut(r.body, `name="`+name+`" value="`)
	value, _, closed := strings.Cut(rest, `"`)
	if !found || !closed {
		t.Fatalf("no field %s in %s", name, r.body)
	}
	return strings.NewReplacer("&amp;", "&", "&#43;", "+", "&#34;", `"`, "&#39;", "'", "&lt;", "<").Replace(value)
}

func newLogoutSystem(t *testing.T) *system {
	s := newSystem(t)
	for _, c := range []store.Client{
		{ID: "shop", Name: "The Shop", LogoutURIs: []string{"https://shop.example/bye", "https://shop.example/bye?a=b", "http://127.0.0.1/bye"}},
		{ID: "blog", LogoutURIs: []string{"https://blog.example/"}},
	} {
		s.addClient(c)
	}
	return s
}

// wantSignedOut checks that the answer takes the cookie away and that the session is gone.
func (s *system) wantSignedOut(t *testing.T, res reply, cookie edit) {
	t.Helper()
	if got := res.Header.Get("Set-Cookie"); !strings.Contains(got, "Max-Age=0") || !strings.Contains(got, "HttpOnly; SameSite=Lax") {
		t.Errorf("Set-Cookie %q", got)
	}
	if again := s.get("/logout", cookie); strings.Contains(again.body, "<form") {
		t.Error("the session is still there")
	}
}

func wantLocation(t *testing.T, res reply, location string) {
	t.Helper()
	if res.StatusCode != http.StatusSeeOther || res.Header.Get("Location") != location {
		t.Errorf("%d to %q, want 303 to %q; %s", res.StatusCode, res.Header.Get("Location"), location, res.body)
	}
}

func TestLogoutWithAHint(t *testing.T) {
	for _, c := range []struct {
		name  string
		query func(s *system, sid string) url.Values
		want  string // location; empty: a page
	}{
		{"oidc-logout-2 of the session, expired as it is", func(s *system, sid string) url.Values {
			return form("id_token_hint", s.idHint("u-ann", "shop", sid), "post_logout_redirect_uri", "https://shop.example/bye")
		}, "https://shop.example/bye"},
		{"oidc-logout-2 of the user and no session", func(s *system, _ string) url.Values {
			return form("id_token_hint", s.idHint("u-ann", "shop", ""), "post_logout_redirect_uri", "https://shop.example/bye")
		}, "https://shop.example/bye"},
		{"oidc-logout-3 state is passed back", func(s *system, sid string) url.Values {
			return form("id_token_hint", s.idHint("u-ann", "shop", sid), "client_id", "shop", "post_logout_redirect_uri", "https://shop.example/bye?a=b", "state", "x y&z\x00\xff")
		}, "https://shop.example/bye?a=b&state=x+y%26z%00%FF"},
		{"8252-7.3 any port on loopback", func(s *system, sid string) url.Values {
			return form("id_token_hint", s.idHint("u-ann", "shop", sid), "post_logout_redirect_uri", "http://127.0.0.1:54321/bye")
		}, "http://127.0.0.1:54321/bye"},
		{"oidc-logout-2 no place to go to", func(s *system, sid string) url.Values {
			return form("id_token_hint", s.idHint("u-ann", "shop", sid), "ui_locales", "de en", "logout_hint", "ann")
		}, ""},
		{"oidc-logout-2 of an app that is gone", func(s *system, sid string) url.Values {
			return form("id_token_hint", s.idHint("u-ann", "gone", sid))
		}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newLogoutSystem(t)
			sid, cookie := s.sessionOf("u-ann")
			res := s.get("/logout?"+c.query(s, sid).Encode(), cookie, from(otherSite))
			if c.want != "" {
				wantLocation(t, res, c.want)
			} else if res.wantOK(t); !strings.Contains(res.body, "You are signed out") {
				t.Errorf("page %s", res.body)
			}
			s.wantSignedOut(t, res, cookie)
		})
	}
}

func TestLogoutAsks(t *testing.T) {
	for _, c := range []struct {
		name  string
		query func(s *system) url.Values
		want  string
	}{
		{"oidc-logout-2 no hint", func(*system) url.Values { return nil }, "/logout"},
		{"oidc-logout-2 no hint but a client", func(*system) url.Values {
			return form("client_id", "shop", "post_logout_redirect_uri", "https://shop.example/bye", "state", `"><script>`)
		}, "https://shop.example/bye?state=%22%3E%3Cscript%3E"},
		{"oidc-logout-2 the hint is about somebody else", func(s *system) url.Values {
			return form("id_token_hint", s.idHint("u-bob", "shop", "other"), "post_logout_redirect_uri", "https://shop.example/bye")
		}, "https://shop.example/bye"},
		{"oidc-logout-2 the hint is of another session", func(s *system) url.Values {
			return form("id_token_hint", s.idHint("u-ann", "shop", "before"), "post_logout_redirect_uri", "https://shop.example/bye")
		}, "https://shop.example/bye"},
		{"oidc-logout-4 the hint is worth nothing", func(s *system) url.Values { return form("id_token_hint", "a.b.c", "client_id", "shop") }, "/logout"},
		{"oidc-logout-4 the hint is an access token", func(s *system) url.Values {
			return form("id_token_hint", s.access("u-ann", "shop", s.opts.Issuer, "openid"), "client_id", "shop")
		}, "/logout"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newLogoutSystem(t)
			_, cookie := s.sessionOf("u-ann")
			page := s.get("/logout?"+c.query(s).Encode(), cookie)
			page.wantOK(t)
			if len(s.sessions("u-ann")) != 1 || page.Header.Get("Set-Cookie") != "" || strings.Contains(page.body, "<script") {
				t.Fatalf("before anybody was asked: Set-Cookie %q, %s", page.Header.Get("Set-Cookie"), page.body)
			}
			decision := form("decision", page.hiddenField(t, "decision"), "session", page.hiddenField(t, "session"))
			if request := page.hiddenField(t, "request"); request != "" {
				decision.Set("request", request)
			}
			if refused := s.post("/logout", decision, cookie, from(otherSite)); refused.StatusCode != http.StatusForbidden || len(s.sessions("u-ann")) != 1 {
				t.Fatalf("a decision that another site sent: %d %s", refused.StatusCode, refused.body)
			}
			res := s.post("/logout", decision, cookie, from(ownSite))
			wantLocation(t, res, c.want)
			s.wantSignedOut(t, res, cookie)
		})
	}
}

func TestLogoutRefusals(t *testing.T) {
	s := newLogoutSystem(t)
	sid, cookie := s.sessionOf("u-ann")
	hint := s.idHint("u-ann", "shop", sid)
	for name, query := range map[string]url.Values{
		"oidc-logout-3 a URI that is not registered":   form("id_token_hint", hint, "post_logout_redirect_uri", "https://evil.example/"),
		"oidc-logout-3 a URI of another app":           form("id_token_hint", hint, "post_logout_redirect_uri", "https://blog.example/"),
		"oidc-logout-3 more path":                      form("id_token_hint", hint, "post_logout_redirect_uri", "https://shop.example/bye/.."),
		"oidc-logout-3 a port on https":                form("id_token_hint", hint, "post_logout_redirect_uri", "https://shop.example:443/bye"),
		"oidc-logout-3 a script":                       form("id_token_hint", hint, "post_logout_redirect_uri", "javascript:alert(1)"),
		"oidc-logout-3 a URI, and nobody knows whose":  form("post_logout_redirect_uri", "https://shop.example/bye"),
		"oidc-logout-3 a URI with a hint that is none": form("id_token_hint", "a.b.c", "post_logout_redirect_uri", "https://shop.example/bye"),
		"oidc-logout-2 the hint is another client's":   form("id_token_hint", hint, "client_id", "blog"),
		"oidc-logout-2 an unknown client":              form("client_id", "nobody"),
		"oidc-logout-2 a client_id of no text":         form("client_id", "sh\x00op"),
		"6749-3.1 a parameter twice":                   form("id_token_hint", hint, "state", "a", "state", "b"),
	} {
		t.Run(name, func(t *testing.T) {
			for _, res := range []reply{
				s.get("/logout?"+query.Encode(), cookie),
				s.post("/logout", form("decision", "sign-out", "session", sid, "request", query.Encode()), cookie, from(ownSite)),
			} {
				if res.StatusCode != http.StatusBadRequest || res.Header.Get("Location") != "" || !strings.Contains(res.Header.Get("Content-Type"), "text/html") {
					t.Errorf("%d to %q: %s", res.StatusCode, res.Header.Get("Location"), res.body)
				}
				if !strings.Contains(res.body, `<a href="/logout">Sign out here</a>`) {
					t.Errorf("whoever wants to sign out is stuck: %s", res.body)
				}
			}
			if len(s.sessions("u-ann")) != 1 {
				t.Fatal("the session has ended")
			}
		})
	}
}

// OpenID Connect RP-Initiated Logout §2: both methods. What another site posts comes without
// cookies; it goes on as a GET, and that is asked like any other.
func TestLogoutByPost(t *testing.T) {
	s := newLogoutSystem(t)
	sid, cookie := s.sessionOf("u-ann")
	t.Run("oidc-logout-2 without a decision", func(t *testing.T) {
		res := s.post("/logout", form("id_token_hint", s.idHint("u-ann", "shop", sid), "state", "x y"), cookie, from(otherSite))
		if res.StatusCode != http.StatusSeeOther || res.Header.Get("Set-Cookie") != "" || len(s.sessions("u-ann")) != 1 {
			t.Errorf("%d %s", res.StatusCode, res.body)
		}
		next := s.get(res.Header.Get("Location"), cookie)
		next.wantOK(t)
		s.wantSignedOut(t, next, cookie)
	})
	t.Run("the page is of a session that another has taken the place of", func(t *testing.T) {
		_, bob := s.sessionOf("u-bob")
		wantLocation(t, s.post("/logout", form("decision", "sign-out", "session", sid, "request", "client_id=shop"), bob, from(ownSite)), "/logout?client_id=shop")
		if len(s.sessions("u-bob")) != 1 {
			t.Error("bob was signed out by the page of ann")
		}
	})
	t.Run("oidc-logout-2 nobody is signed in", func(t *testing.T) {
		wantLocation(t, s.get("/logout?client_id=shop&post_logout_redirect_uri=https%3A%2F%2Fshop.example%2Fbye"), "https://shop.example/bye")
		wantLocation(t, s.post("/logout", form("decision", "sign-out", "session", sid), cookie, from(ownSite)), "/logout")
		if res := s.get("/logout", cookie); !strings.Contains(res.body, "You are signed out") || !strings.Contains(res.Header.Get("Set-Cookie"), "Max-Age=0") {
			t.Errorf("%d %s", res.StatusCode, res.body)
		}
	})
}

// The page of an app lets its form lead to where the app is, and no further.
func TestLogoutPageOfAnIssuerWithAPath(t *testing.T) {
	s := newSystem(t, func(o *server.Options) { o.Issuer += "/auth" })
	s.addClient(store.Client{ID: "shop", Name: "The Shop", LogoutURIs: []string{"https://shop.example/bye"}})
	_, cookie := s.sessionOf("u-ann")
	page := s.get("/auth/logout?client_id=shop&post_logout_redirect_uri=https%3A%2F%2Fshop.example%2Fbye", cookie)
	page.wantOK(t)
	if csp := page.Header.Get("Content-Security-Policy"); !strings.HasSuffix(csp, "form-action 'self' https:") {
		t.Errorf("Content-Security-Policy %s", csp)
	}
	if !strings.Contains(page.body, `action="/auth/logout"`) || !strings.Contains(page.body, "The Shop") {
		t.Errorf("page %s", page.body)
	}
	wantLocation(t, s.post("/auth/logout", form("client_id", "shop"), from(otherSite)), "/auth/logout?client_id=shop")
	if res := s.get("/auth/logout?client_id=nobody", cookie); !strings.Contains(res.body, `<a href="/auth/logout">Sign out here</a>`) {
		t.Errorf("page %s", res.body)
	}
}

// With a hint nobody is asked, so only a person who goes to the page is signed out.
func TestLogoutByNobody(t *testing.T) {
	s := newLogoutSystem(t)
	sid, cookie := s.sessionOf("u-ann")
	path := "/logout?" + form("id_token_hint", s.idHint("u-ann", "shop", sid), "post_logout_redirect_uri", "https://shop.example/bye").Encode()
	for name, c := range map[string]struct {
		method string
		edit   edit
	}{
		"HEAD":          {"HEAD", header("Accept", "text/html")},
		"an image":      {"GET", header("Sec-Fetch-Dest", "image")},
		"a frame":       {"GET", header("Sec-Fetch-Dest", "iframe")},
		"fetched ahead": {"GET", header("Sec-Purpose", "prefetch")},
	} {
		res := s.send(c.method, path, "", cookie, c.edit)
		if res.wantPage(t, http.StatusOK); len(s.sessions("u-ann")) != 1 || len(res.Cookies()) != 0 || c.method == "GET" && !strings.Contains(res.body, "Sign out of") {
			t.Errorf("%s: %v %s", name, res.Header, res.body)
		}
	}
	res := s.get(path, cookie, header("Sec-Fetch-Dest", "document"))
	wantLocation(t, res, "https://shop.example/bye")
	s.wantSignedOut(t, res, cookie)
}
