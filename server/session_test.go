package server_test

import "testing"

func TestSignIn(t *testing.T) {
	s := newSystem(t)
	b := s.signedIn("ann")
	if b.heading() != "Your account" || b.status != 200 {
		t.Fatalf("%d %s", b.status, b.source)
	}
}
