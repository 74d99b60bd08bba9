package server

import (
	"context"
	"net/http"
	"net/netip"

	"github.com/grantd/grantd/server/telemetry"
)

// startSpan begins the trace of a request, where traces are wanted. A proxy that may say whom a request
// comes from may also say which trace it belongs to; anybody else would decide what is recorded here.
func (f *frame) startSpan(r *http.Request) (context.Context, telemetry.Span) {
	if f.tracing == nil {
		return r.Context(), telemetry.Span{}
	}
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	return f.tracing.Serve(r.Context(), methodOf(r), r.Header, err == nil && f.trusts(peer.Addr().Unmap()))
}

// endSpan ends the trace of a request, when it was counted.
func (x *exchange) endSpan(kind telemetry.Request) {
	x.span.Answered(telemetry.Answer{Request: kind, Code: x.out.status, ID: x.rec.id})
}
