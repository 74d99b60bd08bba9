package demoapp

import (
	"reflect"
	"testing"
	"time"
)

func TestSessionsAreBounded(t *testing.T) {
	now := time.Unix(1e9, 0)
	all := newSessions(func() time.Time { return now })
	first := all.add()
	for range maxSessions {
		now = now.Add(time.Second)
		all.add()
	}
	if len(all.byID) != maxSessions || all.find(first.id) != nil {
		t.Errorf("%d sessions, the oldest among them: %v", len(all.byID), all.find(first.id) != nil)
	}
}

func TestSessionsEnd(t *testing.T) {
	now := time.Unix(1e9, 0)
	all := newSessions(func() time.Time { return now })
	s := all.add()
	now = now.Add(sessionLife)
	if all.find(s.id) != s {
		t.Error("a session ends too early")
	}
	now = now.Add(1)
	if all.find(s.id) != nil || len(all.byID) != 0 {
		t.Error("a session does not end")
	}
}

// A session that somebody planted in a browser is worth nothing after the sign-in there.
func TestSessionIsRenewed(t *testing.T) {
	all := newSessions(time.Now)
	s := all.add()
	before := s.id
	all.renew(s)
	if all.find(before) != nil || all.find(s.id) != s {
		t.Error("the session keeps its id")
	}
}

func TestLogins(t *testing.T) {
	now := time.Unix(1e9, 0)
	s := newSessions(time.Now).add()
	first, begun := s.begin(now)
	second, _ := s.begin(now.Add(time.Second))
	if got, ok := s.finish(first, now.Add(loginLife)); !ok || !reflect.DeepEqual(got, begun) {
		t.Error("a sign-in is not found")
	}
	if _, ok := s.finish(first, now); ok {
		t.Error("a sign-in counts twice")
	}
	if _, ok := s.finish(second, now.Add(loginLife+2*time.Second)); ok {
		t.Error("a sign-in does not end")
	}
	if _, ok := s.finish("", now); ok {
		t.Error("no state is a sign-in")
	}
	oldest, _ := s.begin(now)
	for i := range maxLogins {
		s.begin(now.Add(time.Duration(i+1) * time.Second))
	}
	if _, ok := s.finish(oldest, now); ok || len(s.logins) != maxLogins {
		t.Errorf("%d sign-ins on their way, the oldest among them: %v", len(s.logins), ok)
	}
}
