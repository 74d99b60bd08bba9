package scopes_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/grantd/grantd/scopes"
)

// An issuer that has named a list once has one, even if nobody could ever fetch it: who can change the metadata must not
// bring revoked tokens back to life.
func TestRevocationsNamedOnce(t *testing.T) {
	s := newSite()
	s.page("/revocations", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	s.discover(t, scopes.DiscoverOptions{}, func(t *testing.T, v *scopes.Verifier) {
		wantJudge(t, v, s.token(es256), "revocations_unavailable", "/revocations answers 503")
		later(time.Minute)
		s.change(func() { delete(s.metadata, "revocation_list_uri") })
		later(2 * time.Minute)
		wantJudge(t, v, s.token(es256), "revocations_unavailable", "names no revocation_list_uri any more")
		later(24 * time.Hour)
		wantJudge(t, v, s.token(es256), "revocations_unavailable", "names no revocation_list_uri any more")
	})
}

// A gateway in a bad moment says 403 at the first address. The document at the second, which has no list, is not asked for.
func TestRevocationsMetadataBehindAGateway(t *testing.T) {
	s := newSite()
	s.revoked = []scopes.Revocation{scopes.RevokedToken("stolen")}
	s.page(oauthMetadata, once(s, oauthMetadata, http.StatusForbidden))
	s.page(openidMetadata, func(w http.ResponseWriter, _ *http.Request) { _ = json.NewEncoder(w).Encode(withoutList(s)) })
	s.discover(t, scopes.DiscoverOptions{}, func(t *testing.T, v *scopes.Verifier) {
		wantJudge(t, v, s.token(es256, claim("jti", "stolen")), "keys_unavailable", "403 Forbidden")
		later(10 * time.Second)
		wantJudge(t, v, s.token(es256, claim("jti", "stolen")), "revoked")
		wantJudge(t, v, s.token(es256), "ok")
		if n := s.count(openidMetadata); n != 0 {
			t.Errorf("%s was asked for %d times", openidMetadata, n)
		}
	})
}

// Even 404 may be a mistake, of a gateway that knows no server yet: then the first address is tried again soon.
func TestRevocationsMetadataAtTheSecondAddress(t *testing.T) {
	s := newSite()
	s.revoked = []scopes.Revocation{scopes.RevokedToken("stolen")}
	s.page(oauthMetadata, once(s, oauthMetadata, http.StatusNotFound))
	s.page(openidMetadata, func(w http.ResponseWriter, _ *http.Request) { _ = json.NewEncoder(w).Encode(withoutList(s)) })
	s.discover(t, scopes.DiscoverOptions{}, func(t *testing.T, v *scopes.Verifier) {
		wantJudge(t, v, s.token(es256, claim("jti", "stolen")), "ok")
		later(5*time.Minute + 5*time.Second)
		wantJudge(t, v, s.token(es256, claim("jti", "stolen")), "revoked")
		before := s.count(oauthMetadata)
		later(50 * time.Minute)
		if n := s.count(oauthMetadata) - before; n != 0 {
			t.Errorf("what is at the first address was asked for %d times more in less than an hour", n)
		}
	})
}

// once answers a status, and then as usual.
func once(s *site, path string, status int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		s.page(path, nil)
		w.WriteHeader(status)
	}
}

func withoutList(s *site) map[string]any {
	return map[string]any{"issuer": s.issuer, "jwks_uri": s.issuer + "/jwks.json"}
}
