package server_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/grantd/grantd/scopes"
	"github.com/grantd/grantd/server"
	"github.com/grantd/grantd/server/token"
)

const sharedSecret = "a shared secret of more than thirty-two bytes"

// signedWith sets the algorithm of access tokens.
func signedWith(alg string) func(*server.Options) {
	return func(o *server.Options) { o.SigningAlg, o.SharedSecret = alg, []byte(sharedSecret) }
}

// switchTo starts the server anew with another algorithm on the same database.
func (s *system) switchTo(alg string) {
	s.t.Helper()
	signedWith(alg)(&s.opts)
	s.startServer()
}

// rotate adds a key as "grantd key rotate" does.
func (s *system) rotate(lead time.Duration) string {
	s.t.Helper()
	key, err := server.RotateKey(s.t.Context(), s.db, s.master, s.opts.SigningAlg, s.clock.Now(), lead)
	if err != nil {
		s.t.Fatal(err)
	}
	return key.ID
}

func (s *system) sync() {
	s.t.Helper()
	if err := s.srv.Sync(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
}

func (s *system) sweep() {
	s.t.Helper()
	if err := s.srv.Sweep(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
}

// published are the ids of the keys in the JWKS for access tokens: those of ID tokens are beside them.
func (s *system) published() []string {
	s.t.Helper()
	return s.publishedOf(s.opts.SigningAlg)
}

// publishedOf are the ids of the keys of one algorithm in the JWKS.
func (s *system) publishedOf(alg string) []string {
	s.t.Helper()
	res := s.get("/.well-known/jwks.json")
	res.wantOK(s.t)
	var set struct{ Keys []struct{ KID, Alg string } }
	if err := json.Unmarshal([]byte(res.body), &set); err != nil {
		s.t.Fatal(err)
	}
	ids := []string{}
	for _, k := range set.Keys {
		if k.Alg == alg {
			ids = append(ids, k.KID)
		}
	}
	return ids
}

// headerOf is a parameter of the token's JOSE header.
func headerOf(t testing.TB, jwt, name string) string {
	t.Helper()
	part, _, _ := strings.Cut(jwt, ".")
	plain, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		t.Fatal(err)
	}
	var header map[string]string
	if err := json.Unmarshal(plain, &header); err != nil {
		t.Fatal(err)
	}
	return header[name]
}

func (s *system) wantPublished(ids ...string) {
	s.t.Helper()
	if got := s.published(); !slices.Equal(got, ids) {
		s.t.Errorf("the JWKS has %q, want %q", got, ids)
	}
}

// accessOf logs in and checks which key signs.
func (s *system) accessOf(kid string) string {
	s.t.Helper()
	access := s.login("me").str("access_token")
	if got := headerOf(s.t, access, "kid"); got != kid {
		s.t.Errorf("signed with %s, want %s", got, kid)
	}
	return access
}

func (s *system) wantAccepted(access string) {
	s.t.Helper()
	s.get("/users/me/", bearer(access)).wantOK(s.t)
}

func TestKeyRotation(t *testing.T) {
	s := newSystem(t)
	first := s.published()[0]
	s.accessOf(first)

	second := s.rotate(server.KeyLead)
	s.wantPublished(first) // not heard of yet
	s.sync()
	s.wantPublished(first, second)
	s.accessOf(first)

	s.clock.Add(server.KeyLead - time.Second)
	last := s.accessOf(first) // the last token that the first key signs
	s.clock.Add(time.Second)
	s.accessOf(second)
	s.wantAccepted(last)

	// As long as a token of the first key is out, whatever the sweep does.
	s.clock.Add(s.opts.AccessTTL + server.Leeway - 2*time.Second)
	s.sweep()
	s.sync()
	s.wantPublished(first, second)
	s.wantAccepted(last) // within the leeway
	s.clock.Add(2 * server.Leeway)
	s.get("/users/me/", bearer(last)).wantChallenge(t, http.StatusUnauthorized, "invalid_token", "me")
	s.sweep()
	s.sync()
	s.wantPublished(second)
	s.accessOf(second)
}

// Contract: running servers follow without restart.
func TestReplicaFollowsKeyRotation(t *testing.T) {
	s := newSystem(t)
	other := s.beside(0)
	first := s.published()[0]
	other.wantPublished(first)

	second := s.rotate(server.KeyLead)
	other.sync()
	other.wantPublished(first, second)
	other.clock.Add(server.KeyLead)
	access := other.accessOf(second)

	s.sync()
	s.clock.Add(server.KeyLead)
	s.wantAccepted(access)
	other.wantAccepted(s.accessOf(second))
}

// A clock that is behind finds only keys whose time is yet to come.
func TestReplicaWhoseClockIsBehind(t *testing.T) {
	s := newSystem(t)
	other := s.beside(-30 * time.Second)
	s.wantAccepted(other.accessOf(s.published()[0]))
}

func TestWrongMasterKey(t *testing.T) {
	s := newSystem(t)
	before := s.published()
	for _, alg := range []string{token.ES256, token.EdDSA} { // the second has no key yet
		opts := s.opts
		opts.Master, opts.SigningAlg = masterOf(t, 8), alg
		_, err := server.New(t.Context(), opts)
		if !errors.Is(err, token.ErrSealed) || !strings.Contains(err.Error(), "; start with that one") {
			t.Errorf("%s: error %v, want one that names the remedy", alg, err)
		}
		_, err = server.RotateKey(t.Context(), s.db, opts.Master, alg, s.clock.Now(), 0)
		if !errors.Is(err, token.ErrSealed) {
			t.Errorf("rotate %s: error %v", alg, err)
		}
	}
	// A key that nobody can open would have kept every server from starting.
	s.startServer()
	s.wantPublished(before...)
}

func TestServersThatStartAtOnceShareOneKey(t *testing.T) {
	s := newSystem(t)
	s.onNewDatabase()
	var wg sync.WaitGroup
	servers := make([]*server.Server, 8)
	for i := range servers {
		wg.Go(func() {
			srv, err := server.New(t.Context(), s.opts)
			if err != nil {
				t.Error(err)
			}
			servers[i] = srv
		})
	}
	wg.Wait()
	kids := map[string]bool{}
	for _, srv := range servers {
		s.srv = srv
		kids[headerOf(t, s.login("me").str("access_token"), "kid")] = true
	}
	if len(kids) != 1 {
		t.Errorf("%d keys sign, want one", len(kids))
	}
	for _, alg := range token.IDAlgs { // also those that sign nothing but ID tokens
		if n := len(s.publishedOf(alg)); n != 1 {
			t.Errorf("%d %s keys, want one", n, alg)
		}
	}
}

// onNewDatabase gives the system a database that no server has run on yet.
func (s *system) onNewDatabase() {
	s.t.Helper()
	if err := s.db.Close(); err != nil {
		s.t.Fatal(err)
	}
	s.path += ".new"
	s.url = "sqlite:" + s.path
	s.openDB()
	s.populate()
	s.opts.DB = s.db
}

// A database of a server that signed access tokens alone gets the keys of ID tokens, and keeps its own.
func TestMissingKeysAreMade(t *testing.T) {
	s := newSystem(t)
	s.onNewDatabase()
	first := s.rotate(0)
	s.startServer()
	s.wantPublished(first)
	for _, alg := range token.IDAlgs {
		if n := len(s.publishedOf(alg)); n != 1 {
			t.Errorf("%d %s keys, want one", n, alg)
		}
	}
}

func TestEachAlgorithm(t *testing.T) {
	for _, alg := range []string{token.ES256, token.EdDSA, token.RS256, token.HS256} {
		t.Run(alg, func(t *testing.T) {
			s := newSystem(t, signedWith(alg))
			first := s.login("me items")
			access := first.str("access_token")
			if got := headerOf(t, access, "alg"); got != alg {
				t.Errorf("alg %s", got)
			}
			s.wantAccepted(access)
			s.wantAccepted(s.refresh(first.str("refresh_token")).str("access_token"))
			if res := s.post("/introspect", form("token", access), as("service", serviceSecret)); res.JSON["active"] != true {
				t.Errorf("introspection: %s", res.body)
			}
			if alg != token.HS256 {
				s.wantVerifiedElsewhere(access)
			}
		})
	}
}

// wantVerifiedElsewhere validates a token as a service does that knows no more
// than the issuer's URL.
func (s *system) wantVerifiedElsewhere(access string) {
	s.t.Helper()
	keys, err := scopes.ParseJWKS([]byte(s.get("/.well-known/jwks.json").body))
	if err != nil {
		s.t.Fatal(err)
	}
	v, err := scopes.NewVerifier(scopes.VerifierOptions{Issuer: s.opts.Issuer, Audience: s.opts.Issuer, Keys: keys, Now: s.clock.Now})
	if err != nil {
		s.t.Fatal(err)
	}
	claims, err := v.Verify(s.t.Context(), access)
	if err != nil {
		s.t.Fatal(err)
	}
	if claims.Subject != "u-ann" || claims.ClientID != "app" || !claims.Scope.Equal(scopes.Set{"me", "items"}) {
		s.t.Errorf("claims %+v", claims)
	}
}

func TestSharedSecretIsNotPublished(t *testing.T) {
	s := newSystem(t, signedWith(token.HS256))
	encoded := base64.RawURLEncoding.EncodeToString([]byte(sharedSecret))
	for _, path := range []string{
		"/", "/docs", "/openapi.json", "/.well-known/jwks.json", "/.well-known/oauth-authorization-server", "/.well-known/oauth-protected-resource",
	} {
		if res := s.get(path); res.StatusCode != http.StatusOK || strings.Contains(res.body, sharedSecret) || strings.Contains(res.body, encoded) {
			t.Errorf("%s: %d %s", path, res.StatusCode, res.body)
		}
	}
	s.wantPublished()
}

func TestSharedSecretTooShort(t *testing.T) {
	s := newSystem(t)
	for _, secret := range []string{"", "short", sharedSecret[:31]} {
		opts := s.opts
		opts.SigningAlg, opts.SharedSecret = token.HS256, []byte(secret)
		if _, err := server.New(t.Context(), opts); err == nil || !strings.Contains(err.Error(), "32") {
			t.Errorf("a secret of %d bytes: error %v", len(secret), err)
		}
	}
}

func TestUnknownAlgorithm(t *testing.T) {
	s := newSystem(t)
	for _, alg := range []string{"", "none", "ES512"} {
		opts := s.opts
		opts.SigningAlg = alg
		if _, err := server.New(t.Context(), opts); err == nil {
			t.Errorf("a server signs with %q", alg)
		}
	}
}

// The algorithm changes on a database in use: sessions go on, and what the keys
// of the database signed stays valid.
func TestAlgorithmIsSwitched(t *testing.T) {
	s := newSystem(t)
	first := s.login("me items")
	refresh := first.str("refresh_token")
	issued := map[string]string{token.ES256: first.str("access_token")}
	es256 := headerOf(t, first.str("access_token"), "kid")
	for _, alg := range []string{token.EdDSA, token.RS256, token.HS256} {
		s.switchTo(alg)
		res := s.refresh(refresh)
		res.wantOK(t)
		refresh, issued[alg] = res.str("refresh_token"), res.str("access_token")
		if got := headerOf(t, issued[alg], "alg"); got != alg {
			t.Errorf("after the switch to %s: alg %s", alg, got)
		}
		for _, access := range issued {
			s.wantAccepted(access)
		}
	}
	s.switchTo(token.ES256)
	s.accessOf(es256) // its key is still there
	s.wantAccepted(issued[token.RS256])
	// The shared secret is no longer a key: others may have it.
	s.get("/users/me/", bearer(issued[token.HS256])).wantChallenge(t, http.StatusUnauthorized, "invalid_token", "me")
	s.refresh(refresh).wantOK(t)
}

// A key that a change of algorithm left behind signs the ID tokens of clients that want them so. It
// goes when it has a successor, like any other.
func TestKeysOfAnotherAlgorithmStay(t *testing.T) {
	s := newSystem(t)
	old := s.publishedOf(token.ES256)
	s.clock.Add(time.Minute)
	s.switchTo(token.EdDSA)
	s.rotate(0) // newer than those of the others
	s.clock.Add(30 * 24 * time.Hour)
	s.sweep()
	s.sync()
	for _, alg := range token.IDAlgs {
		if n := len(s.publishedOf(alg)); n != 1 {
			t.Errorf("%d %s keys after a month, want one", n, alg)
		}
	}
	next, err := server.RotateKey(t.Context(), s.db, s.master, token.ES256, s.clock.Now(), 0)
	if err != nil {
		t.Fatal(err)
	}
	s.clock.Add(s.opts.AccessTTL + 3*server.Leeway)
	s.sweep()
	s.sync()
	if now := s.publishedOf(token.ES256); !slices.Equal(now, []string{next.ID}) {
		t.Errorf("keys %v, want %v; before %v", now, next.ID, old)
	}
}

// "grantd key rotate" made a key of the new algorithm, and the servers were
// switched to it before its time had come: the one that signed ID tokens until then signs.
func TestAlgorithmIsSwitchedEarly(t *testing.T) {
	s := newSystem(t)
	s.opts.SigningAlg = token.EdDSA
	first := s.published()[0]
	next := s.rotate(server.KeyLead)
	s.switchTo(token.EdDSA)
	s.wantAccepted(s.accessOf(first))
	s.clock.Add(server.KeyLead)
	s.wantAccepted(s.accessOf(next))
}

func TestKeysAreNotMadeInVain(t *testing.T) {
	s := newSystem(t)
	before := s.published()
	for range 3 {
		s.startServer()
	}
	s.wantPublished(before...)
}

// RFC 7517 with RFC 9111: others keep the keys as long as a rotation allows for.
func TestJWKSIsCached(t *testing.T) {
	s := newSystem(t)
	res := s.get("/.well-known/jwks.json")
	res.wantOK(t)
	etag := res.Header.Get("ETag")
	if res.Header.Get("Content-Type") != "application/jwk-set+json" || res.Header.Get("Cache-Control") != "public, max-age=300" || etag == "" {
		t.Errorf("header %v", res.Header)
	}
	for _, c := range []struct {
		name, ifNoneMatch string
		want              int
	}{
		{"9110-13.1.2 the same", etag, http.StatusNotModified},
		{"9110-13.1.2 weak comparison", "W/" + etag, http.StatusNotModified},
		{"9110-13.1.2 one of a list", `"other", ` + etag, http.StatusNotModified},
		{"9110-13.1.2 any", "*", http.StatusNotModified},
		{"9110-13.1.2 another", `"other"`, http.StatusOK},
	} {
		again := s.get("/.well-known/jwks.json", header("If-None-Match", c.ifNoneMatch))
		if again.StatusCode != c.want || (again.body == "") != (c.want == http.StatusNotModified) {
			t.Errorf("%s: %d with %d bytes", c.name, again.StatusCode, len(again.body))
		}
	}
	if server.KeyLead < 300*time.Second+time.Minute { // and a minute until each server publishes it
		t.Errorf("a new key signs %s after it was made, before every copy of the set has it", server.KeyLead)
	}
	s.rotate(0)
	s.sync()
	s.get("/.well-known/jwks.json", header("If-None-Match", etag)).wantOK(t)
}

// A server that cannot read the keys for a while goes on with those it has.
func TestKeysOutliveTheDatabase(t *testing.T) {
	s := newSystem(t)
	access := s.login("me").str("access_token")
	s.db.Close()
	if err := s.srv.Sync(t.Context()); err == nil {
		t.Error("a closed database was read")
	}
	s.get("/status/", bearer(access)).wantOK(t)
}
