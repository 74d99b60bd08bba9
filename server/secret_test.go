package server_test

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/grantd/grantd/server"
)

// The rule for scanners in docs/operating.md.
var clientSecret = regexp.MustCompile(`^grantd_cs_[0-9A-Za-z]{49}$`)

func TestNewClientSecret(t *testing.T) {
	seen, digits := map[string]bool{}, map[rune]int{}
	const made = 2000
	for range made {
		secret := server.NewClientSecret()
		if !clientSecret.MatchString(secret) || server.Miscopied(secret) || seen[secret] {
			t.Fatalf("made %q", secret)
		}
		seen[secret] = true
		for _, c := range secret[len("grantd_cs_") : len(secret)-6] {
			digits[c]++
		}
	}
	// Each digit comes up 1387 times, give or take 37: seven times that is chance for nobody.
	for c, n := range digits {
		if mean := made * 43 / 62; n < mean-260 || n > mean+260 {
			t.Errorf("the digit %c comes up %d times, want about %d", c, n, mean)
		}
	}
	if len(digits) != 62 {
		t.Errorf("%d digits are used, want 62", len(digits))
	}
}

// Scanners elsewhere know the format: it stays.
func TestClientSecretFormat(t *testing.T) {
	const golden = "grantd_cs_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg2B3trf"
	for name, c := range map[string]struct {
		secret string
		wrong  bool
	}{
		"as it was made":                 {golden, false},
		"a digit mistyped":               {strings.Replace(golden, "7", "8", 1), true},
		"two digits swapped":             {strings.Replace(golden, "ab", "ba", 1), true},
		"the checksum mistyped":          {golden[:len(golden)-1] + "_", true},
		"cut off":                        {golden[:len(golden)-1], true},
		"the prefix alone":               {"grantd_cs_", true},
		"one digit more":                 {golden + "0", true},
		"from before there was a prefix": {"dGhpcyBpcyBhIHNlY3JldCBvZiB0aGlydHktdHdvIGJ5", false},
		"from elsewhere":                 {"dev-service-secret", false},
		"none":                           {"", false},
	} {
		if got := server.Miscopied(c.secret); got != c.wrong {
			t.Errorf("%s: %q wrong: %v, want %v", name, c.secret, got, c.wrong)
		}
	}
}

// A secret that cannot be one is refused as any other that is wrong, and nobody asks the database.
func TestMiscopiedSecret(t *testing.T) {
	s := newSystem(t)
	ask := func(id, secret string) reply {
		return s.post("/token", form("grant_type", "client_credentials"), as(id, secret))
	}
	secret := server.NewClientSecret()
	if err := s.db.SetClientSecret(t.Context(), "service", server.HashSecret(secret), s.clock.Now(), s.clock.Now()); err != nil {
		t.Fatal(err)
	}
	ask("service", secret).wantOK(t)
	want := ask("service", "wrong").body
	for _, id := range []string{"service", "nobody"} {
		res := ask(id, secret[:len(secret)-1])
		res.wantRefusal(t, http.StatusUnauthorized, "invalid_client", basicChallenge)
		if res.str("error_description") != "client authentication failed" {
			t.Errorf("got %s, want as %s", res.body, want)
		}
	}
	if !strings.Contains(s.log.String(), "the checksum of the client secret is wrong") {
		t.Error("the log does not say why")
	}
	if strings.Contains(s.log.String(), secret[:20]) {
		t.Error("the log has the secret")
	}
	if err := s.db.Close(); err != nil {
		t.Fatal(err)
	}
	ask("another", secret[:len(secret)-1]).wantRefusal(t, http.StatusUnauthorized, "invalid_client", basicChallenge)
}

func TestTwoSecrets(t *testing.T) {
	s := newSystem(t)
	ask := func(secret string) reply {
		return s.post("/token", form("grant_type", "client_credentials"), as("service", secret))
	}
	refused := func(secret string) {
		t.Helper()
		ask(secret).wantRefusal(t, http.StatusUnauthorized, "invalid_client", basicChallenge)
	}
	replace := func(secret string, overlap time.Duration) {
		t.Helper()
		now := s.clock.Now()
		if err := s.db.ReplaceClientSecret(t.Context(), "service", server.HashSecret(secret), now.Add(overlap), now, now.Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		s.sync()
	}
	ask(serviceSecret).wantOK(t)
	replace("second", 24*time.Hour)
	ask("second").wantOK(t)
	for range 3 {
		ask(serviceSecret).wantOK(t)
	}
	refused("third")
	s.wantOldSecretUsed(1)
	s.clock.Add(time.Hour)
	ask(serviceSecret).wantOK(t)
	s.wantOldSecretUsed(2)

	s.clock.Add(23*time.Hour - time.Millisecond)
	s.sync()
	ask(serviceSecret).wantOK(t)
	s.clock.Add(time.Millisecond) // what is remembered of the client tells when it is over
	refused(serviceSecret)
	ask("second").wantOK(t)

	replace("third", time.Hour)
	refused(serviceSecret)
	ask("second").wantOK(t)
	if err := s.db.DropOldSecret(t.Context(), "service", s.clock.Now(), s.clock.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	s.sync() // twice a second
	refused("second")
	ask("third").wantOK(t)
	refused("")
}

// wantOldSecretUsed counts the events that tell of an old secret.
func (s *system) wantOldSecretUsed(want int) {
	s.t.Helper()
	got := 0
	for line := range strings.Lines(s.log.String()) {
		var e struct{ Event, Client, GoodUntil string }
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			s.t.Fatal(err)
		}
		if e.Event == "client.old_secret_used" {
			got++
			if e.Client != "service" {
				s.t.Errorf("the event is %s", line)
			}
		}
	}
	if got != want {
		s.t.Errorf("%d events client.old_secret_used, want %d", got, want)
	}
}
