package authreq_test

import (
	"strings"
	"testing"

	"github.com/grantd/grantd/server/authreq"
)

// The example of RFC 7636 appendix B.
const (
	appendixVerifier  = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	appendixChallenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
)

func TestCheckChallenge(t *testing.T) {
	for _, c := range []struct {
		name, challenge, method string
		ok                      bool
	}{
		{"7636-4.3 S256", appendixChallenge, "S256", true},
		{"7636-4.3 none at all", "", "", true},
		{"7636-4.3 plain", appendixVerifier, "plain", false},
		{"7636-4.3 no method means plain", appendixChallenge, "", false},
		{"7636-4.3 another method", appendixChallenge, "s256", false},
		{"7636-4.3 a method alone", "", "S256", false},
		{"7636-4.2 too short", appendixChallenge[:42], "S256", false},
		{"7636-4.2 too long", appendixChallenge + "A", "S256", false},
		{"7636-4.2 padded", appendixChallenge + "=", "S256", false},
		{"7636-4.2 other alphabet", strings.Replace(appendixChallenge, "-", "+", 1), "S256", false},
		{"7636-4.2 bits that are no byte's", appendixChallenge[:42] + "N", "S256", false},
		{"7636-4.2 a line end inside", appendixChallenge[:42] + "\n", "S256", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := authreq.CheckChallenge(c.challenge, c.method); (err == nil) != c.ok {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestProves(t *testing.T) {
	short := strings.Repeat("s", 42)
	for _, c := range []struct {
		name, verifier, challenge string
		want                      bool
	}{
		{"7636-4.6 the right one", appendixVerifier, appendixChallenge, true},
		{"7636-4.6 another one", strings.ToLower(appendixVerifier), appendixChallenge, false},
		{"7636-4.6 the challenge itself", appendixChallenge, appendixChallenge, false},
		{"7636-4.6 no challenge", appendixVerifier, "", false},
		{"7636-4.1 too short, though right", short, "e77QfZE_ZbrKLgfRSYrTKAVZ0wyHp9pWrH6MbTO-HmA", false},
		{"7636-4.1 too long", strings.Repeat("s", 129), appendixChallenge, false},
		{"7636-4.1 other characters", appendixVerifier[:42] + "+", appendixChallenge, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := authreq.Proves(c.verifier, c.challenge); got != c.want {
				t.Errorf("%v", got)
			}
		})
	}
	for n, want := range map[int]bool{42: false, 43: true, 128: true, 129: false} {
		if got := authreq.ValidVerifier(strings.Repeat("~", n)); got != want {
			t.Errorf("%d characters: %v", n, got)
		}
	}
}
