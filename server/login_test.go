package server_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/grantd/grantd/server"
)

func TestWrongPassword(t *testing.T) {
	s := newSystem(t)
	for name, c := range map[string]struct{ username, password, says string }{
		"wrong password": {"ann", "wrong horse", "Username or password is wrong."},
		"unknown user":   {"nobody", password, "Username or password is wrong."},
		"disabled user":  {"eve", password, "Username or password is wrong."},
		"no password":    {"ann", "", "Username or password is wrong."},
		"no username":    {"", password, "Username or password is wrong."},
		"too long":       {"ann", strings.Repeat("x", 73), "The password is longer than 72 bytes; no account has one."},
	} {
		t.Run(name, func(t *testing.T) {
			b := s.browser()
			b.open("/login?return_to=%2Faccount%2Fsessions")
			b.signIn(c.username, c.password)
			if b.status != http.StatusUnprocessableEntity || b.alert() != c.says {
				t.Errorf("%d, it says %q", b.status, b.alert())
			}
			if b.value("Username") != c.username || b.value("Password") != "" || b.hidden("return_to") != "/account/sessions" {
				t.Errorf("what was typed is not kept, or the password is: %s", b.source)
			}
			if b.secret() != "" || b.isSignedIn() {
				t.Error("they are signed in all the same")
			}
		})
	}
	if strings.Contains(s.log.String(), "wrong horse") {
		t.Error("a password is in the log")
	}
	if !strings.Contains(s.log.String(), "wrong password for user u-ann") {
		t.Error("the log does not tell why")
	}
}

// Nothing but the words of the form tells an unknown user from a wrong password.
func TestRefusedSignInsLookTheSame(t *testing.T) {
	s := newSystem(t)
	page := func(username, password string) string {
		b := s.browser()
		b.open("/login")
		b.signIn(username, password)
		return strings.ReplaceAll(b.source, `value="`+username+`"`, "")
	}
	want := page("nobody", "some password")
	for _, name := range []string{"ann", "eve", "bob"} {
		if got := page(name, "some password"); got != want {
			t.Errorf("the page for %s differs:\n%s\n%s", name, got, want)
		}
	}
}

func TestSignInForAnApp(t *testing.T) {
	s := withApps(t)
	query := asked("client_id", "third", "redirect_uri", "https://third.example/cb", "login_hint", "ann@example.com", "scope", "me")
	b := s.browser()
	b.open("/authorize?" + query)
	if b.heading() != "Sign in" || !strings.Contains(b.text(), "to continue to Third") || b.value("Username") != "ann@example.com" {
		t.Fatalf("the page does not name the app or the hint: %s", b.text())
	}
	wantFormAction(t, b, "'self' https:")
	b.fill("Password", "wrong")
	b.press("Sign in")
	if b.status != http.StatusUnprocessableEntity || !strings.Contains(b.text(), "to continue to Third") {
		t.Fatalf("after a wrong password the app is not named: %s", b.text())
	}
	wantFormAction(t, b, "'self' https:")

	// To the page to sign up and back: the request is kept.
	kept := b.hidden("return_to")
	b.follow("Create an account")
	if b.at.Path != "/signup" || b.hidden("return_to") != kept || !strings.Contains(b.text(), "to continue to Third") {
		t.Fatalf("the page to sign up forgets the app: %s", b.source)
	}
	wantFormAction(t, b, "'self' https:")
	b.follow("Sign in")
	if b.hidden("return_to") != kept {
		t.Fatal("the way back forgets the app")
	}
	b.signIn("ann", password)
	if b.heading() != "Allow Third?" {
		t.Fatalf("signing in leads to %s: %s", b.at, b.source)
	}
}

func wantFormAction(t *testing.T, b *browser, sources string) {
	t.Helper()
	if policy := b.header.Get("Content-Security-Policy"); !strings.HasSuffix(policy, "form-action "+sources) {
		t.Errorf("the policy of %s is %q", b.at.Path, policy)
	}
}

// A request that went bad while somebody signs in is refused where it goes on.
func TestSignInForABadRequest(t *testing.T) {
	s := withApps(t)
	b := s.browser()
	b.open("/login?" + url.Values{"return_to": {"/authorize?client_id=unknown"}}.Encode())
	wantFormAction(t, b, "'self'")
	b.signIn("ann", password)
	if b.status != http.StatusBadRequest || b.left != nil || b.at.Path != "/authorize" {
		t.Errorf("it leads to %s, %d", b.at, b.status)
	}
}

