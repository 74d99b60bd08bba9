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
