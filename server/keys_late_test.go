package server_test

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/grantd/grantd/server/token"
	"github.com/grantd/grantd/store"
)

// keyAlgs are the algorithms of the keys in the database.
func (s *system) keyAlgs() (algs []string) {
	s.t.Helper()
	rows, err := s.db.SigningKeys(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	for _, row := range rows {
		algs = append(algs, row.Alg)
	}
	slices.Sort(algs)
	return algs
}

// A start waits for the key of access tokens alone; Run makes the others.
func TestKeysOfIDTokensAreMadeAfterTheStart(t *testing.T) {
	s := newSystem(t)
	s.onNewDatabase()
	s.startServer()
	if got := s.keyAlgs(); !slices.Equal(got, []string{token.ES256}) {
		t.Errorf("keys %v at the start", got)
	}
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { s.srv.Run(ctx) })
	eventually(t, 20*time.Second, "a key of each algorithm", func() bool { return len(s.keyAlgs()) == len(token.IDAlgs) })
	stop()
	running.Wait()
}

// Two servers that are asked for their keys before they have made them all show the same.
func TestKeysAreShownOnceAllAreThere(t *testing.T) {
	s := newSystem(t)
	s.onNewDatabase()
	s.startServer()
	both := []*system{s, s.beside(0)}
	bodies := make([]string, 8)
	var asking sync.WaitGroup
	for i := range bodies {
		asking.Go(func() { bodies[i] = both[i%2].get("/.well-known/jwks.json").body })
	}
	asking.Wait()
	for _, body := range bodies {
		if body != bodies[0] {
			t.Errorf("keys %s and %s", body, bodies[0])
		}
	}
	if got := s.keyAlgs(); len(got) != len(token.IDAlgs) {
		t.Errorf("keys %v", got)
	}
}

// The key of access tokens is shown though the others cannot be made, but nobody keeps the answer.
func TestKeysWithoutThoseOfIDTokens(t *testing.T) {
	s := newSystem(t)
	s.onNewDatabase()
	s.startServer()
	if err := s.db.Close(); err != nil {
		t.Fatal(err)
	}
	got := s.get("/.well-known/jwks.json")
	if got.StatusCode != http.StatusOK || got.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%d, Cache-Control %q", got.StatusCode, got.Header.Get("Cache-Control"))
	}
	if keys := s.publishedOf(token.ES256); len(keys) != 1 {
		t.Errorf("keys %v", keys)
	}
}

// Who has ID tokens of one algorithm does not wait for a key of another one that cannot be made.
func TestIDTokensWithoutTheKeyOfOthers(t *testing.T) {
	s := newSystem(t)
	s.onNewDatabase()
	s.addClient(store.Client{ID: "es", Grants: []string{"password", "refresh_token"}, Scopes: []string{"openid"}, IDTokenAlg: token.ES256})
	s.addClient(store.Client{ID: "ed", Grants: []string{"password", "refresh_token"}, Scopes: []string{"openid"}, IDTokenAlg: token.EdDSA})
	s.addClient(store.Client{ID: "rs", Grants: []string{"password", "refresh_token"}, Scopes: []string{"openid"}})
	s.alter(`CREATE TRIGGER none BEFORE INSERT ON signing_keys WHEN NEW.alg = 'RS256' BEGIN SELECT RAISE(ABORT, 'no such key'); END`)
	s.startServer()
	for client, works := range map[string]bool{"es": true, "ed": true, "rs": false} {
		res := s.post("/token", form("grant_type", "password", "client_id", client, "username", "ann", "password", password, "scope", "openid"))
		if got := res.str("id_token") != ""; got != works {
			t.Errorf("%s: %d, an ID token: %v, want %v", client, res.StatusCode, got, works)
		}
	}
	if got := s.keyAlgs(); !slices.Equal(got, []string{token.ES256, token.EdDSA}) {
		t.Errorf("keys %v", got)
	}
	if got := s.get("/.well-known/jwks.json"); got.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("Cache-Control %q while a key is missing", got.Header.Get("Cache-Control"))
	}
}
