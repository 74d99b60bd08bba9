package main

import (
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/grantd/grantd/scopes"
)

// listed tells whether the list of one replica revokes an access token, as a service
// that follows it would find.
func (rs *replicas) listed(t *testing.T, at int, access string) bool {
	t.Helper()
	a := rs.at(at).get("/revocations", "")
	wantStatus(t, "the list of revocations", a, 200)
	payload := func(token string) []byte {
		parts := strings.Split(token, ".")
		if len(parts) != 3 {
			t.Fatalf("%q is no JWT", token)
		}
		text, err := jwt.NewParser().DecodeSegment(parts[1])
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	var list scopes.RevocationList
	if err := list.UnmarshalJSON(payload(a.body)); err != nil {
		t.Fatal(err)
	}
	claims := decode[struct {
		Sub, Jti, Gid string
		ClientID      string `json:"client_id"`
		Iat           int64
	}](t, string(payload(access)))
	return list.Revoked.Revokes(&scopes.Claims{
		Subject: claims.Sub, ID: claims.Jti, GrantID: claims.Gid, ClientID: claims.ClientID, IssuedAt: time.Unix(claims.Iat, 0),
	})
}

func (rs *replicas) wantListed(t *testing.T, what, access string, want bool) {
	t.Helper()
	for at := range rs.list {
		if rs.listed(t, at, access) != want {
			t.Errorf("%s: the list of replica %d revokes it: %v", what, at, !want)
		}
	}
}

// wantSameList: whichever replica a service asks next, it is not sent again what it has.
func wantSameList(t *testing.T, rs *replicas) {
	t.Helper()
	eventually(t, "all replicas publish the same list", func() bool { // not while a minute ends
		tag := rs.at(0).get("/revocations", "").header.Get("ETag")
		for i := range rs.list {
			if rs.at(i).get("/revocations", "").header.Get("ETag") != tag {
				return false
			}
		}
		return tag != ""
	})
}
