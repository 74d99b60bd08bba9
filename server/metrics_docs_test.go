package server_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/grantd/grantd/scopes"
	"github.com/grantd/grantd/server"
	"github.com/grantd/grantd/server/token"
)

// standalone is the resource router on its own.
func (s *system) standalone() *server.Resources {
	s.t.Helper()
	ring, err := token.NewRing(token.ES256, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	verifier, err := scopes.NewVerifier(scopes.VerifierOptions{Issuer: s.opts.Issuer, Audience: s.opts.Issuer, Keys: ring})
	if err != nil {
		s.t.Fatal(err)
	}
	alone, err := server.NewResources(server.ResourceOptions{
		DB: s.db, Verifier: verifier, Issuer: s.opts.Issuer, URL: "http://127.0.0.1:1", BcryptCost: 4, MaxConcurrentHashes: 1, Version: "test", Now: s.clock.Now,
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return alone
}

// ofResources are the metrics of the resource router on its own.
func (s *system) ofResources(alone *server.Resources) metrics {
	answer := httptest.NewRecorder()
	alone.Ops().ServeHTTP(answer, httptest.NewRequest("GET", "/metrics", nil))
	return readMetrics(s.t, answer.Body.String())
}

// apart is a hasher as one with a process of its own, which died once.
type apart struct{ server.OwnHasher }

func (apart) Trouble() (died, unstarted uint64) { return 1, 0 }

// documented is a system of which every metric that there is has a value.
func documented(t testing.TB) metrics {
	s := walked(t, func(o *server.Options) { o.Hasher = apart{} })
	if _, err := server.RotateKey(t.Context(), s.db, s.master, s.opts.SigningAlg, s.clock.Now(), server.KeyLead); err != nil {
		t.Fatal(err)
	}
	if err := s.srv.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.srv.Expect("polling revocations")
	s.srv.Expect("sweeping expired rows")
	s.srv.Observed(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("for a 5xx") })).
		ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
	s.srv.WatchCertificate(s.clock.Now)
	m, alone := s.metrics(), s.ofResources(s.standalone())
	for name, kind := range alone.kinds { // those that it has beside
		if m.kinds[name] == "" {
			m.kinds[name], m.help[name], m.labels[name] = kind, alone.help[name], alone.labels[name]
		}
	}
	return m
}

// The table of docs/operating.md has every metric of ours, in order, and says what the metric says of itself.
func TestMetricsAreDocumented(t *testing.T) {
	doc, err := os.ReadFile("../docs/operating.md")
	if err != nil {
		t.Fatal(err)
	}
	m := documented(t)
	var table strings.Builder
	for _, name := range m.own() {
		labels := "`" + strings.Join(slices.Sorted(maps.Keys(m.labels[name])), "`, `") + "`"
		if labels == "``" {
			labels = ""
		}
		fmt.Fprintf(&table, "| `%s` | %s | %s | %s |\n", name, m.kinds[name], labels, m.help[name])
	}
	if !strings.Contains(string(doc), "| --- | --- | --- | --- |\n"+table.String()+"\n") {
		t.Errorf("the table of docs/operating.md should be:\n%s", table.String())
	}
}
