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

// LimitNotices makes a request to a client take no longer than most, until the test calls restore.
func LimitNotices(most time.Duration) (restore func()) {
	before := noticeTime
	noticeTime = most
	return func() { noticeTime = before }
}

// RefuseLinkLocal says why no connection is made to an address.
func RefuseLinkLocal(address string) error { return refuseLinkLocal("tcp", address, nil) }
