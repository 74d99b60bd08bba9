package main

import (
	"bytes"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/grantd/grantd/cmd/grantd/bench"
	"github.com/grantd/grantd/store/storetest/pgtest"
)

// tiny makes a run as small as can be. What it measures says nothing.
var tiny = []string{
	"--for", "100ms", "--authorizations", "100", "--chains", "16", "--connections", "2", "--bcrypt-cost", "10", "--output", "json",
}

// benchmark runs "grantd bench" with those flags, and wants no folder to be left behind.
func benchmark(t *testing.T, stdin string, args ...string) (bench.Report, string) {
	t.Helper()
	temp := t.TempDir()
	cmd := exec.Command("grantd", append([]string{"bench"}, append(tiny, args...)...)...)
	cmd.Env = settings("TMPDIR=" + temp)
	cmd.Stdin = strings.NewReader(stdin)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %s", err, errs.String())
	}
	wantEmpty(t, temp)
	return decode[bench.Report](t, out.String()), out.String() + errs.String()
}

// wantOperations wants a report of these operations, in order, that all went well.
func wantOperations(t *testing.T, r bench.Report, want ...string) {
	t.Helper()
	var got []string
	for _, l := range r.Operations {
		got = append(got, l.Operation)
		part := strings.HasPrefix(l.Operation, "mix.")
		if l.Rate <= 0 || l.P50 <= 0 || l.P999 < l.P50 || l.Errors != 0 || l.FirstError != "" || len(l.Rates) != r.Runs {
			t.Errorf("%s: %+v", l.Operation, l)
		}
		if !part && (l.Limit <= 0 || l.Share <= 0 || l.RoundTrip+l.Hash <= 0) {
			t.Errorf("the limit of %s: %+v", l.Operation, l)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("measured %v, want %v", got, want)
	}
}

func wantSizes(t *testing.T, r bench.Report, want ...string) {
	t.Helper()
	for _, name := range want {
		if !slices.ContainsFunc(r.Sizing, func(s bench.Size) bool { return s.Name == name && s.Value > 0 && s.About != "" }) {
			t.Errorf("no %s in %v", name, r.Sizing)
		}
	}
}

func TestBenchMeasuresEverything(t *testing.T) {
	t.Parallel()
	r, _ := benchmark(t, "")
	wantOperations(t, r, bench.Operations()...)
	wantSizes(t, r, "active_users_per_core", "introspections_per_core", "resource_requests_per_core", "logins_per_second")
	if r.Start == nil || r.Start.NewDatabase <= 0 || r.Start.Database <= 0 || r.Version != version() || r.Database != "sqlite" {
		t.Errorf("%+v %+v", r, r.Start)
	}
	for _, l := range r.Operations {
		if (l.Statement > 0) != strings.HasPrefix(l.Operation, "refresh") {
			t.Errorf("%s: a statement of %v µs", l.Operation, l.Statement)
		}
		if (l.Alone != nil) != (l.Operation == "refresh_beside_password") {
			t.Errorf("%s: %+v", l.Operation, l.Alone)
		}
	}
}

func TestBenchMixesOverTLS(t *testing.T) {
	t.Parallel()
	r, _ := benchmark(t, "", "--tls", "--chains", "100", "--mix", "refresh=1,introspect=2,me=2", // each part needs all authorizations that there are
		"--cores", "0", "--rate", "200", "--for", "300ms")
	wantOperations(t, r, "mix", "mix.refresh", "mix.introspect", "mix.me")
	if !r.TLS || r.ServerCores != 0 || !strings.Contains(strings.Join(r.Notes, " "), "shared the machine's processors") {
		t.Errorf("%+v", r)
	}
	if n := int64(r.Operations[0].Requests) + r.Operations[0].Unsent; n != 60 {
		t.Errorf("%d of 60 requests", n)
	}
}

func TestBenchBesideGuesses(t *testing.T) {
	t.Parallel()
	r, _ := benchmark(t, "", "--operation", "me", "--guesses", "200")
	wantOperations(t, r, "me")
	if l := r.Operations[0]; l.Guesses == nil || l.Guesses.Sent <= 0 || l.Guesses.Wrong+l.Guesses.Busy <= 0 || l.Alone == nil || l.Alone.P99 <= 0 { // a slow machine has no turn for any
		t.Errorf("%+v %+v", l.Guesses, l.Alone)
	}
}

func TestBenchCounts(t *testing.T) {
	t.Parallel()
	r, _ := benchmark(t, "", "--operation", "refresh,introspect_first", "--for", "0s", "--count", "64")
	wantOperations(t, r, "refresh", "introspect_first")
	for _, l := range r.Operations {
		if l.Requests != 64 {
			t.Errorf("%s: %d requests, want 64", l.Operation, l.Requests)
		}
	}
	if m := r.AfterRefreshes; m.Refreshes != 64 || m.Authorizations != 16 {
		t.Errorf("%+v", m)
	}
}

func TestBenchOnPostgres(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	r, _ := benchmark(t, "", "--operation", "refresh,me", "--runs", "2", "--database", url)
	wantOperations(t, r, "refresh", "me")
	if r.Database != "postgres" {
		t.Error(r.Database)
	}
	// It is somebody's database now.
	cmd := exec.Command("grantd", "bench", "--operation", "me")
	cmd.Env = settings("GRANTD_BENCH_DATABASE=" + url)
	if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), "has clients or users") || strings.Contains(string(out), url) {
		t.Errorf("%v: %s", err, out)
	}
}

func TestBenchOfARunningServer(t *testing.T) {
	t.Parallel()
	s := start(t, "dev", "--password-bcrypt-cost", "4")
	login(t, s, "bench") // whose hash is quicker than johndoe's
	var remote []string
	for i := 0; i < len(tiny); i += 2 {
		if tiny[i] != "--authorizations" && tiny[i] != "--chains" {
			remote = append(remote, tiny[i], tiny[i+1])
		}
	}
	operations := []string{"refresh", "client_credentials", "introspect", "introspect_first", "me"}
	remote = append(remote, "--issuer", s.URL, "--user", "bench", "--service", "dev-service", "--operation", strings.Join(operations, ","))
	cmd := exec.Command("grantd", append([]string{"bench"}, remote...)...)
	cmd.Env, cmd.Stdin = settings("TMPDIR="+t.TempDir()), strings.NewReader(password+"\ndev-service-secret\n")
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, errs.String())
	}
	r := decode[bench.Report](t, string(out))
	wantOperations(t, r, operations...)
	if !r.Remote || r.Start != nil {
		t.Errorf("%+v", r)
	}
	for _, secret := range []string{password, "dev-service-secret", "eyJ"} {
		if strings.Contains(string(out)+errs.String(), secret) {
			t.Errorf("%q is told: %s%s", secret, out, errs.String())
		}
	}
}

func TestBenchMakesProfiles(t *testing.T) {
	t.Parallel()
	folder := t.TempDir() + "/new"
	benchmark(t, "", "--operation", "me", "--profiles", folder)
	for _, kind := range []string{"profile", "allocs"} {
		if text, err := os.ReadFile(folder + "/me." + kind + ".pprof"); err != nil || !bytes.HasPrefix(text, []byte{0x1f, 0x8b}) {
			t.Errorf("no profile: %v", err)
		}
	}
}
