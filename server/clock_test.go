package server_test

import (
	"strings"
	"testing"
	"time"

	"github.com/grantd/grantd/server"
	"github.com/grantd/grantd/store/storetest/pgtest"
)

// A machine whose clock is off goes by the one that all replicas share.
func TestClockOfTheDatabase(t *testing.T) {
	for _, off := range []time.Duration{-2 * time.Minute, 2 * time.Minute, 0} {
		s := newSystemOn(t, "", pgtest.URL(t), func(o *server.Options) {
			o.Now = func() time.Time { return time.Now().Add(off) }
		})
		tokens := s.login("me")
		tokens.wantOK(t)
		issued := time.Unix(int64(claimsOf(t, tokens.str("access_token"))["iat"].(float64)), 0)
		if d := time.Since(issued).Abs(); d > 30*time.Second {
			t.Errorf("off by %s: issued %s from now", off, d)
		}
		if warned := strings.Contains(s.log.String(), "clock differs from the database"); warned != (off != 0) {
			t.Errorf("off by %s: warned: %t", off, warned)
		}
	}
}

// One that is hours off is not followed: it is the database's that is wrong, and by
// it everything would have expired.
func TestClockOfTheDatabaseIsNotFollowedFar(t *testing.T) {
	s := newSystemOn(t, "", pgtest.URL(t), func(o *server.Options) { o.Now = nil })
	options := s.opts
	options.Now = func() time.Time { return time.Now().Add(-2 * time.Hour) }
	if _, err := server.New(t.Context(), options); err == nil || !strings.Contains(err.Error(), "clock of the database is 2h0m0s ahead of this machine's") {
		t.Errorf("a server has started: %v", err)
	}
}
