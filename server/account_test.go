package server_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/grantd/grantd/server"
	"github.com/grantd/grantd/store"
)

// connect has the user of the browser give the app third its scopes.
func (s *system) connect(b *browser, scope string) reply {
	s.t.Helper()
	b.open("/authorize?" + askedByThird(scope))
	if b.left == nil {
		b.press("Allow")
	}
	return s.redeem(b.left.Query().Get("code"), "client_id", "third", "redirect_uri", thirdCallback)
}

func TestAccountShowsApps(t *testing.T) {
	s := withApps(t)
	b := s.signedIn("ann")
	if b.open("/account"); !strings.Contains(b.text(), "No app can use your account.") {
		t.Errorf("a new account has apps: %s", b.text())
	}
	first := s.connect(b, "me items:write")
	s.clock.Add(48 * time.Hour)
	b.open("/login")
	b.signIn("ann", password)
	s.login("me") // of the client app, by password
	refreshed := s.post("/token", form("grant_type", "refresh_token", "client_id", "third", "refresh_token", first.str("refresh_token")))
	refreshed.wantOK(t)
	for range 6 { // whichever has the least id
		s.clock.Add(time.Hour)
		s.connect(b, "openid me")
	}
	b.open("/account")
	third := textOf(b.section("li", "Third"))
	for _, want := range []string{
		"third.example", "Know who you are when you sign in", "Read your profile", "Add items", "Connected 1 March 2026, 12:00 UTC",
		"Last used 3 March 2026, 18:00 UTC from 127.0.0.1",
	} {
		if !strings.Contains(third, want) {
			t.Errorf("the app's entry does not say %q: %s", want, third)
		}
	}
	if strings.Count(b.text(), "Third") != 1 || strings.Contains(third, "Read your items") {
		t.Errorf("the app is there twice, or with what it may not: %s", b.text())
	}
	if app := textOf(b.section("li", "app", "Revoke")); !strings.Contains(app, "Read your profile") {
		t.Errorf("the entry of app is %s", app)
	}
	if !strings.Contains(b.source, `<time datetime="2026-03-03T18:00:00Z">`) {
		t.Error("times are not for machines")
	}
	if strings.Contains(s.signedIn("bob").text(), "Third") {
		t.Error("bob sees ann's apps")
	}
}

func TestAccountRevokesAnApp(t *testing.T) {
	s := withApps(t)
	b, bob := s.signedIn("ann"), s.signedIn("bob")
	tokens, kept, others := s.connect(b, "me items"), s.login("me"), s.connect(bob, "me")
	b.open("/account")
	b.pressIn(b.section("li", "Third", "Revoke"), "Revoke")
	if b.at.String() != s.web.URL+"/account?done=revoked" || b.alert() != "The app can no longer use your account." {
		t.Errorf("it leads to %s, which says %q", b.at, b.alert())
	}
	if strings.Contains(b.text(), "Third") {
		t.Error("the app is still there")
	}
	s.get("/users/me/", bearer(tokens.str("access_token"))).wantError(t, http.StatusUnauthorized, "invalid_token")
	s.post("/token", form("grant_type", "refresh_token", "client_id", "third", "refresh_token", tokens.str("refresh_token"))).wantError(t, http.StatusBadRequest, "invalid_grant")
	s.get("/users/me/", bearer(kept.str("access_token"))).wantOK(t)
	s.get("/users/me/", bearer(others.str("access_token"))).wantOK(t)
	// The answer is forgotten, too.
	if b.open("/authorize?" + askedByThird("me")); b.heading() != "Allow Third?" {
		t.Errorf("the app has access again without a question: %v", b.left)
	}
	if !strings.Contains(s.log.String(), `"event":"consent.revoked"`) {
		t.Error("there is no audit event")
	}
}

func TestAccountRevokesAllApps(t *testing.T) {
	s := withApps(t)
	b := s.signedIn("ann")
	tokens, more := s.connect(b, "me items"), s.login("me")
	b.open("/account")
	b.press("Revoke all apps")
	if b.alert() != "No app can use your account any more." || !strings.Contains(b.text(), "No app can use your account.") {
		t.Errorf("it says %q: %s", b.alert(), b.text())
	}
	for _, res := range []reply{tokens, more} {
		s.get("/users/me/", bearer(res.str("access_token"))).wantError(t, http.StatusUnauthorized, "invalid_token")
	}
}

