package server_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/grantd/grantd/server"
	"github.com/grantd/grantd/store"
)

// What a server remembers of a client is dropped when it hears that the client
// changed, by a command or at another replica.
func TestClientsChangeWithinAPoll(t *testing.T) {
	s := newSystem(t)
	asks := func(secret string) reply {
		return s.post("/token", form("grant_type", "client_credentials"), as("service", secret))
	}
	asks(serviceSecret).wantOK(t)

	until := s.clock.Now().Add(time.Hour)
	set := func(secret string, at time.Duration) {
		t.Helper()
		if err := s.db.SetClientSecret(t.Context(), "service", server.HashSecret(secret), s.clock.Now().Add(at), until); err != nil {
			t.Fatal(err)
		}
		s.sync()
	}
	if err := s.db.SetClientSecret(t.Context(), "service", server.HashSecret("quick"), s.clock.Now(), until); err != nil {
		t.Fatal(err)
	}
	asks("quick").wantOK(t) // before any poll
	set("second", 0)
	asks(serviceSecret).wantRefusal(t, http.StatusUnauthorized, "invalid_client", basicChallenge)
	asks("second").wantOK(t)

	// The second change is news too, although the clock it was made by is behind.
	set("third", -time.Minute)
	asks("second").wantRefusal(t, http.StatusUnauthorized, "invalid_client", basicChallenge)
	asks("third").wantOK(t)

	if _, err := s.db.DeleteClient(t.Context(), "service", s.clock.Now(), until); err != nil {
		t.Fatal(err)
	}
	s.sync()
	asks("third").wantRefusal(t, http.StatusUnauthorized, "invalid_client", basicChallenge)
}

// Without polls nothing is believed for longer than a second.
func TestClientsAreReadAnewWhenPollsFail(t *testing.T) {
	s := newSystem(t)
	asks := func() reply {
		return s.post("/token", form("grant_type", "client_credentials"), as("service", serviceSecret))
	}
	asks().wantOK(t)
	if err := s.db.SetClientSecret(t.Context(), "service", server.HashSecret("new"), s.clock.Now(), s.clock.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	s.clock.Add(1001 * time.Millisecond)
	asks().wantRefusal(t, http.StatusUnauthorized, "invalid_client", basicChallenge)
}

// Fail closed: a server that cannot hear of revocations asks about each token, and
// refuses all when it cannot ask.
func TestStaleRevocations(t *testing.T) {
	s := newSystem(t)
	live, dead := s.login("me"), s.login("me")
	gid := claimsOf(t, dead.str("access_token"))["gid"].(string)
	if _, err := s.db.RevokeGrant(t.Context(), gid, s.clock.Now(), s.clock.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	s.clock.Add(1001 * time.Millisecond)
	s.get("/status/", bearer(live.str("access_token"))).wantOK(t)
	s.get("/status/", bearer(dead.str("access_token"))).wantChallenge(t, http.StatusUnauthorized, "invalid_token")
	introspect := func(tokens reply) reply {
		return s.post("/introspect", form("token", tokens.str("access_token")), as("service", serviceSecret))
	}
	if introspect(live).JSON["active"] != true || introspect(dead).JSON["active"] != false {
		t.Errorf("introspected as %s, %s", introspect(live).body, introspect(dead).body)
	}

	if err := s.db.Close(); err != nil {
		t.Fatal(err)
	}
	for _, res := range []reply{
		s.get("/status/", bearer(live.str("access_token"))),
		introspect(live),
		s.post("/revoke", form("client_id", "app", "token", live.str("access_token"))),
	} {
		res.wantRefusal(t, http.StatusServiceUnavailable, "temporarily_unavailable")
		if res.Header.Get("Retry-After") == "" {
			t.Errorf("no Retry-After: %v", res.Header)
		}
	}
	// Resource services go on: they find the keys.
	if res := s.get("/.well-known/jwks.json"); res.StatusCode != http.StatusOK {
		t.Errorf("keys: %d", res.StatusCode)
	}
}

// A revocation that cannot be recorded must not be taken for one of a token that
// was not valid to begin with (RFC 7009 §2.2).
func TestRevokeIsNotForgottenWhilePollsFail(t *testing.T) {
	s := newSystem(t)
	tokens := s.login("me")
	s.clock.Add(1001 * time.Millisecond)
	s.revoke(tokens.str("access_token")).wantRevoked(t)
	feed, err := s.db.Revocations(t.Context(), time.Time{}, s.clock.Now())
	if err != nil || len(feed) != 1 || feed[0].Kind != store.RevokedToken {
		t.Errorf("feed %v, %v", feed, err)
	}
}
