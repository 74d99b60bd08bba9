package server_test

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/grantd/grantd/server"
)

// secret is what the browser has of its session. Empty: it is in none.
func (b *browser) secret() string {
	for _, c := range b.jar.Cookies(b.base) {
		if strings.HasPrefix(c.Name, "grantd_session_") {
			return c.Value
		}
	}
	return ""
}

// plant gives the browser a session cookie, as an attacker might who controls
// another port of the host.
func (b *browser) plant(secret string) {
	b.jar.SetCookies(b.base, []*http.Cookie{{Name: "grantd_session_" + b.base.Port(), Value: secret, Path: "/"}})
}

// isSignedIn is whether the account page opens.
func (b *browser) isSignedIn() bool {
	b.t.Helper()
	b.open("/account")
	return b.at.Path == "/account" && b.status == http.StatusOK
}

func TestSignInMakesASession(t *testing.T) {
	s := newSystem(t)
	b := s.browser()
	if b.isSignedIn() || b.at.Path != "/login" || b.status != http.StatusOK {
		t.Fatalf("the account page of nobody leads to %s, %d", b.at, b.status)
	}
	b.signIn("ann@example.com", password)
	if b.at.Path != "/account" || !strings.Contains(b.text(), "Ann Example") {
		t.Fatalf("signing in leads to %s: %s", b.at, b.text())
	}
	secret := b.secret()
	if raw, err := base64.RawURLEncoding.DecodeString(secret); err != nil || len(raw) != 32 {
		t.Errorf("the secret %q has not 256 bits", secret)
	}
	sum := sha256.Sum256([]byte(secret))
	if _, err := s.db.SessionByCookie(t.Context(), base64.RawURLEncoding.EncodeToString(sum[:])); err != nil {
		t.Errorf("the session is not kept by the hash of its secret: %v", err)
	}
	if _, err := s.db.SessionByCookie(t.Context(), secret); err == nil {
		t.Error("the secret itself is kept")
	}
	if strings.Contains(s.log.String(), secret) || strings.Contains(b.source, secret) {
		t.Error("the secret is in the log or on the page")
	}
}

// Who plants a session in somebody's browser does not share the one after the login.
func TestSignInRenewsTheSession(t *testing.T) {
	s := newSystem(t)
	t.Run("an unknown secret", func(t *testing.T) {
		b := s.browser()
		b.plant("planted")
		b.open("/login")
		b.signIn("ann", password)
		thief := s.browser()
		if thief.plant("planted"); b.secret() == "planted" || thief.isSignedIn() {
			t.Error("a planted secret became a session")
		}
	})
	t.Run("the attacker's own session", func(t *testing.T) {
		thief, b := s.signedIn("bob"), s.browser()
		b.plant(thief.secret())
		b.open("/login")
		b.signIn("ann", password)
		if !b.isSignedIn() || thief.isSignedIn() {
			t.Error("the planted session goes on, or the person's does not")
		}
	})
	t.Run("an older session of the same user", func(t *testing.T) {
		b, thief := s.signedIn("ann"), s.browser()
		thief.plant(b.secret())
		before, _ := s.db.Sessions(t.Context(), "u-ann", s.clock.Now())
		b.open("/login")
		b.signIn("ann", password)
		after, _ := s.db.Sessions(t.Context(), "u-ann", s.clock.Now())
		if !b.isSignedIn() || thief.isSignedIn() || len(before) != len(after) {
			t.Errorf("the session was not renewed in place: %d before, %d after", len(before), len(after))
		}
	})
}

