package server_test

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/grantd/grantd/server"
	"github.com/grantd/grantd/server/reason"
	"github.com/grantd/grantd/server/token"
)

// forges is a provocation by an access token that is good but for one thing.
func forges(word reason.Word, f forgery) provocation {
	return provocation{reason: word, options: signedWith(token.HS256), refused: func(t *testing.T, s *system) reply {
		return s.get("/users/me/", bearer(f.sign(t, s.claimsNow())))
	}}
}

var provokedTokens = []provocation{
	sends(reason.TokenMissing, "", "GET", "/users/me/", ""),
	sends(reason.TokenMissing, "at /userinfo", "GET", "/userinfo", ""),
	sends(reason.AuthorizationMalformed, "", "GET", "/users/me/", "", header("Authorization", "Bearer")),
	sends(reason.TokenMalformed, "", "GET", "/users/me/", "", bearer("x")),
	{reason: reason.TokenExpired, refused: func(_ *testing.T, s *system) reply {
		access := s.login("me").str("access_token")
		s.clock.Add(time.Hour)
		return s.get("/users/me/", bearer(access))
	}},
	forges(reason.TokenNotYetValid, forgery{claims: map[string]any{"iat": time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC).Unix(), "exp": time.Date(2028, 1, 1, 0, 0, 0, 0, time.UTC).Unix()}}),
	forges(reason.TokenWrongIssuer, forgery{claims: map[string]any{"iss": "https://other.example"}}),
	forges(reason.TokenWrongAudience, forgery{claims: map[string]any{"aud": "https://other.example"}}),
	forges(reason.TokenWrongType, forgery{header: map[string]any{"typ": "JWT"}}),
	forges(reason.TokenUnknownKey, forgery{header: map[string]any{"kid": "other"}}),
	forges(reason.TokenBadSignature, forgery{key: []byte(strings.Repeat("another ", 8))}),
	{reason: reason.TokenRevoked, refused: func(_ *testing.T, s *system) reply {
		access := s.login("me").str("access_token")
		s.revoke(access)
		return s.get("/users/me/", bearer(access))
	}},
	{reason: reason.TokenRevoked, name: "with its user", refused: func(_ *testing.T, s *system) reply {
		access := s.access("u-ann", "app", s.opts.Issuer, "openid")
		s.alter(`UPDATE users SET disabled_at = 1 WHERE id = 'u-ann'`)
		return s.get("/userinfo", bearer(access))
	}},
	{reason: reason.TokenLacksScope, refused: func(_ *testing.T, s *system) reply {
		return s.get("/users/me/items/", bearer(s.login("me").str("access_token")))
	}},
	{reason: reason.TokenWithoutUser, refused: func(_ *testing.T, s *system) reply {
		own := s.post("/token", form("grant_type", "client_credentials", "scope", "me"), as("service", serviceSecret))
		return s.get("/users/me/", bearer(own.str("access_token")))
	}},
	{reason: reason.RevocationsUnavailable, refused: func(_ *testing.T, s *system) reply {
		access := s.login("me").str("access_token")
		s.clock.Add(2 * time.Second)
		s.db.Close()
		return s.get("/users/me/", bearer(access))
	}},
}

// brokenHasher cannot be asked.
type brokenHasher struct{ server.OwnHasher }

func (brokenHasher) Match(string, string) (bool, error) { return false, errors.New("it has ended") }

// rates are limits that one request reaches.
func rates(change func(*server.Limits)) func(*server.Options) {
	return func(o *server.Options) {
		change(&o.Limits)
		o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	}
}

var once = server.Rate{Burst: 1, Per: time.Hour}

// again is a provocation that is a request's second time.
func again(word reason.Word, change func(*server.Limits), request func(s *system) reply) provocation {
	return provocation{reason: word, options: rates(change), refused: func(_ *testing.T, s *system) reply {
		request(s)
		return request(s)
	}}
}

