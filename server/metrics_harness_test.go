package server_test

import (
	"bufio"
	"maps"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/grantd/grantd/server"
	"github.com/grantd/grantd/store"
)

// metrics are what GET /metrics of the operator's listener answered.
type metrics struct {
	t      testing.TB
	text   string
	kinds  map[string]string // of families
	help   map[string]string
	labels map[string]map[string]bool // of families, "le" of histograms left out
	values map[string]float64         // by "name{label="value"}", as Prometheus has it
}

var sample = regexp.MustCompile(`^([a-z_0-9]+)(\{(.*)\})? (\S+)$`)

// label is one of a sample. Values of ours have nothing that is escaped.
var label = regexp.MustCompile(`([a-z_]+)="([^"\\]*)"`)

// metrics asks as Prometheus does.
func (s *system) metrics() metrics {
	s.t.Helper()
	w := httptest.NewRecorder()
	s.srv.Ops().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if w.Code != 200 {
		s.t.Fatalf("/metrics: %d %s", w.Code, w.Body)
	}
	return readMetrics(s.t, w.Body.String())
}

func readMetrics(t testing.TB, text string) metrics {
	t.Helper()
	m := metrics{t, text, map[string]string{}, map[string]string{}, map[string]map[string]bool{}, map[string]float64{}}
	for lines := bufio.NewScanner(strings.NewReader(text)); lines.Scan(); {
		line := lines.Text()
		if kind, ok := strings.CutPrefix(line, "# TYPE "); ok {
			name, kind, _ := strings.Cut(kind, " ")
			m.kinds[name], m.labels[name] = kind, map[string]bool{}
			continue
		}
		if help, ok := strings.CutPrefix(line, "# HELP "); ok {
			name, help, _ := strings.Cut(help, " ")
			m.help[name] = help
			continue
		}
		parts := sample.FindStringSubmatch(line)
		if parts == nil {
			t.Fatalf("no sample: %q", line)
		}
		value, err := strconv.ParseFloat(parts[4], 64)
		if err != nil {
			t.Fatal(err)
		}
		m.values[parts[1]+parts[2]] = value
		for _, l := range label.FindAllStringSubmatch(parts[3], -1) {
			if l[1] != "le" && l[1] != "quantile" {
				m.labels[m.family(parts[1])][l[1]] = true
			}
		}
	}
	return m
}

// family is what a sample belongs to.
func (m metrics) family(name string) string {
	for _, suffix := range []string{"_bucket", "_sum", "_count"} {
		if base, ok := strings.CutSuffix(name, suffix); ok && (m.kinds[base] == "histogram" || m.kinds[base] == "summary") {
			return base
		}
	}
	return name
}

// own are the families that are ours, in order.
func (m metrics) own() []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(m.kinds)), func(name string) bool { return !strings.HasPrefix(name, "grantd_") })
}

// want checks the values of samples, "grantd_" left out.
func (m metrics) want(values map[string]float64) {
	m.t.Helper()
	for name, want := range values {
		if got, ok := m.values["grantd_"+name]; !ok || got != want {
			m.t.Errorf("%s is %v (there: %v), want %v", name, got, ok, want)
		}
	}
}

// walked is a system of which everything was asked that has a metric of its own.
func walked(t testing.TB, change ...func(*server.Options)) *system {
	s := newSystem(t, change...)
	if err := s.db.CreateClient(t.Context(), store.Client{
		ID: "full", Grants: []string{"password", "refresh_token"}, Scopes: []string{"me", "openid", "offline_access"}, CreatedAt: s.clock.Now(),
	}); err != nil {
		t.Fatal(err)
	}
	first := s.post("/token", form("grant_type", "password", "client_id", "full", "username", "ann", "password", password, "scope", "me openid offline_access"))
	for range 2 {
		s.post("/token", form("grant_type", "refresh_token", "client_id", "full", "refresh_token", first.str("refresh_token"))).wantOK(t)
	}
	s.post("/token", form("grant_type", "client_credentials"), as("service", serviceSecret)).wantOK(t)
	s.post("/token", form("grant_type", "password", "client_id", "app", "username", "ann", "password", "wrong")).wantError(t, 400, "invalid_grant")
	s.post("/token", form("grant_type", "made up", "client_id", "app")).wantError(t, 400, "unsupported_grant_type")
	s.get("/status/", bearer(first.str("access_token"))).wantOK(t)
	s.get("/users/me/", bearer(first.str("access_token"))).wantOK(t)
	s.get("/users/me/", bearer(first.str("access_token"))).wantOK(t)
	s.get("/users/me/items/", bearer(first.str("access_token")))
	s.post("/login", form("username", "ann", "password", password), header("Sec-Fetch-Site", "same-origin"))
	s.send("BREW", "/token", "")
	s.get("/nowhere/ann").wantError(t, 404, "not_found")
	probe := httptest.NewRecorder()
	s.srv.Ops().ServeHTTP(probe, httptest.NewRequest("GET", "/readyz", nil))
	return s
}
