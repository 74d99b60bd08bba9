package server_test

import (
	"compress/gzip"
	"context"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/grantd/grantd/server"
	"github.com/grantd/grantd/server/telemetry"
	"github.com/grantd/grantd/store"
)

// collector takes traces as the collector of OpenTelemetry does.
type collector struct {
	t       testing.TB
	url     string
	tracing *telemetry.Tracing

	mu     sync.Mutex
	bytes  []byte
	spans  []*tracepb.Span
	about  map[string]string // the resource
	asked  []*http.Request
	answer []int // statuses to give first
}

func newCollector(t testing.TB) *collector {
	c := &collector{t: t, about: map[string]string{}}
	web := httptest.NewServer(c)
	t.Cleanup(web.Close)
	c.url = web.URL
	return c
}

func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked = append(c.asked, r)
	if len(c.answer) > 0 {
		w.WriteHeader(c.answer[0])
		c.answer = c.answer[1:]
		return
	}
	var body io.Reader = r.Body
	if r.Header.Get("Content-Encoding") == "gzip" {
		body, _ = gzip.NewReader(r.Body)
	}
	text, err := io.ReadAll(body)
	if err != nil {
		c.t.Error(err)
	}
	c.bytes = append(c.bytes, text...)
	var sent tracepb.TracesData
	if err := proto.Unmarshal(text, &sent); err != nil {
		c.t.Error(err)
	}
	for _, rs := range sent.ResourceSpans {
		for _, a := range rs.Resource.Attributes {
			c.about[a.Key] = a.Value.GetStringValue()
		}
		for _, ss := range rs.ScopeSpans {
			c.spans = append(c.spans, ss.Spans...)
		}
	}
}

// traced makes a system send its traces to c, as variables say beside that of the endpoint.
func (c *collector) traced(o *server.Options) {
	c.t.Helper()
	var err error
	if c.tracing, err = telemetry.NewTracing(c.t.Context(), "1.2.3", func(err error) { c.t.Error(err) }); err != nil || c.tracing == nil {
		c.t.Fatal(c.tracing, err)
	}
	o.Tracing = c.tracing
	o.DB.Trace(c.tracing.Database)
}