func TestChooseAccount(t *testing.T) {
	s := withApps(t)
	query := asked("client_id", "third", "redirect_uri", "https://third.example/cb", "scope", "me", "prompt", "select_account")
	b := s.signedIn("ann")
	b.open("/authorize?" + query)
	if b.heading() != "Choose an account" || !strings.Contains(b.text(), "Continue as ann") || !strings.Contains(b.text(), "Third") {
		t.Fatalf("it does not ask who: %s", b.source)
	}
	other := b.copy()
	b.follow("Continue as ann")
	if b.heading() != "Allow Third?" || !strings.Contains(b.text(), "Signed in as ann") {
		t.Errorf("going on leads to %s: %s", b.at, b.text())
	}
	other.follow("Use another account")
	other.signIn("bob", password)
	if other.heading() != "Allow Third?" || !strings.Contains(other.text(), "Signed in as bob") {
		t.Errorf("signing in as somebody else leads to %s: %s", other.at, other.text())
	}
}

// When too many hash at once the form is shown again with what was typed, and when to try.
func TestSignInUnderLoad(t *testing.T) {
	s := newSystem(t, func(o *server.Options) { o.MaxConcurrentHashes = 1 })
	b, up, changing := s.browser(), s.browser(), s.signedIn("bob")
	b.open("/login")
	up.open("/signup")
	release := s.srv.FillHashQueue()
	b.signIn("ann", password)
	up.fill("Username", "fred")
	up.fill("Password", "a long password")
	up.press("Create account")
	changing.fill("Current password", password)
	changing.fill("New password", "a new password")
	changing.fill("New password, once more", "a new password")
	changing.press("Change password")
	for _, tab := range []*browser{b, up, changing} {
		if tab.status != http.StatusServiceUnavailable || tab.header.Get("Retry-After") == "" || tab.secret() != "" && tab != changing {
			t.Errorf("%s answers %d, retry after %q", tab.at, tab.status, tab.header.Get("Retry-After"))
		}
	}
	if b.value("Username") != "ann" || up.value("Username") != "fred" || !strings.Contains(b.alert(), "Too many logins at once") {
		t.Errorf("what was typed is lost: %s", b.source)
	}
	if strings.Contains(b.source, password) || strings.Contains(up.source, "a long password") {
		t.Error("the password is on the page")
	}
	release()
	b.fill("Password", password)
	b.press("Sign in")
	if b.at.Path != "/account" {
		t.Errorf("later it does not work either: %s", b.source)
	}
}

// A request about somebody else than who is signed in says so, or signing in as the same person
// would lead to the same page again and again without a word.
func TestSignInAsSomebodyElse(t *testing.T) {
	const notice = "Third asks for another account than bob. Sign in with that one."
	s := withApps(t)
	for name, c := range map[string]struct{ parameter, value, username string }{
		"an ID token of the app":     {"id_token_hint", s.idHint("u-ann", "third", "x"), "ann"},
		"an ID token of another app": {"id_token_hint", s.idHint("u-ann", "web", "x"), ""},
		"of who is gone":             {"id_token_hint", s.idHint("u-gone", "third", "x"), ""},
		"a sub that anybody can ask": {"claims", `{"id_token": {"sub": {"value": "u-ann"}}}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			b := s.signedIn("bob")
			b.open("/authorize?" + askedByThird("openid me", c.parameter, c.value))
			if b.heading() != "Sign in" || b.alert() != notice || b.value("Username") != c.username {
				t.Fatalf("%q, with %q filled in: %s", b.alert(), b.value("Username"), b.text())
			}
			b.signIn("bob", password)
			if b.at.Path != "/authorize" || b.alert() != notice {
				t.Errorf("as the same person: %s", b.text())
			}
			wantFormAction(t, b, "'self' https:")
			back := b.copy()
			back.press("Go back to Third")
			if told := back.left; told == nil || told.Host != "third.example" || told.Query().Get("error") != "access_denied" || told.Query().Get("state") != "xyz" {
				t.Errorf("the way back leads to %v", told)
			}
			if b.signIn("ann", password); name != "of who is gone" && b.heading() != "Allow Third?" {
				t.Errorf("as the one asked for: %s", b.text())
			}
		})
	}
	b := s.browser()
	b.open("/authorize?" + askedByThird("openid me", "id_token_hint", s.idHint("u-ann", "third", "x")))
	if b.alert() != "" || b.value("Username") != "" {
		t.Errorf("to nobody it says %q, %q", b.alert(), b.value("Username"))
	}
}
