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

	"github.com/grantd/grantd/server"
)

// documented is a system of which every metric that there is has a value.
func documented(t testing.TB) metrics {
	s := walked(t)
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
	return s.metrics()
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
