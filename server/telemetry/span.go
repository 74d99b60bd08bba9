package telemetry

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// Span is a piece of a trace. The zero Span is none: all can be done with it, and nothing happens.
type Span struct{ span trace.Span }

// End ends a span. Of an error it tells that there was one: the words are for the log, which is kept
// more carefully than traces are.
func (s Span) End(err error) {
	if s.span == nil {
		return
	}
	if err != nil {
		s.span.SetStatus(codes.Error, "")
	}
	s.span.End()
}

// Answer is what is told of a request that was answered. As with metrics, all are words of ours, but
// for the id.
type Answer struct {
	Request
	Code int    // of HTTP; 0: none was sent
	ID   string // of the request, by which the log knows it
}

// Answered ends the span of a request.
func (s Span) Answered(a Answer) {
	if s.span == nil {
		return
	}
	method, name := a.Method, a.Method
	if method == other {
		method, name = "_OTHER", "HTTP"
	}
	if a.Route != NoRoute {
		name += " " + a.Route
		s.span.SetAttributes(attribute.String("http.route", a.Route))
	}
	s.span.SetName(name)
	s.span.SetAttributes(
		attribute.String("http.request.method", method), attribute.Int("http.response.status_code", a.Code),
		attribute.String("grantd.outcome", a.Outcome), attribute.String("grantd.request_id", a.ID),
	)
	if a.GrantType != "" {
		s.span.SetAttributes(attribute.String("grantd.grant_type", a.GrantType))
	}
	if a.Code >= 500 { // refusals are what a server is for
		s.span.SetStatus(codes.Error, "")
		s.span.SetAttributes(attribute.String("error.type", a.Outcome))
	}
	s.span.End()
}

// Called ends the span of a request to somebody else at host, whose answer had a code; 0: there was none.
func (s Span) Called(method, host string, code int, err error) {
	if s.span == nil {
		return
	}
	s.span.SetAttributes(attribute.String("http.request.method", method), attribute.String("server.address", host))
	if code != 0 {
		s.span.SetAttributes(attribute.Int("http.response.status_code", code))
	}
	s.End(err)
}

// TraceID names the trace, for the log; empty where nobody will find it.
func (s Span) TraceID() string {
	if s.span == nil || !s.span.SpanContext().IsSampled() {
		return ""
	}
	return s.span.SpanContext().TraceID().String()
}

// Origin is a span that something is done for later. The zero Origin is none.
type Origin struct{ span trace.SpanContext }

// OriginOf is the span of ctx.
func OriginOf(ctx context.Context) Origin { return Origin{trace.SpanContextFromContext(ctx)} }
