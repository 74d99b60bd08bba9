package server_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/grantd/grantd/scopes"
	"github.com/grantd/grantd/server"
	"github.com/grantd/grantd/store"
)

// revocationsAt gets the list and checks it as a service would: by the published keys.
func (s *system) revocationsAt(path string, edits ...edit) scopes.RevocationList {
	s.t.Helper()
	res := s.get(path, edits...)
	if res.wantOK(s.t); res.Header.Get("Content-Type") != "application/revocations+jwt" {
		s.t.Fatalf("Content-Type %q, %.200s", res.Header.Get("Content-Type"), res.body)
	}
	return s.readRevocations(res.body, strings.TrimSuffix(path, "/revocations"))
}

func (s *system) readRevocations(text, prefix string) (list scopes.RevocationList) {
	s.t.Helper()
	keys, err := scopes.ParseJWKS([]byte(s.get(prefix + "/.well-known/jwks.json").body))
	if err != nil {
		s.t.Fatal(err)
	}
	parsed, err := jwt.NewParser(jwt.WithoutClaimsValidation(), jwt.WithStrictDecoding()).Parse(text, func(t *jwt.Token) (any, error) {
		kid, _ := t.Header["kid"].(string)
		k, err := keys.Key(s.t.Context(), kid)
		return k.Key, err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	if parsed.Header["typ"] != "revocations+jwt" || len(parsed.Header) != 3 {
		s.t.Errorf("header %v", parsed.Header)
	}
	payload, err := jwt.NewParser().DecodeSegment(strings.Split(text, ".")[1])
	if err != nil {
		s.t.Fatal(err)
	}
	if err := list.UnmarshalJSON(payload); err != nil {
		s.t.Fatal(err)
	}
	return list
}

// listed tells whether the list of s revokes an access token.
func (s *system) listed(access string) bool {
	s.t.Helper()
	return s.revocationsAt("/revocations").Revoked.Revokes(s.claimsOf(access))
}

// claimsOf reads a token of ours, whatever became of it.
func (s *system) claimsOf(access string) *scopes.Claims {
	s.t.Helper()
	part := partOf(s.t, access, 1)
	text := func(name string) string { v, _ := part[name].(string); return v }
	return &scopes.Claims{
		Subject: text("sub"), ClientID: text("client_id"), ID: text("jti"), GrantID: text("gid"),
		IssuedAt: time.Unix(int64(part["iat"].(float64)), 0),
	}
}

// Whatever ends a token is in the list of each replica at its next poll, and
// nothing else is.
func TestRevocationList(t *testing.T) {
	until := func(s *system) time.Time { return s.clock.Now().Add(24 * time.Hour) }
	inStore := func(do func(ctx context.Context, s *system, db *store.DB, gid string) error) func(*system, reply) {
		return func(s *system, login reply) {
			if err := do(s.t.Context(), s, s.db, s.claimsOf(login.str("access_token")).GrantID); err != nil {
				s.t.Fatal(err)
			}
		}
	}
	for name, revoke := range map[string]func(s *system, login reply){
		"7009-2.1 access token revoked": func(s *system, login reply) {
			s.post("/revoke", form("client_id", "app", "token", login.str("access_token"))).wantOK(t)
		},
		"7009-2.1 refresh token revoked": func(s *system, login reply) {
			s.post("/revoke", form("client_id", "app", "token", login.str("refresh_token"))).wantOK(t)
		},
		"9700-4.14.2 refresh token reused": func(s *system, login reply) {
			s.refresh(s.refresh(login.str("refresh_token")).str("refresh_token")).wantOK(t)
			s.refresh(login.str("refresh_token")).wantRefusal(t, 400, "invalid_grant")
		},
		"user disabled": inStore(func(ctx context.Context, s *system, db *store.DB, gid string) error {
			_, err := db.DisableUser(ctx, "u-ann", s.clock.Now(), until(s))
			return err
		}),
		"user deleted": inStore(func(ctx context.Context, s *system, db *store.DB, gid string) error {
			_, err := db.DeleteUser(ctx, "u-ann", s.clock.Now(), until(s))
			return err
		}),
		"password changed": inStore(func(ctx context.Context, s *system, db *store.DB, gid string) error {
			_, err := db.SetPassword(ctx, "u-ann", "$2a$04$", s.clock.Now(), until(s))
			return err
		}),
		"client deleted": inStore(func(ctx context.Context, s *system, db *store.DB, gid string) error {
			_, err := db.DeleteClient(ctx, "app", s.clock.Now(), until(s))
			return err
		}),
		"authorization revoked": inStore(func(ctx context.Context, s *system, db *store.DB, gid string) error {
			_, err := db.RevokeGrant(ctx, gid, s.clock.Now(), until(s))
			return err
		}),
		"all authorizations revoked": inStore(func(ctx context.Context, s *system, db *store.DB, gid string) error {
			_, err := db.RevokeGrants(ctx, store.GrantFilter{UserID: "u-ann", Now: s.clock.Now()}, until(s))
			return err
		}),
	} {
		t.Run(name, func(t *testing.T) {
			s := newSystem(t)
			login, bob := s.login("me"), s.post("/token", form("grant_type", "password", "client_id", "other", "username", "bob", "password", password))
			replica := s.beside(0)
			for _, one := range []*system{s, replica} {
				if one.listed(login.str("access_token")) || one.listed(bob.str("access_token")) {
					t.Error("listed before anything happened")
				}
			}
			s.clock.Add(time.Second)
			replica.clock.Add(time.Second)
			revoke(s, login)
			s.sync()
			replica.sync()
			for _, one := range []*system{s, replica} {
				if !one.listed(login.str("access_token")) {
					t.Error("not listed")
				}
				if one.listed(bob.str("access_token")) {
					t.Error("a token of another user and client is listed")
				}
			}
			t.Run("9110-8.8.1 the same content has the same tag, whoever signed it", func(t *testing.T) {
				one, two := s.get("/revocations"), replica.get("/revocations")
				if tag := one.Header.Get("ETag"); tag != two.Header.Get("ETag") || !strings.HasPrefix(tag, `W/"`) || one.body == two.body {
					t.Errorf("%s and %s", tag, two.Header.Get("ETag"))
				}
			})
		})
	}
}

// A client's own tokens belong to no authorization, and those of its successor of
// the same name are not revoked.
func TestRevocationListOfDeletedClient(t *testing.T) {
	s := newSystem(t)
	credentials := func() string {
		res := s.post("/token", form("grant_type", "client_credentials"), as("plain-service", "plain"))
		res.wantOK(t)
		return res.str("access_token")
	}
	old := credentials()
	if s.listed(old) {
		t.Error("listed before anything happened")
	}
	now := s.clock.Now()
	if _, err := s.db.DeleteClient(t.Context(), "plain-service", now, now.Add(24*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if err := s.db.CreateClient(t.Context(), store.Client{ID: "plain-service", SecretHash: server.HashSecret("plain"), Grants: []string{"client_credentials"}}); err != nil {
		t.Fatal(err)
	}
	s.sync()
	s.clock.Add(time.Second)
	s.sync()
	if fresh := credentials(); !s.listed(old) || s.listed(fresh) {
		t.Errorf("the old token is listed: %v, that of the new client: %v", s.listed(old), s.listed(fresh))
	}
}

// What concerns a client's secret revokes no token.
func TestRevocationListLeavesSecretsOut(t *testing.T) {
	s := newSystem(t)
	now := s.clock.Now()
	before := s.get("/revocations").Header.Get("ETag")
	if err := s.db.SetClientSecret(t.Context(), "service", server.HashSecret("new"), now, now.Add(24*time.Hour)); err != nil {
		t.Fatal(err)
	}
	s.sync()
	if n := s.revocationsAt("/revocations").Revoked.Len(); n != 0 || s.get("/revocations").Header.Get("ETag") != before {
		t.Errorf("%d entries after a change of a secret", n)
	}
}

// RFC 9110 §8.8.3, §13.1.2; RFC 9111 §5.2.2.
// Dead tokens that are posted again make neither memory nor the list grow, nor replicas differ.
func TestRevocationListOfWhatIsRevokedAgain(t *testing.T) {
	s := newSystem(t)
	login := s.login("me")
	for range 10 {
		s.clock.Add(time.Second)
		s.revoke(login.str("refresh_token")).wantRevoked(t)
		s.sync()
	}
	if entries, listings := s.srv.RevocationsKept(), s.srv.RevocationsListed(); entries != 1 || listings != 1 {
		t.Errorf("one authorization revoked ten times: %d in memory, %d to list", entries, listings)
	}
	s.clock.Add(time.Hour)
	s.sync()
	other := s.beside(0)
	s.revoke(login.str("refresh_token")).wantRevoked(t)
	if a, b := s.get("/revocations").Header.Get("ETag"), other.get("/revocations").Header.Get("ETag"); a != b {
		t.Errorf("replicas differ: %s %s", a, b)
	}
}

// Tokens that cost nothing to get must not make the list long that every service fetches.
func TestRevokingOneByOneIsLimited(t *testing.T) {
	s := newSystem(t)
	login := s.login("me")
	fresh := func() string { return s.refresh(login.str("refresh_token")).str("access_token") } // within the grace: no row changes
	last := fresh()
	for range 30 {
		s.revoke(last).wantRevoked(t)
		last = fresh()
	}
	refused := s.revoke(last)
	if refused.StatusCode != http.StatusTooManyRequests || refused.str("error") != "temporarily_unavailable" || refused.Header.Get("Retry-After") != "2" {
		t.Errorf("%d %s, Retry-After %q", refused.StatusCode, refused.body, refused.Header.Get("Retry-After"))
	}
	if !s.active(last) {
		t.Error("refused, and revoked all the same")
	}
	s.revoke(s.login("me").str("access_token")).wantRevoked(t) // another authorization
	s.clock.Add(2 * time.Second)
	s.revoke(last).wantRevoked(t)
	s.revoke(login.str("refresh_token")).wantRevoked(t) // always
}

func TestRevocationListIsKept(t *testing.T) {
	s := newSystem(t)
	first := s.get("/revocations")
	etag := first.Header.Get("ETag")
	for name, want := range map[string]string{
		"9111-5.2.2.2 Cache-Control":  "public, max-age=1, must-revalidate",
		"Access-Control-Allow-Origin": "*", "Content-Length": fmt.Sprint(len(first.body)), "X-Content-Type-Options": "nosniff",
	} {
		if got := first.Header.Get(name[strings.LastIndex(name, " ")+1:]); got != want {
			t.Errorf("%s %q, want %q", name, got, want)
		}
	}
	same := func(what string, status int) {
		t.Helper()
		res := s.get("/revocations", header("If-None-Match", etag))
		if res.StatusCode != status || (res.body == "") != (status == 304) || (res.Header.Get("ETag") == etag) != (status == 304) {
			t.Errorf("%s: %d, %d bytes, ETag %s", what, res.StatusCode, len(res.body), res.Header.Get("ETag"))
		}
		etag = res.Header.Get("ETag")
	}
	same("9110-13.1.2 nothing was revoked", 304)
	head := s.send("HEAD", "/revocations", "")
	if head.StatusCode != 200 || head.body != "" || head.Header.Get("ETag") != etag || head.ContentLength != int64(len(first.body)) {
		t.Errorf("9110-9.3.2 HEAD: %d, %q, ETag %s, %d bytes", head.StatusCode, head.body, head.Header.Get("ETag"), head.ContentLength)
	}
	s.clock.Add(59 * time.Second)
	s.sync()
	same("within the minute", 304)
	// Two replicas sign the same list at different times. A service must not take one for a replay.
	if list := s.revocationsAt("/revocations"); list.IssuedAt.Before(s.clock.Now()) {
		t.Errorf("a list of %s is sent at %s", list.IssuedAt, s.clock.Now())
	}
	same("and also when it was signed again for another", 304)
	s.clock.Add(time.Second)
	s.sync()
	same("each minute it is signed anew", 200)
	s.clock.Add(300 * time.Nanosecond)
	s.post("/revoke", form("client_id", "app", "token", s.login("me").str("access_token"))).wantOK(t)
	same("one was revoked", 200)
	made := s.get("/revocations").body
	s.sync() // which reads the same from the database, with a date that was cut to milliseconds
	if same("and is read back", 304); s.get("/revocations").body != made {
		t.Error("a list was made and signed anew, with the same content")
	}
	if _, err := server.RotateKey(t.Context(), s.db, s.master, s.opts.SigningAlg, s.clock.Now(), 0); err != nil {
		t.Fatal(err)
	}
	s.sync()
	same("another key signs", 200)
}

// What the list says about itself.
func TestRevocationListClaims(t *testing.T) {
	s := newSystem(t)
	s.clock.Add(17 * time.Second)
	s.sync()
	list, now := s.revocationsAt("/revocations"), s.clock.Now()
	if list.Issuer != s.opts.Issuer || list.URL != s.opts.Issuer+"/revocations" || list.TTL != 5*time.Second ||
		!list.IssuedAt.Equal(now) || !list.ExpiresAt.Equal(now.Add(3*time.Minute)) {
		t.Errorf("%+v at %s", list, now)
	}
	// RFC 9068 §4, RFC 8725 §3.11: nothing takes it for an access token.
	text := s.get("/revocations").body
	s.get("/status/", bearer(text)).wantChallenge(t, http.StatusUnauthorized, "invalid_token")
	if res := s.post("/introspect", form("token", text), as("service", serviceSecret)); res.JSON["active"] != false {
		t.Errorf("introspected as %s", res.body)
	}
}

// A server that does not know what was revoked says so, and gives no old list.
func TestRevocationListFailsClosed(t *testing.T) {
	s := newSystem(t)
	etag := s.get("/revocations").Header.Get("ETag")
	if err := s.db.Close(); err != nil {
		t.Fatal(err)
	}
	s.get("/revocations").wantOK(t)
	s.clock.Add(1100 * time.Millisecond)
	for _, match := range []string{"", etag, "*"} {
		res := s.get("/revocations", header("If-None-Match", match))
		res.wantRefusal(t, http.StatusServiceUnavailable, "temporarily_unavailable")
		if got := res.Header.Get("Access-Control-Allow-Origin"); got != "*" {
			t.Errorf("Access-Control-Allow-Origin %q", got)
		}
	}
}

// While the polls go well but nobody can tell how long others' tokens live.
func TestRevocationListWithoutLives(t *testing.T) {
	s := newSystem(t)
	s.clock.Add(5*time.Minute + time.Second)
	if err := s.srv.Poll(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.get("/revocations").wantRefusal(t, http.StatusServiceUnavailable, "temporarily_unavailable")
	s.sync()
	s.get("/revocations").wantOK(t)
}

// An entry stays until the tokens that it revokes have expired everywhere, and no
// longer than that.
func TestRevocationListWindow(t *testing.T) {
	const ttl = 15 * time.Minute
	later := func(s *system, d time.Duration) { // while it is served
		for ; d > 0; d -= 29 * time.Minute {
			s.clock.Add(min(d, 29*time.Minute))
			s.sync()
		}
	}
	// Since the database has been served for longer than any token lives, all is known of those that are out.
	served := func(t *testing.T, change ...func(*server.Options)) *system {
		s := newSystem(t, change...)
		later(s, 27*time.Hour)
		return s
	}
	revoked := func(s *system) (access string) {
		login := s.login("me")
		s.post("/revoke", form("client_id", "app", "token", login.str("refresh_token"))).wantOK(t)
		return login.str("access_token")
	}
	t.Run("an authorization", func(t *testing.T) {
		s := served(t)
		dead := revoked(s)
		// Up to four minutes after its date, a revocation can meet a token that was issued meanwhile.
		later(s, ttl+store.LatestRevocation+2*server.Leeway-time.Millisecond)
		if !s.listed(dead) {
			t.Error("it left too early")
		}
		later(s, time.Minute)
		if s.listed(dead) || s.revocationsAt("/revocations").Revoked.Len() != 0 {
			t.Error("it stays")
		}
	})
	t.Run("a token", func(t *testing.T) {
		s := served(t)
		login := s.login("me")
		later(s, 10*time.Minute)
		s.post("/revoke", form("client_id", "app", "token", login.str("access_token"))).wantOK(t)
		later(s, 5*time.Minute+2*server.Leeway-time.Millisecond)
		if !s.listed(login.str("access_token")) {
			t.Error("it left too early")
		}
		later(s, time.Minute)
		if s.listed(login.str("access_token")) {
			t.Error("it stays")
		}
	})
	t.Run("no entry leaves but at a full minute", func(t *testing.T) {
		s := served(t)
		s.clock.Add(-time.Duration(s.clock.Now().Nanosecond()) - time.Duration(s.clock.Now().Second())*time.Second + 30*time.Second)
		s.sync()
		dead := revoked(s)
		later(s, ttl+store.LatestRevocation+2*server.Leeway+29*time.Second)
		etag := s.get("/revocations").Header.Get("ETag")
		if !s.listed(dead) {
			t.Error("it left before the minute was over")
		}
		s.clock.Add(999 * time.Millisecond)
		s.sync()
		if s.get("/revocations").Header.Get("ETag") != etag {
			t.Error("the list changed between two minutes")
		}
	})
	t.Run("the setting was lowered", func(t *testing.T) {
		s := served(t, func(o *server.Options) { o.AccessTTL = 12 * time.Hour })
		old := s.login("me")
		s.opts.AccessTTL = ttl
		s.startServer()
		later(s, time.Hour)
		s.post("/revoke", form("client_id", "app", "token", old.str("refresh_token"))).wantOK(t)
		later(s, 11*time.Hour-time.Second)
		if s.get("/revocations").wantOK(t); !s.listed(old.str("access_token")) {
			t.Error("a token of twelve hours is out, and not listed")
		}
		later(s, 3*time.Hour) // one for which the old setting was noted, one for clocks, and until somebody looks
		if s.listed(old.str("access_token")) {
			t.Error("it stays")
		}
		dead := revoked(s)
		later(s, time.Hour)
		if s.listed(dead) {
			t.Error("what was revoked since stays for twelve hours")
		}
	})
	t.Run("another replica has a longer setting", func(t *testing.T) {
		s := served(t)
		s.opts.AccessTTL = 2 * time.Hour
		other := s.beside(0)
		login := other.login("me")
		s.sync()
		s.post("/revoke", form("client_id", "app", "token", login.str("refresh_token"))).wantOK(t)
		later(s, 2*time.Hour)
		if !s.listed(login.str("access_token")) {
			t.Error("a token of the other replica is out, and not listed")
		}
	})
	t.Run("nobody knows how long tokens of before live", func(t *testing.T) {
		s := newSystem(t) // as after an update from a version that noted nothing
		dead := revoked(s)
		later(s, 24*time.Hour)
		if !s.listed(dead) {
			t.Error("it left although the setting may have been a day")
		}
		later(s, 3*time.Hour)
		if s.listed(dead) {
			t.Error("it stays")
		}
	})
}

// A server that starts again knows what was revoked before.
func TestRevocationListOutlivesARestart(t *testing.T) {
	s := newSystem(t)
	dead := s.login("me")
	s.post("/revoke", form("client_id", "app", "token", dead.str("refresh_token"))).wantOK(t)
	etag := s.get("/revocations").Header.Get("ETag")
	s.startServer()
	if !s.listed(dead.str("access_token")) || s.get("/revocations").Header.Get("ETag") != etag {
		t.Error("the list is another after a restart")
	}
}

// Many ask while there is one revocation after another: each gets a list that has
// all that was revoked before it asked. The race detector watches.
func TestRevocationListUnderLoad(t *testing.T) {
	s := newSystem(t)
	claims := s.claimsOf(s.login("me").str("access_token"))
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var wg sync.WaitGroup
	for n := range 4 {
		wg.Go(func() {
			for i := 0; ctx.Err() == nil && i < 25; i++ {
				jti := fmt.Sprint("j-", n, "-", i)
				if err := s.db.RevokeToken(ctx, jti, s.clock.Now(), s.clock.Now().Add(time.Hour)); err != nil {
					t.Error(err)
				}
				s.sync()
				mine := *claims
				mine.ID = jti
				if !s.revocationsAt("/revocations").Revoked.Revokes(&mine) {
					t.Errorf("%s is not listed", jti)
				}
			}
		})
	}
	wg.Wait()
}

// While there is one revocation after another, all who wait for the next list get
// the same one: their turns would not come otherwise.
func TestRevocationListIsShared(t *testing.T) {
	s := newSystem(t)
	s.srv.RevokeMany(20_000)
	ctx, stop := context.WithCancel(t.Context())
	var revoking, asking sync.WaitGroup
	revoking.Go(func() {
		for i := 0; ctx.Err() == nil; i++ {
			s.srv.RevokeID(fmt.Sprint("next-", i))
			time.Sleep(100 * time.Microsecond)
		}
	})
	var mu sync.Mutex
	given := map[string]int{}
	for range 60 {
		asking.Go(func() {
			res := s.send("HEAD", "/revocations", "")
			res.wantOK(t)
			mu.Lock()
			defer mu.Unlock()
			given[res.Header.Get("ETag")]++
		})
	}
	asking.Wait()
	stop()
	revoking.Wait()
	if len(given) > 20 {
		t.Errorf("%d lists were made for 60 requests at once", len(given))
	}
}

// The list is JSON for who reads it in another language.
func TestRevocationListPayload(t *testing.T) {
	s := newSystem(t)
	s.post("/revoke", form("client_id", "app", "token", s.login("me").str("refresh_token"))).wantOK(t)
	payload, err := jwt.NewParser().DecodeSegment(strings.Split(s.get("/revocations").body, ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	var claims struct {
		Iss, Sub      string
		Iat, Exp, TTL int64
		Revoked       map[string]string
	}
	if err := json.Unmarshal(payload, &claims); err != nil {
		t.Fatal(err)
	}
	if claims.Exp != claims.Iat+180 || claims.TTL != 5 || len(claims.Revoked) != 1 || len(claims.Revoked["tokens"]) != 11 {
		t.Errorf("%s", payload)
	}
}