// sent are all spans, once they were sent.
func (c *collector) sent() []*tracepb.Span {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := c.tracing.Close(ctx); err != nil {
		c.t.Fatal(err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.spans
}

// of are the spans of that name.
func of(spans []*tracepb.Span, name string) []*tracepb.Span {
	return slices.DeleteFunc(slices.Clone(spans), func(s *tracepb.Span) bool { return s.Name != name })
}

// below are the names of the spans whose parent is one.
func below(spans []*tracepb.Span, parent *tracepb.Span) (names []string) {
	for _, s := range spans {
		if string(s.ParentSpanId) == string(parent.SpanId) {
			names = append(names, s.Name)
		}
	}
	slices.Sort(names)
	return names
}

func attributes(s *tracepb.Span) map[string]any {
	all := map[string]any{}
	for _, a := range s.Attributes {
		if all[a.Key] = a.Value.GetStringValue(); all[a.Key] == "" {
			all[a.Key] = a.Value.GetIntValue()
		}
	}
	return all
}

func TestTraces(t *testing.T) {
	c := newCollector(t)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", c.url)
	t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", "Authorization=Basic%20c2VjcmV0")
	t.Setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")
	t.Setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test")
	s := newSystem(t, c.traced)
	login := s.login("me")
	refreshed := s.refresh(login.str("refresh_token"))
	refreshed.wantOK(t)
	s.post("/token", form("grant_type", "password", "client_id", "app", "username", "ann", "password", "wrong horse")).wantError(t, 400, "invalid_grant")
	s.get("/users/me/?password=in-the-query", bearer(refreshed.str("access_token"))).wantOK(t)
	s.get("/nowhere/path-of-a-stranger").wantError(t, 404, "not_found")
	s.post("/introspect", form("token", refreshed.str("access_token")), as("service", serviceSecret)).wantOK(t)
	spans := c.sent()

	tokens := of(spans, "POST /token")
	if len(tokens) != 3 {
		t.Fatalf("%d spans of /token in %v", len(tokens), spans)
	}
	for i, want := range [][]string{
		{"INSERT grants", "SELECT clients", "SELECT known_places", "SELECT users", "hash a password", "transaction", "wait for the hash pool"},
		{"UPDATE grants"},
		{"SELECT known_places", "SELECT users", "hash a password", "wait for the hash pool"},
	} {
		if got := below(spans, tokens[i]); !slices.Equal(got, want) {
			t.Errorf("below request %d: %q, want %q", i, got, want)
		}
	}
	got := attributes(tokens[1])
	for name, want := range map[string]any{
		"http.request.method": "POST", "http.route": "/token", "http.response.status_code": int64(200),
		"grantd.outcome": "rotated", "grantd.grant_type": "refresh_token", "grantd.request_id": refreshed.Header.Get("X-Request-Id"),
	} {
		if got[name] != want {
			t.Errorf("%s is %v, want %v", name, got[name], want)
		}
	}
	if tokens[1].Kind != tracepb.Span_SPAN_KIND_SERVER || len(tokens[1].ParentSpanId) != 0 {
		t.Errorf("%v", tokens[1])
	}
	if db := attributes(of(spans, "UPDATE grants")[0]); db["db.system.name"] != "sqlite" || db["db.query.summary"] != "UPDATE grants" {
		t.Errorf("%v", db)
	}
	if missed := of(spans, "GET"); len(missed) != 1 || attributes(missed[0])["http.route"] != nil {
		t.Errorf("the request without a route: %v", missed)
	}
	if id := hex.EncodeToString(tokens[0].TraceId); !strings.Contains(s.log.String(), `"trace_id":"`+id+`"`) {
		t.Error("the log does not name the trace")
	}
	if c.about["service.name"] != "grantd" || c.about["service.version"] != "1.2.3" || c.about["deployment.environment.name"] != "test" {
		t.Errorf("resource %v", c.about)
	}
	if r := c.asked[0]; r.Method != "POST" || r.URL.Path != "/v1/traces" || r.Header.Get("Content-Type") != "application/x-protobuf" || r.Header.Get("Authorization") != "Basic c2VjcmV0" {
		t.Errorf("asked %s %s %v", r.Method, r.URL, r.Header)
	}
	c.wantNothingSecret(login.str("refresh_token"), login.str("access_token"), refreshed.str("refresh_token"), refreshed.str("access_token"))
}

// wantNothingSecret looks for what nobody is to read who can read traces.
func (c *collector) wantNothingSecret(tokens ...string) {
	c.t.Helper()
	secrets := append(tokens, password, "wrong horse", serviceSecret, passwordHash, "in-the-query", "path-of-a-stranger", "u-ann", "ann@example.com", "127.0.0.1", "eyJ")
	for _, secret := range secrets {
		if strings.Contains(string(c.bytes), secret) {
			c.t.Errorf("%q was sent to the collector", secret)
		}
	}
	if regexp.MustCompile(`\bann\b`).Match(c.bytes) {
		c.t.Error("the username was sent to the collector")
	}
}

// A notice in the background belongs to the trace of the request that caused it, and its client is told so.
func TestTraceOfNotice(t *testing.T) {
	c := newCollector(t)
	t.Setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", c.url+"/traces")
	s := newSystem(t, c.traced)
	parents := make(chan string, 1)
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { parents <- r.Header.Get("traceparent") }))
	t.Cleanup(app.Close)
	s.addClient(store.Client{ID: "shop", BackchannelURI: app.URL + "/out?secret=of-the-app"})
	s.run(t)
	sid, cookie := s.join(t, "shop")
	s.get("/logout?id_token_hint="+s.idHint("u-ann", "shop", sid), cookie).wantOK(t)
	parent := <-parents
	s.logged(t, "backchannel_logout.delivered", "shop")
	spans := c.sent()
	from, told := of(spans, "GET /logout"), of(spans, "POST")
	if len(from) != 1 || len(told) != 1 || string(told[0].ParentSpanId) != string(from[0].SpanId) || told[0].Kind != tracepb.Span_SPAN_KIND_CLIENT {
		t.Fatalf("spans %v and %v", from, told)
	}
	if want := "00-" + hex.EncodeToString(told[0].TraceId) + "-" + hex.EncodeToString(told[0].SpanId) + "-01"; parent != want {
		t.Errorf("traceparent %q, want %q", parent, want)
	}
	if c.asked[0].URL.Path != "/traces" {
		t.Errorf("sent to %s", c.asked[0].URL)
	}
	if strings.Contains(string(c.bytes), "of-the-app") {
		t.Error("the query of the app's URI was sent")
	}
}

// A stranger cannot have everything recorded. A proxy that is trusted goes before our sampler.
func TestTraceparent(t *testing.T) {
	const theirs = "0af7651916cd43dd8448eb211c80319c"
	for _, x := range []struct {
		name, propagators, flags string
		trusted                  bool
		want                     int // spans
		joined                   bool
	}{
		{"from a stranger, sampled", "", "01", false, 0, false},
		{"from a proxy, sampled", "", "01", true, 1, true},
		{"from a proxy, not sampled", "", "00", true, 0, false},
		{"from a proxy, with OTEL_PROPAGATORS none", "none", "01", true, 0, false},
		{"from a proxy, with tracecontext alone", "tracecontext", "01", true, 1, true},
	} {
		t.Run(x.name, func(t *testing.T) {
			c := newCollector(t)
			t.Setenv("OTEL_TRACES_EXPORTER", "otlp")
			t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", c.url)
			t.Setenv("OTEL_PROPAGATORS", x.propagators)
			t.Setenv("OTEL_TRACES_SAMPLER", "parentbased_always_off")
			s := newSystem(t, c.traced, func(o *server.Options) {
				if x.trusted {
					o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
				}
			})
			s.get("/docs", header("traceparent", "00-"+theirs+"-b7ad6b7169203331-"+x.flags)).wantOK(t)
			spans := c.sent()
			if len(spans) != x.want {
				t.Fatalf("%d spans, want %d", len(spans), x.want)
			}
			if x.joined && hex.EncodeToString(spans[0].TraceId) != theirs {
				t.Errorf("trace %x", spans[0].TraceId)
			}
		})
	}
}