var provokedFaults = []provocation{
	again(reason.AccountLimit, func(l *server.Limits) { l.Account = once }, func(s *system) reply { return s.loginAs("ann", "wrong") }),
	again(reason.AddressLimit, func(l *server.Limits) { l.Address = once }, func(s *system) reply { return s.loginAs("nobody", "wrong") }),
	{reason: reason.PlaceLimit, options: rates(func(l *server.Limits) { l.KnownPlace, l.Account = once, once }), refused: func(_ *testing.T, s *system) reply {
		s.loginAs("ann", password)
		s.loginAs("ann", "wrong")
		return s.loginAs("ann", "wrong")
	}},
	again(reason.SignupLimit, func(l *server.Limits) { l.Signup = once }, func(s *system) reply {
		return s.send("POST", "/users/", `{"username":"ann","password":"long enough"}`, jsonBody)
	}),
	again(reason.ClientLimit, func(l *server.Limits) { l.Client = once }, func(s *system) reply {
		return s.post("/token", form("grant_type", "client_credentials"), as("service", serviceSecret))
	}),
	{reason: reason.TooManyLogins, options: func(o *server.Options) { o.MaxConcurrentHashes = 1 }, refused: tooManyLogins},
	{reason: reason.HasherFailed, options: func(o *server.Options) { o.Hasher = brokenHasher{} }, refused: func(_ *testing.T, s *system) reply {
		return s.loginAs("ann", password)
	}},
	{reason: reason.RevokeLimit, refused: func(_ *testing.T, s *system) (res reply) {
		refresh := s.login("me").str("refresh_token")
		for range 31 {
			res = s.revoke(s.refresh(refresh).str("access_token"))
		}
		return res
	}},
	{reason: reason.RevocationsUnknown, refused: func(_ *testing.T, s *system) reply {
		s.db.Close()
		s.clock.Add(2 * time.Second)
		return s.get("/revocations")
	}},
	{reason: reason.LivesUnknown, refused: func(t *testing.T, s *system) reply {
		s.clock.Add(6 * time.Minute)
		if err := s.srv.Poll(t.Context()); err != nil {
			t.Fatal(err)
		}
		return s.get("/revocations")
	}},
	{reason: reason.MasterKeyReplaced, refused: func(t *testing.T, s *system) reply {
		next, restarted := masterOf(t, 8), s.replica(s.master)
		before := s.login("me")
		if _, err := server.ResealAtOnce(t.Context(), s.db, s.master, next, s.how()); err != nil {
			t.Fatal(err)
		}
		restarted.startWith(next)
		after := restarted.refresh(before.str("refresh_token"))
		s.clock.Add(2 * time.Second)
		return s.refresh(after.str("refresh_token"))
	}},
	{reason: reason.DatabaseUnavailable, refused: func(_ *testing.T, s *system) reply {
		s.db.Close()
		return s.loginAs("ann", password)
	}},
	{reason: reason.ClientLeft, refused: clientLeaves},
	{reason: reason.Fault, refused: func(_ *testing.T, s *system) (res reply) {
		s.withoutNames(func() { res = s.loginAs("ann", password) })
		return res
	}},
	{reason: reason.Fault, name: "on a page", refused: func(_ *testing.T, s *system) (res reply) {
		cookie := s.cookie("u-ann")
		s.withoutNames(func() { res = s.get("/account", cookie) })
		return res
	}},
	{reason: reason.Panic, refused: func(_ *testing.T, s *system) reply {
		s.srv.DB = nil
		return s.loginAs("ann", password)
	}},
}

// tooManyLogins fills the queue of logins, and comes after.
func tooManyLogins(t *testing.T, s *system) reply {
	release := s.occupyHashes()
	defer release()
	ctx, leave := context.WithCancel(t.Context())
	var waiting sync.WaitGroup
	defer waiting.Wait()
	defer leave()
	for range server.QueuePerHash {
		waiting.Go(func() { s.loginUntil(ctx) })
	}
	eventually(t, 10*time.Second, "the queue is full", func() bool { return s.srv.HashesWaiting() == server.QueuePerHash })
	return s.loginAs("ann", password)
}

// clientLeaves is a login whose client closes the connection while it waits. Nobody reads the answer: it is made of the log.
func clientLeaves(t *testing.T, s *system) reply {
	release := s.occupyHashes()
	defer release()
	ctx, leave := context.WithCancel(t.Context())
	var waiting sync.WaitGroup
	waiting.Go(func() { s.loginUntil(ctx) })
	eventually(t, 10*time.Second, "the login waits", func() bool { return s.srv.HashesWaiting() == 1 })
	leave()
	waiting.Wait()
	var id string
	eventually(t, 10*time.Second, "the log has it", func() bool {
		for _, rec := range s.records("request") {
			if rec["outcome"] != "ok" {
				id, _ = rec["id"].(string)
			}
		}
		return id != ""
	})
	return reply{
		Response: &http.Response{StatusCode: http.StatusServiceUnavailable, Header: http.Header{"X-Request-Id": {id}}},
		JSON:     map[string]any{"error": "temporarily_unavailable", "request_id": id},
	}
}

// loginUntil is a login that is given up when ctx ends.
func (s *system) loginUntil(ctx context.Context) {
	body := form("grant_type", "password", "client_id", "app", "username", "ann", "password", password).Encode()
	r, err := http.NewRequestWithContext(ctx, "POST", s.web.URL+"/token", strings.NewReader(body))
	if err != nil {
		s.t.Error(err)
		return
	}
	asForm(r)
	if res, err := http.DefaultTransport.RoundTrip(r); err == nil {
		res.Body.Close()
		s.t.Errorf("answered %d without a hash", res.StatusCode)
	}
}
