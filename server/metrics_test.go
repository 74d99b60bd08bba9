package server_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/grantd/grantd/server"
)

func TestMetrics(t *testing.T) {
	s := walked(t)
	m := s.metrics()
	m.want(map[string]float64{
		`http_requests_total{grant_type="password",method="POST",outcome="ok",route="/token",status="2xx"}`:                  1,
		`http_requests_total{grant_type="password",method="POST",outcome="invalid_grant",route="/token",status="4xx"}`:       1,
		`http_requests_total{grant_type="refresh_token",method="POST",outcome="rotated",route="/token",status="2xx"}`:        1,
		`http_requests_total{grant_type="refresh_token",method="POST",outcome="repeated",route="/token",status="2xx"}`:       1,
		`http_requests_total{grant_type="other",method="POST",outcome="unsupported_grant_type",route="/token",status="4xx"}`: 1,
		`http_requests_total{grant_type="",method="GET",outcome="insufficient_scope",route="/users/me/items/",status="4xx"}`: 1,
		`http_requests_total{grant_type="",method="GET",outcome="not_found",route="none",status="4xx"}`:                      1,
		`http_requests_total{grant_type="",method="other",outcome="method_not_allowed",route="none",status="4xx"}`:           1,
		`http_request_duration_seconds_count{grant_type="password",method="POST",route="/token"}`:                            2,
		`http_request_duration_seconds_bucket{grant_type="refresh_token",method="POST",route="/token",le="+Inf"}`:            2,
		`http_requests_in_flight`: 0, `panics_total`: 0,
		`logins_total{outcome="ok"}`: 2, `logins_total{outcome="wrong_password"}`: 1, `logins_total{outcome="user_unknown"}`: 0,
		`refusals_total{reason="wrong_password"}`: 1, `refusals_total{reason="grant_type_unknown"}`: 1, `audit_failing`: 0,
		`password_hash_wait_seconds_count`: 3, `password_hash_duration_seconds_count`: 3, `password_hash_slots`: 4, `password_hash_running`: 0,
		`password_hash_refused_total`:                              0,
		`refresh_rotations_total{outcome="rotated"}`:               1,
		`refresh_rotations_total{outcome="repeated"}`:              1,
		`refresh_rotations_total{outcome="reused"}`:                0, // is there before it happens
		`tokens_issued_total{grant_type="password",kind="access"}`: 1, `tokens_issued_total{grant_type="password",kind="refresh"}`: 1,
		`tokens_issued_total{grant_type="password",kind="id"}`: 1, `tokens_issued_total{grant_type="refresh_token",kind="id"}`: 2,
		`tokens_issued_total{grant_type="client_credentials",kind="access"}`: 1, `tokens_issued_total{grant_type="client_credentials",kind="refresh"}`: 0,
		`cache_lookups_total{cache="owners",result="miss"}`: 1, `cache_lookups_total{cache="owners",result="hit"}`: 1, `cache_rows{cache="owners"}`: 1,
		`rotation_commit_size_count`: 2, `rotation_commit_size_sum`: 2,
		`readiness_probes_total{outcome="ok"}`: 1, `readiness_probes_total{outcome="failed"}`: 0,
		`revocations`: 0, `revocations_age_seconds`: 0, `clock_offset_seconds`: 0, `database_errors_total`: 0,
		`database_connections_max{pool="write"}`: 1, `backchannel_notices_waiting`: 0,
		`signing_key_since_timestamp_seconds{alg="ES256"}`: float64(s.clock.Now().Unix()),
	})
	for name := range m.kinds {
		if !regexp.MustCompile(`^(grantd|go|process|promhttp)_[a-z0-9_]+$`).MatchString(name) {
			t.Errorf("metric %s", name)
		}
	}
	if m.values["go_goroutines"] == 0 || m.values["process_start_time_seconds"] == 0 {
		t.Error("nothing is told of the runtime or the process")
	}
}

// What somebody sends, and whom a request is about, makes no series.
func TestMetricsAreBounded(t *testing.T) {
	s := walked(t)
	before := len(s.metrics().values)
	for _, odd := range []string{"x1", "x2", "x3", "x4"} {
		s.send("M"+odd, "/token", "")
		s.get("/" + odd)
		s.post("/token", form("grant_type", odd, "client_id", "app"))
		s.post("/token", form("grant_type", "password", "client_id", "app", "username", odd, "password", odd))
	}
	m := s.metrics()
	if got := len(m.values) - before; got > 0 {
		t.Errorf("%d series more than before", got)
	}
	for _, secret := range []string{`"ann`, "u-ann", `"x1`, `"app"`, `"full`, `"service`, password, "made up", "127.0.0.1", s.opts.Issuer} {
		if strings.Contains(m.text, secret) {
			t.Errorf("%q is in the metrics", secret)
		}
	}
}

