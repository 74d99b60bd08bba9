package telemetry_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/grantd/grantd/server/telemetry"
)

// Without a variable that asks for them there are no traces, and with one that cannot be followed no start.
func TestVariables(t *testing.T) {
	for _, x := range []struct {
		name string
		set  []string
		on   bool
		err  string
	}{
		{"nothing", nil, false, ""},
		{"the endpoint", []string{"OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318"}, true, ""},
		{"that of traces", []string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=https://localhost/v1/traces"}, true, ""},
		{"the exporter, at the usual port", []string{"OTEL_TRACES_EXPORTER=otlp"}, true, ""},
		{"an endpoint for metrics", []string{"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=http://localhost:4318"}, false, ""},
		{"disabled", []string{"OTEL_SDK_DISABLED=true", "OTEL_TRACES_EXPORTER=otlp"}, false, ""},
		{"disabled, and wrong", []string{"OTEL_SDK_DISABLED=TRUE", "OTEL_TRACES_EXPORTER=zipkin"}, false, ""},
		{"none", []string{"OTEL_TRACES_EXPORTER=none", "OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318"}, false, ""},
		{"another exporter", []string{"OTEL_TRACES_EXPORTER=zipkin"}, false, "set it to otlp"},
		{"gRPC", []string{"OTEL_TRACES_EXPORTER=otlp", "OTEL_EXPORTER_OTLP_PROTOCOL=grpc"}, false, "set OTEL_EXPORTER_OTLP_TRACES_PROTOCOL to http/protobuf"},
		{"gRPC, but not for traces", []string{"OTEL_TRACES_EXPORTER=otlp", "OTEL_EXPORTER_OTLP_PROTOCOL=grpc", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=http/protobuf"}, true, ""},
		{"gRPC, but no traces", []string{"OTEL_EXPORTER_OTLP_PROTOCOL=grpc"}, false, ""},
		{"an endpoint as of gRPC", []string{"OTEL_EXPORTER_OTLP_ENDPOINT=localhost:4317"}, false, "OTEL_EXPORTER_OTLP_ENDPOINT is no http or https URL"},
		{"an unknown propagator", []string{"OTEL_TRACES_EXPORTER=otlp", "OTEL_PROPAGATORS=b3"}, false, `names "b3"`},
		{"known propagators", []string{"OTEL_TRACES_EXPORTER=otlp", "OTEL_PROPAGATORS=tracecontext, baggage"}, true, ""},
		{"a timeout with a unit", []string{"OTEL_TRACES_EXPORTER=otlp", "OTEL_EXPORTER_OTLP_TIMEOUT=10s"}, false, "milliseconds"},
		{"an unknown compression", []string{"OTEL_TRACES_EXPORTER=otlp", "OTEL_EXPORTER_OTLP_COMPRESSION=zstd"}, false, "gzip"},
		{"headers", []string{"OTEL_TRACES_EXPORTER=otlp", "OTEL_EXPORTER_OTLP_HEADERS=a=b,c=d%20e"}, true, ""},
		{"no headers", []string{"OTEL_TRACES_EXPORTER=otlp", "OTEL_EXPORTER_OTLP_HEADERS=hunter2"}, false, "percent-encoded"},
		{"no such certificate", []string{"OTEL_TRACES_EXPORTER=otlp", "OTEL_EXPORTER_OTLP_CERTIFICATE=nowhere.pem"}, false, "nowhere.pem"},
		{"no such key", []string{"OTEL_TRACES_EXPORTER=otlp", "OTEL_EXPORTER_OTLP_CLIENT_KEY=nowhere.pem"}, false, "OTEL_EXPORTER_OTLP_CLIENT_KEY"},
	} {
		t.Run(x.name, func(t *testing.T) {
			for _, variable := range x.set {
				name, value, _ := strings.Cut(variable, "=")
				t.Setenv(name, value)
			}
			tracing, err := telemetry.NewTracing(t.Context(), "1", func(error) {})
			if (tracing != nil) != x.on || (err != nil) != (x.err != "") || err != nil && !strings.Contains(err.Error(), x.err) {
				t.Errorf("traces %v, error %v", tracing != nil, err)
			}
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Error("the error repeats what may be a secret")
			}
			if err := tracing.Close(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

// What passes is tried again, what does not is told, and nobody follows a redirect with the headers.
func TestSending(t *testing.T) {
	for _, x := range []struct {
		name     string
		statuses []int
		want     int32 // requests
		fails    string
	}{
		{"at once", []int{200}, 1, ""},
		{"the second time", []int{503, 200}, 2, ""},
		{"never", []int{400}, 1, "status 400"},
		{"elsewhere", []int{307}, 1, "status 307"},
	} {
		t.Run(x.name, func(t *testing.T) {
			var asked atomic.Int32
			web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(x.statuses[min(int(asked.Add(1)), len(x.statuses))-1])
			}))
			defer web.Close()
			t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", web.URL+"/")
			failed := make(chan error, 1)
			tracing, err := telemetry.NewTracing(t.Context(), "1", func(err error) { failed <- err })
			if err != nil {
				t.Fatal(err)
			}
			_, span := tracing.Serve(t.Context(), "GET", http.Header{}, false)
			span.Answered(telemetry.Answer{Code: 200})
			err = tracing.Close(t.Context())
			select {
			case err = <-failed:
			default:
			}
			if asked.Load() != x.want || (err != nil) != (x.fails != "") || err != nil && !strings.Contains(err.Error(), x.fails) {
				t.Errorf("asked %d times, error %v", asked.Load(), err)
			}
		})
	}
}
