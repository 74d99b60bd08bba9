package scopes_test

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/grantd/grantd/scopes"
)

// What is no list of this issuer changes nothing, counts as no answer, and is heard of once.
func TestRevocationsRefuses(t *testing.T) {
	edited := func(edit func(header map[string]any, l *scopes.RevocationList)) func(*site) string {
		return func(s *site) string {
			s.listEdit = edit
			defer func() { s.listEdit = nil }()
			return s.list(time.Now())
		}
	}
	signed := func(by signer) func(*site) string {
		return func(s *site) string {
			defer func(was signer) { s.signer = was }(s.signer)
			s.signer = by
			return s.list(time.Now())
		}
	}
	for _, c := range []struct {
		name string
		body func(*site) string
		want string
	}{
		{"signed by an unknown key", signed(newES256("other")), "no key with the id"},
		{"signed by another key of that id", signed(newES256(es256.ID)), "signature"},
		{"with another algorithm", edited(func(h map[string]any, _ *scopes.RevocationList) { h["alg"] = "HS256" }), "algorithm"},
		{"not signed", func(s *site) string {
			return encode(`{"alg":"none","typ":"revocations+jwt","kid":"es"}`) + "." + strings.Split(s.list(time.Now()), ".")[1] + "."
		}, "algorithm"},
		{"of another issuer", edited(func(_ map[string]any, l *scopes.RevocationList) { l.Issuer = "https://evil.example" }), `issuer "https://evil.example"`},
		{"another list of the issuer", edited(func(_ map[string]any, l *scopes.RevocationList) { l.URL += "/old" }), "/revocations/old"},
		{"with the typ of an access token", edited(func(h map[string]any, _ *scopes.RevocationList) { h["typ"] = "at+jwt" }), "revocations+jwt"},
		{"an access token", func(s *site) string { return s.token(es256) }, "revocations+jwt"},
		{"an access token with the typ of a list", func(s *site) string { return s.token(es256, header("typ", "revocations+jwt")) }, "claim revoked is missing"},
		{"expired", edited(func(_ map[string]any, l *scopes.RevocationList) { l.ExpiresAt = time.Now().Add(-time.Minute) }), "expired"},
		{"issued in the future", edited(func(_ map[string]any, l *scopes.RevocationList) { l.IssuedAt = time.Now().Add(62 * time.Second) }), "future"},
		{"unsorted", func(s *site) string {
			return sign(es256, `{"alg":"ES256","typ":"revocations+jwt","kid":"es"}`, `{"iss":"`+s.issuer+`","sub":"`+s.issuer+`/revocations","iat":1,"exp":2,"revoked":{"tokens":"`+
				base64.RawURLEncoding.EncodeToString([]byte("bbbbbbbbaaaaaaaa"))+`"}}`)
		}, "not sorted"},
		{"empty", func(*site) string { return "" }, "not a JWT"},
		{"a page", func(*site) string { return "<html>" }, "not a JWT"},
		{"too large", func(*site) string { return strings.Repeat("x", 16<<20+1) }, "more than 16777216 bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var heard []string
			s := newSite()
			s.revoked = []scopes.Revocation{scopes.RevokedToken("stolen")}
			o := scopes.DiscoverOptions{OnError: func(err error) { heard = append(heard, err.Error()) }}
			s.discover(t, o, func(t *testing.T, v *scopes.Verifier) {
				good, stolen := s.token(es256), s.token(es256, claim("jti", "stolen"))
				s.revoked = nil
				s.page("/revocations", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(c.body(s))) })
				later(50 * time.Second)
				wantJudge(t, v, good, "ok")
				wantJudge(t, v, stolen, "revoked")
				later(12 * time.Second)
				wantJudge(t, v, good, "revocations_unavailable", c.want)
				wantJudge(t, v, stolen, "revoked")
				if len(heard) != 1 || !strings.Contains(heard[0], c.want) || !strings.HasPrefix(heard[0], "list of revocations: ") || len(heard[0]) > 400 {
					t.Errorf("heard %q", heard)
				}
				s.page("/revocations", nil)
				later(6 * time.Second)
				wantJudge(t, v, good, "ok")
				wantJudge(t, v, stolen, "ok") // a newer list of the issuer's own that leaves it out
			})
		})
	}
}