// The operator's listener alone answers with metrics.
func TestMetricsArePrivate(t *testing.T) {
	s := newSystem(t)
	for _, path := range []string{"/metrics", "/metrics/", "//metrics", "/debug/pprof/", "/healthz", "/readyz"} {
		s.get(path).wantError(t, http.StatusNotFound, "not_found")
	}
	w := httptest.NewRecorder()
	s.srv.Ops().ServeHTTP(w, httptest.NewRequest("POST", "/metrics", nil))
	if w.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", w.Code)
	}
}

func TestMetricsOfTrouble(t *testing.T) {
	s := newSystem(t, func(o *server.Options) { o.Limits.Account = server.Rate{Burst: 2, Per: time.Hour} })
	old := s.login("me").str("refresh_token")
	for range 3 {
		s.post("/token", form("grant_type", "password", "client_id", "app", "username", "bob", "password", "wrong"))
	}
	for range 2 { // the second is a theft after the grace
		s.refresh(old)
		s.clock.Add(time.Minute)
	}
	panics := s.srv.Observed(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("at the disco") }))
	panics.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
	s.db.Close()
	s.post("/token", form("grant_type", "password", "client_id", "app", "username", "ann", "password", password)).wantError(t, 503, "temporarily_unavailable")
	s.srv.Ops().ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/readyz", nil))
	m := s.metrics()
	m.want(map[string]float64{
		`refresh_rotations_total{outcome="reused"}`: 1,
		`limited_total{limit="account"}`:            1, `limited_total{limit="address"}`: 0, `logins_total{outcome="limited"}`: 1,
		`revocations`:  1,
		`panics_total`: 1,
		`http_requests_total{grant_type="",method="GET",outcome="server_error",route="none",status="5xx"}`: 1,
		`readiness_probes_total{outcome="failed"}`:                                                         1,
		`revocations_age_seconds`: 120, // nobody polls here
	})
	if m.values["grantd_database_errors_total"] == 0 {
		t.Error("no error of the database was counted")
	}
}

// A task that never succeeds shows, too.
func TestMetricsOfTasks(t *testing.T) {
	s := newSystem(t)
	m := s.metrics()
	if _, ok := m.values[`grantd_task_failing{task="polling revocations"}`]; ok {
		t.Fatal("a task is there that nobody has set up")
	}
	s.srv.Expect("polling revocations")
	s.srv.Expect("sweeping expired rows")
	s.srv.Ran("sweeping expired rows", time.Second, errors.New("no"))
	m = s.metrics()
	m.want(map[string]float64{
		`task_interval_seconds{task="polling revocations"}`: 60,
		`task_failing{task="polling revocations"}`:          0, `task_failing{task="sweeping expired rows"}`: 1,
		`task_last_duration_seconds{task="sweeping expired rows"}`: 1,
	})
	since := m.values[`grantd_task_last_success_timestamp_seconds{task="sweeping expired rows"}`]
	if age := time.Since(time.UnixMilli(int64(since * 1000))); age < 0 || age > time.Minute {
		t.Errorf("the last success was %s ago, want since it was set up", age)
	}
	s.srv.Ran("sweeping expired rows", time.Second, nil)
	m = s.metrics()
	m.want(map[string]float64{`task_failing{task="sweeping expired rows"}`: 0})
	if m.values[`grantd_task_last_success_timestamp_seconds{task="sweeping expired rows"}`] < since {
		t.Error("the last success is before the first")
	}
}

// The resource router on its own has those that are of requests, its database and its passwords.
func TestMetricsOfResources(t *testing.T) {
	s := newSystem(t)
	alone := s.standalone()
	alone.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/status/", nil))
	m := s.ofResources(alone)
	m.want(map[string]float64{`http_requests_total{grant_type="",method="GET",outcome="invalid_token",route="/status/",status="4xx"}`: 1, `issuer_known`: 1})
	for _, name := range []string{"grantd_http_requests_in_flight", "grantd_password_hash_slots", `grantd_database_connections_max{pool="read"}`} {
		if _, ok := m.values[name]; !ok {
			t.Errorf("%s is missing", name)
		}
	}
	if _, ok := m.kinds["grantd_tokens_issued_total"]; ok {
		t.Error("it issues tokens")
	}
}

// What a request costs more because it is counted.
func BenchmarkCountRequest(b *testing.B) {
	s := newSystem(b)
	again := s.srv.Observed(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusOK) }))
	w, r := &discard{header: http.Header{}}, httptest.NewRequest("GET", "/", nil)
	b.Run("observed", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			again.ServeHTTP(w, r)
		}
	})
	b.Run("counted", func(b *testing.B) {
		count := s.srv.Counting(r)
		b.ReportAllocs()
		for b.Loop() {
			count()
		}
	})
	b.Run("counted by all", func(b *testing.B) {
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for count := s.srv.Counting(r); pb.Next(); {
				count()
			}
		})
	})
}
