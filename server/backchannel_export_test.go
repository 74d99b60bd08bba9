package server

import (
	"context"
	"time"

	"github.com/grantd/grantd/store"
)

// EndSessions ends sessions as the account page does.
func (s *Server) EndSessions(ctx context.Context, in store.SessionEnd) error {
	return s.endSessions(ctx, in)
}

// RetryNotices makes a client that could not be told be told again after these pauses, until the
// test calls restore. How long real ones take would be the test's waiting time.
func RetryNotices(pauses ...time.Duration) (restore func()) {
	before := noticeRetries
	noticeRetries = pauses
	return func() { noticeRetries = before }
}

// RefuseLinkLocal says why no connection is made to an address.
func RefuseLinkLocal(address string) error { return refuseLinkLocal("tcp", address, nil) }