func TestSessionsExpire(t *testing.T) {
	s := newSystem(t)
	t.Run("idle", func(t *testing.T) {
		b := s.signedIn("ann")
		s.clock.Add(12*time.Hour - time.Second)
		if !b.isSignedIn() { // and slides
			t.Fatal("the session ended early")
		}
		s.clock.Add(12*time.Hour - time.Second)
		if !b.isSignedIn() {
			t.Fatal("the session does not slide")
		}
		s.clock.Add(12 * time.Hour)
		if b.isSignedIn() {
			t.Error("an idle session goes on")
		}
	})
	t.Run("at last", func(t *testing.T) {
		b := s.signedIn("ann")
		for range 13 {
			s.clock.Add(12*time.Hour - time.Second)
			if !b.isSignedIn() {
				t.Fatal("the session ended early")
			}
		}
		s.clock.Add(12 * time.Hour)
		if b.isSignedIn() {
			t.Error("a session lives longer than a week")
		}
	})
	t.Run("as the settings say", func(t *testing.T) {
		s := newSystem(t, func(o *server.Options) { o.SessionTTL, o.SessionMaxTTL = time.Minute, 90*time.Second })
		b := s.signedIn("ann")
		s.clock.Add(59 * time.Second)
		if !b.isSignedIn() {
			t.Fatal("the session ended early")
		}
		s.clock.Add(31 * time.Second)
		if b.isSignedIn() {
			t.Error("the session outlives its settings")
		}
	})
}

func TestSessionsEndWithTheUser(t *testing.T) {
	for name, end := range map[string]func(s *system) error{
		"disabled": func(s *system) error {
			_, err := s.db.DisableUser(s.t.Context(), "u-ann", s.clock.Now(), s.clock.Now())
			return err
		},
		"deleted": func(s *system) error {
			_, err := s.db.DeleteUser(s.t.Context(), "u-ann", s.clock.Now(), s.clock.Now())
			return err
		},
		"another password": func(s *system) error {
			_, err := s.db.SetPassword(s.t.Context(), "u-ann", passwordHash, s.clock.Now(), s.clock.Now())
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSystem(t)
			b, other := s.signedIn("ann"), s.signedIn("bob")
			if err := end(s); err != nil {
				t.Fatal(err)
			}
			if b.isSignedIn() || !other.isSignedIn() {
				t.Error("the session goes on, or somebody else's ended")
			}
		})
	}
}

func TestSessionCookie(t *testing.T) {
	for _, c := range []struct{ issuer, name, prefix string }{
		{"http://127.0.0.1:8000", "grantd_session_8000", ""},
		{"http://127.0.0.1:8000/auth", "grantd_session_8000_auth", "/auth"},
		{"https://id.example", "__Host-grantd_session", ""},
		{"https://id.example/auth", "__Host-grantd_session_auth", "/auth"},
		{"https://id.example/a/b-2", "__Host-grantd_session_a_b_2", "/a/b-2"},
	} {
		s := newSystem(t, func(o *server.Options) { o.Issuer = c.issuer })
		res := s.post(c.prefix+"/login", form("username", "ann", "password", password))
		cookies := res.Cookies()
		if res.StatusCode != http.StatusSeeOther || len(cookies) != 2 { // the other one is the browser's
			t.Fatalf("%s: %d %v", c.issuer, res.StatusCode, cookies)
		}
		got := cookies[0]
		// RFC 6265bis §4.1.3.2: __Host- wants Secure, Path=/ and no Domain.
		https := strings.HasPrefix(c.issuer, "https:")
		if got.Name != c.name || got.Secure != https || !got.HttpOnly || got.SameSite != http.SameSiteLaxMode || got.Path != "/" || got.Domain != "" {
			t.Errorf("%s: cookie %s", c.issuer, got)
		}
		if got.MaxAge != 0 || !got.Expires.IsZero() {
			t.Errorf("%s: the cookie outlives the browser: %s", c.issuer, got)
		}
		account := s.get(c.prefix+"/account", header("Cookie", got.Name+"="+got.Value))
		account.wantOK(t)
		other := s.get(c.prefix+"/account", header("Cookie", "session="+got.Value))
		if to, _ := url.Parse(other.Header.Get("Location")); other.StatusCode != http.StatusSeeOther || to.Path != c.prefix+"/login" {
			t.Errorf("%s: without the cookie: %d to %v", c.issuer, other.StatusCode, to)
		}
	}
}
