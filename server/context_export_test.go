package server

import (
	"context"
	"time"
)

// NewRequestContext is the context of a request, and what ends it.
func NewRequestContext(parent context.Context, deadline time.Time) (ctx context.Context, end func()) {
	c := &requestContext{Context: parent, rec: &record{}, deadline: deadline}
	return c, c.end
}

// KnowsRequest is whether ctx leads to the record of a request.
func KnowsRequest(ctx context.Context) bool {
	_, ok := ctx.Value(recordKey{}).(*record)
	return ok
}
