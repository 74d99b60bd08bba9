package doctor

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// results runs an examination and gives its results by point.
func results(t *testing.T, o Options, some []point) map[string]Result {
	t.Helper()
	found := map[string]Result{}
	report, err := examine(t.Context(), o, some, func(r Result) { found[r.Point] = r })
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Results) != len(some) || report.Requests > DefaultRequests {
		t.Errorf("%d results of %d points, %d requests", len(report.Results), len(some), report.Requests)
	}
	return found
}

// A server that does everything right passes: all that a client of its kind can tell is told.
func TestGoodServerPasses(t *testing.T) {
	t.Parallel()
	for client, untold := range map[string][]string{"app": {"refresh_secret"}, "web": {"refresh_rotates"}} {
		m := newModel(t, "")
		o := m.options()
		if o.Client.ID = client; client == "web" {
			o.Client.Secret = modelSecret
		}
		all := results(t, o, points)
		for _, p := range points {
			want := OK
			if slices.Contains(untold, p.id) {
				want = CannotTell
			}
			if r := all[p.id]; r.Outcome != want {
				t.Errorf("%s: %s is %s: %s", client, p.id, r.Outcome, r.Evidence)
			}
		}
		m.wantHidden(t, all)
	}
}

// wantHidden looks for codes, tokens and passwords in the evidence.
func (m *model) wantHidden(t *testing.T, all map[string]Result) {
	t.Helper()
	text, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range append(m.given, modelPassword, modelSecret) {
		if strings.Contains(string(text), secret) {
			t.Errorf("%q is in %s", secret, text)
		}
	}
}

// broken are the faults that take more than the server's code.
var broken = map[string]func(t *testing.T, m *model, o *Options){
	"issuer_url":      func(_ *testing.T, _ *model, o *Options) { o.Issuer += "/?tenant=1" },
	"tls_certificate": func(_ *testing.T, _ *model, o *Options) { o.Roots = nil },
	"refresh_secret":  func(_ *testing.T, _ *model, o *Options) { o.Client = Client{"web", modelSecret} },
	"plain_http": func(t *testing.T, m *model, o *Options) {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		plain := httptest.NewUnstartedServer(m.Config.Handler)
		plain.Listener.Close()
		plain.Listener = bothKinds{listener, m.TLS}
		plain.Start()
		t.Cleanup(plain.Close)
		m.URL = strings.Replace(plain.URL, "http:", "https:", 1)
		o.Issuer = m.URL
	},
}

// Every point is failed by a server that does everything right but for this one, and passed by one that does.
func TestEveryPointCanFail(t *testing.T) {
	t.Parallel()
	for _, p := range points {
		t.Run(p.id, func(t *testing.T) {
			t.Parallel()
			m := newModel(t, p.id)
			o := m.options()
			if change, ok := broken[p.id]; ok {
				change(t, m, &o)
			}
			some := []point{points[0], p}
			if p.id == points[0].id {
				some = some[:1]
			}
			all := results(t, o, some)
			r := all[p.id]
			if r.Outcome != Fails || r.Evidence == "" {
				t.Errorf("%s: %s", r.Outcome, r.Evidence)
			}
			if first := all[points[0].id]; first.Outcome != OK && p.id != points[0].id && p.id != "tls_certificate" {
				t.Errorf("the metadata: %s", first.Evidence)
			}
			m.wantHidden(t, all)
			t.Log(r.Evidence)
		})
	}
}

// The table is for people and programs: names are unique, sections have a document.
func TestPoints(t *testing.T) {
	seen := map[string]bool{}
	groups := []string{}
	for _, p := range points {
		if len(p.claim) > 61 || len(p.section) > len("RFC 6749 §4.1.2.1") {
			t.Errorf("%q, %q: columns are not as wide", p.claim, p.section)
		}
		if seen[p.id] || strings.ToLower(p.id) != p.id || p.claim == "" || !strings.HasPrefix(p.section, "RFC ") || !strings.Contains(p.section, " §") {
			t.Errorf("%+v", p)
		}
		seen[p.id] = true
		if len(groups) == 0 || groups[len(groups)-1] != p.group {
			groups = append(groups, p.group)
		}
	}
	if len(slices.Compact(slices.Sorted(slices.Values(groups)))) != len(groups) {
		t.Errorf("groups are torn: %q", groups)
	}
}