// An app that was deleted is not there, one that has only a consent is.
func TestAccountAppsComeAndGo(t *testing.T) {
	s := withApps(t)
	now := s.clock.Now()
	session, _ := s.session("u-ann")
	put := func(client string) {
		if ok, err := s.db.PutConsent(t.Context(), store.Consent{UserID: "u-ann", ClientID: client, Granted: []string{"me", "gone"}, Asked: []string{"me"}, CreatedAt: now, UpdatedAt: now}, session); err != nil || !ok {
			t.Fatal(ok, err)
		}
	}
	s.addClient(store.Client{ID: "fleeting", Grants: []string{"authorization_code"}, Scopes: []string{"me"}})
	put("third")
	put("fleeting")
	if _, err := s.db.DeleteClient(t.Context(), "fleeting", now, now.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	b := s.signedIn("ann")
	third := textOf(b.section("li", "Third", "Revoke"))
	if strings.Contains(b.text(), "fleeting") || !strings.Contains(third, "gone") || !strings.Contains(third, "No access at the moment") {
		t.Errorf("the page says %s", b.text())
	}
}

func TestAccountSessions(t *testing.T) {
	s := newSystem(t)
	b, phone, third, bob := s.signedIn("ann"), s.browser(), s.browser(), s.signedIn("bob")
	phone.agent = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1"
	third.agent = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0"
	for _, other := range []*browser{phone, third} {
		other.open("/login")
		other.signIn("ann", password)
	}
	b.open("/account")
	if here := textOf(b.section("li", "this browser")); !strings.Contains(here, "Firefox on Linux") || strings.Contains(here, "Sign out there") || !strings.Contains(here, "127.0.0.1") {
		t.Errorf("this browser is %s", here)
	}
	b.pressIn(b.section("li", "Safari on iPhone"), "Sign out there")
	if b.alert() != "That browser is signed out." || phone.isSignedIn() || !third.isSignedIn() || !b.isSignedIn() {
		t.Errorf("ended is another one than the phone; it says %q", b.alert())
	}
	b.open("/account")
	b.section("li", "Edge on Windows")
	b.press("Sign out everywhere else")
	if b.alert() != "All other browsers are signed out." || third.isSignedIn() || !b.isSignedIn() || !bob.isSignedIn() {
		t.Errorf("ended are others than asked; it says %q", b.alert())
	}
	if b.open("/account"); strings.Contains(b.text(), "Sign out everywhere else") {
		t.Error("there is nothing else, and a button for it")
	}
	// Nobody ends what is not theirs.
	sessions, err := s.db.Sessions(t.Context(), "u-ann", s.clock.Now())
	if err != nil || len(sessions) != 1 {
		t.Fatal(len(sessions), err)
	}
	cookie := header("Cookie", "grantd_session_"+b.base.Port()+"="+bob.secret())
	s.post("/account/sessions", form("session", sessions[0].ID), cookie)
	if strings.Count(s.log.String(), `"event":"session.ended"`) != 2 {
		t.Error("what did not end is in the log")
	}
	s.post("/account/sessions", form("session", ""), cookie).wantPage(t, http.StatusBadRequest)
	for _, app := range []string{"", "nobody", strings.Repeat("A", 50_000)} {
		s.post("/account/revoke", form("app", app), cookie).wantPage(t, http.StatusBadRequest)
	}
	if !b.isSignedIn() || !bob.isSignedIn() {
		t.Error("bob ended ann's session, or an empty form ended bob's")
	}
	// Its own one ends, too, and the cookie goes.
	own := s.post("/account/sessions", form("session", sessions[0].ID), header("Cookie", "grantd_session_"+b.base.Port()+"="+b.secret()))
	if own.StatusCode != http.StatusSeeOther || own.Header.Get("Location") != "/login" || len(own.Cookies()) != 1 || own.Cookies()[0].MaxAge >= 0 || b.isSignedIn() {
		t.Errorf("ending its own session: %d %v", own.StatusCode, own.Header)
	}
}

func TestChangePassword(t *testing.T) {
	s := withApps(t)
	b, other := s.signedIn("ann"), s.signedIn("ann")
	tokens := s.connect(b, "me items")
	change := func(current, password, again string) {
		t.Helper()
		b.open("/account")
		b.fill("Current password", current)
		b.fill("New password", password)
		b.typed[find(b.doc, named("new_password_again"))] = again
		b.press("Change password")
	}
	for name, c := range map[string]struct{ current, password, again, says string }{
		"wrong current": {"wrong horse", "a new password", "a new password", "The current password is wrong."},
		"no current":    {"", "a new password", "a new password", "The current password is wrong."},
		"long current":  {strings.Repeat("x", 73), "a new password", "a new password", "The current password is wrong."},
		"short":         {password, "sh0rt", "sh0rt", "The new password is too short; use at least 8 characters."},
		"long":          {password, strings.Repeat("x", 73), strings.Repeat("x", 73), "The new password is longer than 72 bytes; use a shorter one."},
		"not the same":  {password, "a new password", "a new passwort", "The two new passwords are not the same."},
		"missing":       {password, "", "", "The new password is missing."},
	} {
		change(c.current, c.password, c.again)
		if b.status != http.StatusUnprocessableEntity || !strings.Contains(b.text(), c.says) || !strings.HasPrefix(b.alert(), "Your password was not changed.") {
			t.Errorf("%s: %d, it says %q: %s", name, b.status, b.alert(), b.text())
		}
		if c.current != "" && strings.Contains(b.source, c.current) || c.password != "" && strings.Contains(b.source, c.password) {
			t.Errorf("%s: a password is on the page", name)
		}
	}
	s.get("/users/me/", bearer(tokens.str("access_token"))).wantOK(t)
	if !other.isSignedIn() {
		t.Fatal("a refused change signs others out")
	}

	before := b.secret()
	change(password, "a new password", "a new password")
	if b.at.Path != "/account" || b.alert() != "Your password is changed. All apps and all other browsers are signed out." {
		t.Fatalf("it leads to %s: %s", b.at, b.text())
	}
	thief := s.browser()
	thief.plant(before)
	if !b.isSignedIn() || other.isSignedIn() || thief.isSignedIn() {
		t.Error("the sessions of before go on, or this browser is signed out")
	}
	s.get("/users/me/", bearer(tokens.str("access_token"))).wantError(t, http.StatusUnauthorized, "invalid_token")
	other.open("/login")
	if other.signIn("ann", password); other.status != http.StatusUnprocessableEntity {
		t.Error("the old password still works")
	}
	if other.signIn("ann", "a new password"); other.at.Path != "/account" {
		t.Errorf("the new password does not work: %s", other.text())
	}
	if strings.Contains(s.log.String(), "a new password") || !strings.Contains(s.log.String(), `"event":"password.changed"`) {
		t.Error("the password is in the log, or the event is not")
	}
}

// A notice is one of ours, whatever the URL says.
func TestNoticesAreOurOwn(t *testing.T) {
	s := newSystem(t)
	b := s.signedIn("ann")
	for _, query := range []string{"done=Send+your+password+to+evil", "done=", "done=revoked&done=all", "done=%zz", "notice=x"} {
		if b.open("/account?" + query); b.alert() != "" {
			t.Errorf("%s shows %q", query, b.alert())
		}
	}
	for _, known := range []string{"revoked", "all", "ended", "others", "password"} {
		if b.open("/account?done=" + known); b.alert() == "" {
			t.Errorf("%s shows nothing", known)
		}
		for _, site := range []string{"cross-site", "same-site", "none"} {
			if b.open("/account?done="+known, from(site)); b.alert() != "" || b.heading() != "Your account" {
				t.Errorf("%s shows %q for a link of %s", known, b.alert(), site)
			}
		}
		if b.open("/account?done="+known, from(ownSite)); b.alert() == "" {
			t.Errorf("%s shows nothing after our form", known)
		}
	}
}

// A form that comes too late leads to the sign-in page, and from there to the account page.
func TestAccountFormWithoutSession(t *testing.T) {
	s := newSystem(t)
	for _, path := range []string{"/account/revoke", "/account/sessions", "/account/password"} {
		b := s.signedIn("ann")
		b.send("POST", b.resolve(path), "", header("Content-Type", "application/x-www-form-urlencoded"), header("Cookie", ""))
		s.clock.Add(24 * time.Hour)
		b.send("POST", b.resolve(path), "all=yes", header("Content-Type", "application/x-www-form-urlencoded"))
		if b.at.Path != "/login" || b.hidden("return_to") != "/account" {
			t.Errorf("%s leads to %s", path, b.at)
		}
		if b.alert() != "You were signed out meanwhile; what you sent was not saved." {
			t.Errorf("%s: it says %q", path, b.alert())
		}
		if b.open(b.at.RequestURI(), from(otherSite)); b.alert() != "" || b.heading() != "Sign in" {
			t.Errorf("%s: for a link of another site it says %q", path, b.alert())
		}
	}
}

func TestAgentWords(t *testing.T) {
	const chrome = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 "
	for agent, want := range map[string]string{
		"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0":                                                      "Firefox on Linux",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) " + chrome + "Safari/537.36":                                                       "Chrome on Windows",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) " + chrome + "Safari/537.36 Edg/140.0.0.0":                                         "Edge on Windows",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) " + chrome + "Safari/537.36 OPR/1.0":                                         "Opera on macOS",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15":       "Safari on macOS",
		"Mozilla/5.0 (Linux; Android 15) " + chrome + "Mobile Safari/537.36":                                                          "Chrome on Android",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) FxiOS/140 Safari/605.1.15":   "Firefox on iPhone",
		"Mozilla/5.0 (iPad; CPU OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/140 Mobile/15E148 Safari/604.1": "Chrome on iPad",
		"curl/8.0": "curl", "": "Unknown browser", "<script>": "Unknown browser", "Lynx (Linux)": "Browser on Linux",
	} {
		if got := server.AgentWords(agent); got != want {
			t.Errorf("%q is %q, want %q", agent, got, want)
		}
	}
}
