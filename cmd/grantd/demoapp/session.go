package demoapp

import (
	"crypto/rand"
	"sync"
	"time"

	"golang.org/x/oauth2"
)

const (
	maxSessions = 1000
	sessionLife = 8 * time.Hour
	maxLogins   = 8 // tabs of one browser in which people may be on their way to sign in
	loginLife   = 15 * time.Minute
)

// session is what the app keeps of a browser. Tokens stay here: the browser gets
// nothing but the id.
type session struct {
	sync.Mutex
	id      string
	created time.Time
	logins  map[string]login // on their way, by state
	notice  string           // shown once
	leaving string           // state of the sign-out that the issuer has to answer
	user    *user            // nil: nobody is signed in
}

// login is what has to come back as it went (RFC 9700 §2.1).
type login struct {
	nonce, verifier string
	missing         []string // asked for besides what was allowed before
	began           time.Time
}

// user is who is signed in, and what the app may do for them.
type user struct {
	subject, sid string // of the ID token
	idToken      string
	claims, info map[string]any
	token        *oauth2.Token
	scope        string
	result       *result // of the last button, shown once
}

// sessions are all there are, in memory: when the app ends, people sign in again.
type sessions struct {
	now  func() time.Time
	mu   sync.Mutex
	byID map[string]*session
}

func newSessions(now func() time.Time) *sessions {
	return &sessions{now: now, byID: map[string]*session{}}
}

// find gives a session that is not over, or nil.
func (all *sessions) find(id string) *session {
	all.mu.Lock()
	defer all.mu.Unlock()
	s := all.byID[id]
	if s == nil || all.now().Sub(s.created) > sessionLife {
		delete(all.byID, id)
		return nil
	}
	return s
}

// add makes a session, in the place of the oldest when there are too many.
func (all *sessions) add() *session {
	all.mu.Lock()
	defer all.mu.Unlock()
	if len(all.byID) >= maxSessions {
		all.dropOldest()
	}
	s := &session{id: rand.Text(), created: all.now(), logins: map[string]login{}}
	all.byID[s.id] = s
	return s
}

func (all *sessions) dropOldest() {
	var oldest *session
	for _, s := range all.byID {
		if oldest == nil || s.created.Before(oldest.created) {
			oldest = s
		}
	}
	delete(all.byID, oldest.id)
}

// renew gives a session another id: one that somebody planted in the browser
// before people signed in must not be worth anything after.
func (all *sessions) renew(s *session) {
	all.mu.Lock()
	defer all.mu.Unlock()
	delete(all.byID, s.id)
	s.id, s.created = rand.Text(), all.now()
	all.byID[s.id] = s
}

// each calls do with every session, locked. A session may wait for the issuer
// meanwhile, and the issuer for us: so the list is not held.
func (all *sessions) each(do func(*session)) {
	all.mu.Lock()
	list := make([]*session, 0, len(all.byID))
	for _, s := range all.byID {
		list = append(list, s)
	}
	all.mu.Unlock()
	for _, s := range list {
		s.Lock()
		do(s)
		s.Unlock()
	}
}

// begin notes a sign-in that begins, and forgets the oldest when there are too many.
func (s *session) begin(now time.Time, missing ...string) (state string, l login) {
	if len(s.logins) >= maxLogins {
		oldest := ""
		for state, l := range s.logins {
			if oldest == "" || l.began.Before(s.logins[oldest].began) {
				oldest = state
			}
		}
		delete(s.logins, oldest)
	}
	state, l = rand.Text(), login{nonce: rand.Text(), verifier: oauth2.GenerateVerifier(), missing: missing, began: now}
	s.logins[state] = l
	return state, l
}

// finish gives the sign-in that began with state, once.
func (s *session) finish(state string, now time.Time) (l login, ok bool) {
	l, ok = s.logins[state]
	delete(s.logins, state)
	return l, ok && now.Sub(l.began) <= loginLife
}
