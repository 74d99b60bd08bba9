package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/grantd/grantd/cmd/grantd/doctor"
)

// examine runs "grantd doctor" and gives what it could not tell. Nothing that is a MUST may fail.
func examine(t *testing.T, stdin string, args ...string) (untold []string, report doctor.Report) {
	t.Helper()
	status, stdout, stderr := grantd(t, stdin, append([]string{"doctor", "--output", "json"}, args...)...)
	if err := json.Unmarshal([]byte(stdout), &report); err != nil {
		t.Fatalf("%v: %s%s", err, stdout, stderr)
	}
	for _, r := range report.Results {
		if r.Outcome == doctor.CannotTell {
			untold = append(untold, r.Point)
		}
		// The password grant is the demo's, for who follows FastAPI's tutorial. HSTS would be for all that listens on
		// the machine.
		if r.Outcome == doctor.Fails && r.Point != "password_absent" && r.Point != "hsts" {
			t.Errorf("%s (%s): %s: %s", r.Point, r.Section, r.Claim, r.Evidence)
		}
	}
	if status != exitOK || stderr != "" {
		t.Errorf("exit status %d: %s", status, stderr)
	}
	return untold, report
}

func wantUntold(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("it could not tell %q, want %q", got, want)
	}
}

// grantd passes its own examination: with a public client over http, and with a confidential one over https.
func TestDoctorPassesGrantd(t *testing.T) {
	t.Parallel()
	t.Run("public client", func(t *testing.T) {
		t.Parallel()
		s := start(t, "dev", "--demo-listen", freePort)
		untold, _ := examine(t, "secret\ndemo-app-secret\n", s.URL, "--client", "dev", "--redirect-uri", "http://127.0.0.1/callback", "--user", "johndoe",
			"--other-client", demoAppID, "--other-client-secret-file", "-", "--scope", "me")
		wantUntold(t, untold, "tls_certificate", "tls_version", "plain_http", "hsts", "redirect_port", "refresh_secret")
	})
	t.Run("confidential client over TLS", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		files := certificateFiles{filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")}
		files.write(t, "doctor", time.Now())
		database := "sqlite:" + filepath.Join(dir, "grantd.db")
		s := start(t, "dev", "--tls-cert-file", files.cert, "--tls-key-file", files.key, "--database", database)
		secret := mustRun(t, "", "client", "add", "probe", "--database", database, "--kind", "web", "--output", "json",
			"--redirect-uri", "https://app.example/cb", "--scopes", "me items openid offline_access")
		var made struct {
			Secret string `json:"client_secret"`
		}
		if err := json.Unmarshal([]byte(secret), &made); err != nil || made.Secret == "" {
			t.Fatalf("%v: %s", err, secret)
		}
		secretFile := filepath.Join(dir, "secret")
		if err := os.WriteFile(secretFile, []byte(made.Secret), 0o600); err != nil {
			t.Fatal(err)
		}
		untold, report := examine(t, "secret\n", strings.Replace(s.URL, "http:", "https:", 1), "--ca-file", files.cert, "--client", "probe", "--client-secret-file", secretFile,
			"--redirect-uri", "https://app.example/cb", "--user", "johndoe", "--other-client", "dev")
		wantUntold(t, untold, "refresh_rotates")
		for _, r := range report.Results {
			if strings.Contains(r.Evidence, made.Secret) {
				t.Errorf("%s shows the secret", r.Point)
			}
		}
	})
}
