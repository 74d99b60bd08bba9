package main

import (
	"bufio"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/grantd/grantd/cmd/grantd/doctor"
)

// The doctor knows nothing of grantd: it signs in at the server of other people, consents, and tells what its pages lack.
func TestDoctorExaminesAForeignServer(t *testing.T) {
	t.Parallel()
	dir := copyFolder(t, "testdata/doctor")
	mustForeign(t, dir, "npm", "ci", "--ignore-scripts")
	server := foreign(t, dir, "node", "server.mjs")
	out, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Cancel(); server.Wait() })
	issuer, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	status, stdout, stderr := grantd(t, "any password\na secret of thirty characters.\n", "doctor", strings.TrimSpace(issuer), "--client", "app", "--user", "ann",
		"--redirect-uri", "https://app.example/cb", "--scope", "openid offline_access", "--other-client", "web", "--other-client-secret-file", "-", "--output", "json")
	wantFailure(t, status, stderr, "1 point of level MUST fails at http://127.0.0.1:")
	var report doctor.Report
	if err := json.Unmarshal([]byte(stdout), &report); err != nil {
		t.Fatalf("%v: %s", err, stdout)
	}
	found := map[doctor.Outcome][]string{}
	for _, r := range report.Results {
		found[r.Outcome] = append(found[r.Outcome], r.Point)
	}
	// Its pages for development can be framed. Its access tokens are no JWTs.
	if want := []string{"page_frames", "page_referrer"}; !slices.Equal(found[doctor.Fails], want) {
		t.Errorf("%q fail, want %q", found[doctor.Fails], want)
	}
	wantUntold(t, found[doctor.CannotTell], "tls_certificate", "tls_version", "plain_http", "hsts",
		"jwt_type", "jwt_claims", "jwt_audience", "jwt_signature", "jwt_times", "refresh_secret")
}
