package telemetry

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// Tracing makes traces and sends them to a collector. A nil *Tracing does nothing, at no cost: it is
// what there is where nobody asked for traces.
type Tracing struct {
	provider *sdktrace.TracerProvider
	tracer   trace.Tracer
	// propagator reads and writes traceparent; without one, traces begin and end here.
	propagator propagation.TextMapPropagator
}

// NewTracing sets traces up as the variables of OpenTelemetry say, which begin with OTEL_. It returns
// nil where they ask for none. An error names the variable that cannot be followed, and what to set.
// Failed hears of spans that could not be sent. The tracing is to be closed.
func NewTracing(ctx context.Context, version string, failed func(error)) (*Tracing, error) {
	sender, propagator, err := readVariables()
	if err != nil || sender == nil {
		return nil, err
	}
	about, err := resource.New(ctx, resource.WithTelemetrySDK(), resource.WithAttributes(
		attribute.String("service.name", "grantd"), attribute.String("service.version", version), attribute.String("service.instance.id", rand.Text()),
	), resource.WithFromEnv()) // last: OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES count
	if err != nil {
		return nil, fmt.Errorf("OTEL_RESOURCE_ATTRIBUTES: %w; write name=value,name=value", err)
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(failed))
	exporter, err := otlptrace.New(ctx, sender)
	if err != nil {
		return nil, err
	}
	// The SDK itself reads OTEL_TRACES_SAMPLER, OTEL_BSP_… and the limits of spans.
	provider := sdktrace.NewTracerProvider(sdktrace.WithResource(about), sdktrace.WithBatcher(exporter))
	return &Tracing{provider, provider.Tracer("github.com/grantd/grantd", trace.WithInstrumentationVersion(version)), propagator}, nil
}

// CheckVariables returns the error that NewTracing would, as far as that can be told beforehand.
func CheckVariables() error {
	_, _, err := readVariables()
	return err
}

// readVariables reads what the SDK does not read by itself. There is no sender where no traces are wanted.
func readVariables() (*sender, propagation.TextMapPropagator, error) {
	wanted, err := tracesWanted()
	if err != nil || !wanted {
		return nil, nil, err
	}
	propagator, err := propagatorOf(os.Getenv("OTEL_PROPAGATORS"))
	if err != nil {
		return nil, nil, err
	}
	sender, err := newSender()
	return sender, propagator, err
}

// variable is what one for traces says, or else the one for all signals.
func variable(name string) string {
	return cmp.Or(os.Getenv("OTEL_EXPORTER_OTLP_TRACES_"+name), os.Getenv("OTEL_EXPORTER_OTLP_"+name))
}

func tracesWanted() (bool, error) {
	exporter := os.Getenv("OTEL_TRACES_EXPORTER")
	switch {
	case strings.EqualFold(os.Getenv("OTEL_SDK_DISABLED"), "true"), exporter == "none", exporter == "" && variable("ENDPOINT") == "":
		return false, nil
	case exporter != "" && exporter != "otlp":
		return false, fmt.Errorf("OTEL_TRACES_EXPORTER is %q, and grantd sends traces by OTLP only; set it to otlp, or to none", exporter)
	}
	if protocol := variable("PROTOCOL"); protocol != "" && protocol != "http/protobuf" {
		return false, fmt.Errorf("OTEL_EXPORTER_OTLP_PROTOCOL is %q, and grantd sends http/protobuf only; set OTEL_EXPORTER_OTLP_TRACES_PROTOCOL to http/protobuf "+
			"and OTEL_EXPORTER_OTLP_TRACES_ENDPOINT to where the collector takes that, such as http://collector:4318/v1/traces", protocol)
	}
	return true, nil
}

// propagatorOf reads OTEL_PROPAGATORS. Baggage may be named, as it is by default, but there is nobody to
// whom it would be passed on.
func propagatorOf(names string) (propagation.TextMapPropagator, error) {
	all := strings.Split(cmp.Or(names, "tracecontext,baggage"), ",")
	for i, name := range all {
		all[i] = strings.TrimSpace(name)
		if !slices.Contains([]string{"tracecontext", "baggage", "none"}, all[i]) {
			return nil, fmt.Errorf("OTEL_PROPAGATORS names %q, which grantd does not know; set it to tracecontext, or to none", all[i])
		}
	}
	if slices.Contains(all, "none") || !slices.Contains(all, "tracecontext") {
		return nil, nil
	}
	return propagation.TraceContext{}, nil
}

// Close sends what waits to be sent, until ctx ends.
func (t *Tracing) Close(ctx context.Context) error {
	if t == nil {
		return nil
	}
	return t.provider.Shutdown(ctx)
}

// Serve begins the span of a request. Header may name the caller's span only if the caller is known:
// a stranger could have everything recorded, or nothing.
func (t *Tracing) Serve(ctx context.Context, method string, header http.Header, known bool) (context.Context, Span) {
	if t.propagator != nil && known {
		ctx = t.propagator.Extract(ctx, propagation.HeaderCarrier(header))
	}
	ctx, span := t.tracer.Start(ctx, method, trace.WithSpanKind(trace.SpanKindServer))
	return ctx, Span{span}
}

// Call begins the span of a request that this server makes to somebody else, for what began in origin,
// and names it in header.
func (t *Tracing) Call(ctx context.Context, origin Origin, method string, header http.Header) (context.Context, Span) {
	if t == nil {
		return ctx, Span{}
	}
	ctx, span := t.tracer.Start(trace.ContextWithRemoteSpanContext(ctx, origin.span), method, trace.WithSpanKind(trace.SpanKindClient))
	if t.propagator != nil {
		t.propagator.Inject(ctx, propagation.HeaderCarrier(header))
	}
	return ctx, Span{span}
}

// Start begins a span inside of that of a request. Outside of one, such as in work in the background,
// there is none: it would be a trace of its own, again and again.
func (t *Tracing) Start(ctx context.Context, name string) (context.Context, Span) {
	if t == nil || !trace.SpanFromContext(ctx).IsRecording() {
		return ctx, Span{}
	}
	ctx, span := t.tracer.Start(ctx, name)
	return ctx, Span{span}
}

// Database begins the span of one trip to the database of a system such as "postgresql". What is
// called in the end takes the error. It has the signature of store.Tracer.
func (t *Tracing) Database(ctx context.Context, system, what string) (context.Context, func(error)) {
	if !trace.SpanFromContext(ctx).IsRecording() {
		return ctx, func(error) {}
	}
	ctx, span := t.tracer.Start(ctx, what, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(
		attribute.String("db.system.name", system), attribute.String("db.query.summary", what),
	))
	return ctx, Span{span}.End
}