// The first list is held to the same.
func TestRevocationsRefusesTheFirst(t *testing.T) {
	s := newSite()
	s.signer = newES256("other")
	s.discover(t, scopes.DiscoverOptions{}, func(t *testing.T, v *scopes.Verifier) {
		wantJudge(t, v, s.token(es256), "revocations_unavailable", "no list of revocations yet", "no key with the id")
		s.change(func() { s.signer = es256 })
		later(5 * time.Second)
		wantJudge(t, v, s.token(es256), "ok")
	})
}

// A list of before, from a replica or a cache that is behind or from a thief, brings no token back to life.
func TestRevocationsRollback(t *testing.T) {
	s := newSite()
	s.discover(t, scopes.DiscoverOptions{}, func(t *testing.T, v *scopes.Verifier) {
		good, stolen := s.token(es256), s.token(es256, claim("jti", "stolen"))
		before := s.list(time.Now())
		later(100 * time.Second)
		s.change(func() { s.revoked = []scopes.Revocation{scopes.RevokedToken("stolen")} })
		later(5 * time.Second)
		wantJudge(t, v, stolen, "revoked")
		s.page("/revocations", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(before)) })
		later(55 * time.Second)
		wantJudge(t, v, stolen, "revoked")
		wantJudge(t, v, good, "ok")
		later(10 * time.Second)
		wantJudge(t, v, stolen, "revoked")
		wantJudge(t, v, good, "revocations_unavailable", "older than that of") // it is no answer, either
		s.page("/revocations", nil)
		later(5 * time.Second)
		wantJudge(t, v, stolen, "revoked")
		wantJudge(t, v, good, "ok")
	})
}

// Two replicas, one of which signed its list a while ago: what either has revoked stays revoked, and each is an answer.
func TestRevocationsOfReplicas(t *testing.T) {
	a, b := newSite(), newSite()
	a.revoked = []scopes.Revocation{scopes.RevokedToken("a")}
	b.revoked = []scopes.Revocation{scopes.RevokedToken("b")}
	a.discover(t, scopes.DiscoverOptions{}, func(t *testing.T, v *scopes.Verifier) {
		good, first, second := a.token(es256), a.token(es256, claim("jti", "a")), a.token(es256, claim("jti", "b"))
		wantJudge(t, v, first, "revoked")
		a.page("/revocations", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(b.list(time.Now().Add(-50 * time.Second))))
		})
		later(5 * time.Second)
		wantJudge(t, v, first, "revoked") // it is in the newest list
		wantJudge(t, v, second, "revoked")
		later(30 * time.Second)
		wantJudge(t, v, first, "revoked")
		later(30 * time.Second) // newer than the one that has it, and it has not got it
		wantJudge(t, v, first, "ok")
		wantJudge(t, v, second, "revoked")
		later(2 * time.Minute)
		wantJudge(t, v, good, "ok")
	})
}

// Step by step does not lead back either: the newest list is what each one is compared with.
func TestRevocationsRollbackByLittle(t *testing.T) {
	s := newSite()
	s.revoked = []scopes.Revocation{scopes.RevokedToken("stolen")}
	s.discover(t, scopes.DiscoverOptions{}, func(t *testing.T, v *scopes.Verifier) {
		start, stolen := time.Now(), s.token(es256, claim("jti", "stolen"))
		back := start
		s.page("/revocations", func(w http.ResponseWriter, _ *http.Request) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.revoked, back = nil, back.Add(-4*time.Second)
			_, _ = w.Write([]byte(s.list(back)))
		})
		for range 40 {
			later(5 * time.Second)
			wantJudge(t, v, stolen, "revoked")
		}
		wantJudge(t, v, s.token(es256), "revocations_unavailable", "is refused")
	})
}