// Without a client and without a user nothing fails at a good server, and what cannot be told says what to name.
func TestLessIsKnown(t *testing.T) {
	t.Parallel()
	m := newModel(t, "")
	for _, forget := range []func(o *Options){
		func(o *Options) { *o = Options{Issuer: o.Issuer, Roots: o.Roots} },
		func(o *Options) { o.RedirectURI, o.User, o.Scope, o.Other = "", "", "", Client{} },
		func(o *Options) { o.User = "" },
	} {
		o := m.options()
		forget(&o)
		told := 0
		for _, r := range results(t, o, points) {
			switch {
			case r.Outcome == Fails:
				t.Errorf("%s: %s", r.Point, r.Evidence)
			case r.Outcome == OK:
				told++
			case !strings.Contains(r.Evidence, "--"):
				t.Errorf("%s does not say what to name: %s", r.Point, r.Evidence)
			}
		}
		if told < 20 {
			t.Errorf("only %d points could be told", told)
		}
	}
}

// A wrong password is tried once.
func TestWrongPassword(t *testing.T) {
	t.Parallel()
	m := newModel(t, "")
	o := m.options()
	o.Password = "a wrong password"
	tries := 0
	inner := m.Config.Handler
	m.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/sign-in" {
			tries++ // one request at a time
		}
		inner.ServeHTTP(w, r)
	})
	for _, r := range results(t, o, points) {
		if r.Outcome == Fails {
			t.Errorf("%s: %s", r.Point, r.Evidence)
		}
	}
	if tries != 1 || m.asked > 60 {
		t.Errorf("it was tried %d times, and the page was asked for %d times", tries, m.asked)
	}
}

// An examination that is stopped says so, and no more is asked.
func TestStopped(t *testing.T) {
	t.Parallel()
	m := newModel(t, "")
	ctx, cancel := context.WithCancel(t.Context())
	n := 0
	report, err := Run(ctx, m.options(), func(Result) {
		if n++; n == 20 {
			cancel()
		}
	})
	if err != context.Canceled || n != 20 || len(report.Results) != 20 {
		t.Errorf("%v after %d results", err, n)
	}
}

func TestOptions(t *testing.T) {
	for _, o := range []Options{
		{}, {Issuer: "auth.example.com"}, {Issuer: "ftp://auth.example.com"}, {Issuer: "https://ann:secret@auth.example.com"}, {Issuer: "https://a", User: "ann"},
		{Issuer: "https://a", Client: Client{ID: "app"}, User: "ann"}, {Issuer: "https://a", Client: Client{ID: "app"}, RedirectURI: "/cb"},
	} {
		if o.Check() == nil {
			t.Errorf("%+v is taken", o)
		}
	}
}

// Metadata are found for issuers with a path, also under the name that OpenID Connect has for them (RFC 8414 §3.1, §5).
func TestPathIssuer(t *testing.T) {
	for issuer, want := range map[string][]string{
		"https://a.example":    {"https://a.example/.well-known/oauth-authorization-server", "https://a.example/.well-known/openid-configuration"},
		"https://a.example/":   {"https://a.example/.well-known/oauth-authorization-server", "https://a.example/.well-known/openid-configuration"},
		"https://a.example/t1": {"https://a.example/.well-known/oauth-authorization-server/t1", "https://a.example/t1/.well-known/openid-configuration"},
	} {
		u, err := url.Parse(issuer)
		if err != nil {
			t.Fatal(err)
		}
		if got := (&exam{issuer: u}).wellKnown(); !slices.Equal(got, want) {
			t.Errorf("%s: %q", issuer, got)
		}
	}
}
