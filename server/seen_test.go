package server_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// useUp lets strangers use up their guesses at an account.
func (s *system) useUp(username string) {
	s.t.Helper()
	for i := range 31 {
		s.guesses(fmt.Sprintf("198.51.100.%d", i), username, 1)
	}
	s.guess("203.0.113.1", username, password).wantLimited(s.t)
}

// However many others log in from however many addresses, each stays known to whom it is.
func TestKnownPlacesAreNotCrowdedOut(t *testing.T) {
	s, _ := limited(t)
	s.guess("192.0.2.1", "ann", password).wantOK(t)
	for i := range 200_000 {
		s.srv.NoteSeen(fmt.Sprintf("2001:db8:%x:%x::/64", i>>16, i&0xffff), "u-bob")
	}
	s.useUp("ann")
	s.guess("192.0.2.1", "ann", password).wantOK(t)
}

// A place is known to all servers soon, and not after their next start.
func TestKnownPlacesOfOtherServers(t *testing.T) {
	s, _ := limited(t)
	other := s.beside(-5 * time.Second)
	s.guess("192.0.2.1", "ann", password).wantOK(t)
	other.useUp("ann")
	if err := other.srv.RecallSeen(t.Context()); err != nil {
		t.Fatal(err)
	}
	other.guess("192.0.2.1", "ann", password).wantOK(t)
	// What came since the last look is read alone, and none of it is missed.
	s.guess("192.0.2.2", "ann", password).wantOK(t)
	other.guess("192.0.2.2", "ann", password).wantLimited(t)
	if err := other.srv.RecallSeen(t.Context()); err != nil {
		t.Fatal(err)
	}
	other.guess("192.0.2.2", "ann", password).wantOK(t)
}

// Where somebody signed up they have been, too.
func TestKnownPlaceOfSignUp(t *testing.T) {
	s, _ := limited(t)
	b := s.browser()
	b.open("/signup")
	b.fill("Username", "zoe")
	b.fill("Password", password)
	b.press("Create account", at("192.0.2.7"))
	s.useUp("zoe")
	s.guess("192.0.2.7", "zoe", password).wantOK(t)
}

// Guesses at one name of an account tell nothing of its other name: whether somebody has both is nobody's business.
func TestNamesOfAnAccountAreCountedApart(t *testing.T) {
	s, _ := limited(t)
	for _, name := range []string{"ann", "nobody"} {
		s.useUp(name)
		if n := s.guesses("203.0.113.2", name+"@example.com", 31); n != 30 {
			t.Errorf("%d guesses at %s@example.com", n, name)
		}
		s.guess("203.0.113.2", name+"@example.com", "a wrong password").wantLimited(t)
	}
	if log := s.log.String(); !strings.Contains(log, `"account_limit"`) || strings.Contains(log, `"place_limit"`) {
		t.Error("the limit of the email passes for that of a place")
	}
	s.clock.Add(24 * time.Hour)

	// A right password at a known place forgets those before by the same name.
	for range 3 {
		s.guess("192.0.2.1", "ann@example.com", password).wantOK(t)
		if n := s.guesses("192.0.2.1", "ann@example.com", 8); n != 8 {
			t.Errorf("%d guesses at a known place", n)
		}
	}
	// An operator lifts both.
	s.useUp("ann")
	s.useUp("ann@example.com")
	if n, err := s.db.FillBuckets(t.Context(), "account u-ann"); err != nil || n != 3 {
		t.Fatal(n, err)
	}
	s.clock.Add(5 * time.Second)
	s.guess("203.0.113.1", "ann", password).wantOK(t)
	s.guess("203.0.113.2", "ann@example.com", password).wantOK(t)
}

// Whoever has an account, and an address of their own, learns from no limit there which other accounts exist.
func TestLimitsAtAnAddressOfOnesOwn(t *testing.T) {
	s, _ := limited(t)
	s.guess("192.0.2.1", "bob", password).wantOK(t)
	for _, name := range []string{"ann", "eve", "nobody1", "nobody2", "nobody3", "nobody4", "nobody5", "nobody6", "nobody7", "nobody8"} {
		s.clock.Add(12 * time.Hour)
		if n := s.guesses("192.0.2.1", name, 31); n != 30 {
			t.Errorf("%d guesses at %s", n, name)
		}
	}
	// Where others log in, too, some who do not exist look as if they were among them.
	s.guess("192.0.2.2", "bob", password).wantOK(t)
	s.guess("192.0.2.2", "ann", password).wantOK(t)
	known := 0
	for i := range 32 {
		s.clock.Add(12 * time.Hour)
		if s.guesses("192.0.2.2", fmt.Sprint("nobody", i), 11) == 10 {
			known++
		}
	}
	if known == 0 || known == 32 {
		t.Errorf("%d of 32 look as if they were known", known)
	}
}
