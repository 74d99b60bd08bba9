package main

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/grantd/grantd/scopes"
	"github.com/grantd/grantd/server/token"
	"github.com/grantd/grantd/store"
)

// held is what an app keeps of an authorization: the last tokens it was given.
type held struct {
	grant           string
	gen             int64
	refresh, access string
	jti             string // of the access token
}

// newUser adds a user with that password hash.
func (rs *replicas) newUser(hash string) (store.User, error) {
	u := store.User{ID: rand.Text(), Username: "u" + rand.Text(), PasswordHash: hash, CreatedAt: time.Now()}
	return u, rs.db.CreateUser(rs.t.Context(), u)
}

// authorize begins an authorization without a password, as a browser's login would.
func (rs *replicas) authorize(user store.User) (held, error) {
	e := event{kind: loggedIn, grant: rand.Text(), replica: anywhere, start: rs.history.now(), status: 200, next: 1}
	now := time.Now().Truncate(time.Millisecond)
	g := store.Grant{
		ID: e.grant, ClientID: replicaClient, UserID: user.ID, Scope: []string{"me"}, Generation: e.next,
		AuthTime: now, CreatedAt: now, RotatedAt: now, ExpiresAt: now.Add(time.Hour), MaxExpiresAt: now.Add(2 * time.Hour),
	}
	if created, err := rs.db.CreateGrant(rs.t.Context(), g, ""); err != nil || !created {
		return held{}, fmt.Errorf("no authorization was made: %t, %w", created, err)
	}
	e.end = rs.history.now()
	rs.history.add(e)
	raw, err := rs.refresher.Mint(token.Refresh{
		Subject: user.ID, ClientID: replicaClient, Scope: scopes.Set{"me"}, GrantID: g.ID, Generation: g.Generation,
		IssuedAt: now, ExpireAt: g.ExpiresAt,
	})
	return held{grant: g.ID, gen: g.Generation, refresh: raw}, err
}

// login begins one with a password, whose hash takes longer than clients wait for
// anything else.
func (rs *replicas) login(username string) (held, event) {
	return rs.tokens(event{kind: loggedIn}, anywhere, func(p *process) answer {
		patient := &process{URL: p.URL, client: &http.Client{Transport: p.client.Transport, Timeout: answerTime}}
		return patient.post("/token", form("grant_type", "password", "client_id", replicaClient, "scope", "me", "username", username, "password", password))
	})
}

// refresh presents a refresh token and returns what was given for it, which is
// nothing when it was refused or the answer lost.
func (rs *replicas) refresh(h held, at int, stolen bool) (held, event) {
	return rs.tokens(event{kind: refreshed, grant: h.grant, gen: h.gen, stolen: stolen}, at, func(p *process) answer {
		return refresh(p, h.refresh)
	})
}

// tokens asks for tokens and takes them.
func (rs *replicas) tokens(e event, at int, ask func(p *process) answer) (given held, _ event) {
	e.start = rs.history.now()
	e.direct = at != anywhere
	at, a := rs.ask(at, ask)
	e.end, e.replica = rs.history.now(), at
	e.status, e.said = a.sense()
	if e.status == 200 {
		var err error
		if given, err = readTokens(a.body); err != nil {
			rs.t.Errorf("%v: %s", err, a.body)
		}
		e.next, e.refresh, e.jti = given.gen, given.refresh, given.jti
	}
	if e.grant == "" {
		e.grant = given.grant
	}
	rs.history.add(e)
	return given, e
}

func (rs *replicas) revoke(h held, at int) event {
	return rs.tell(event{kind: revoked, grant: h.grant}, at, func(p *process) answer {
		return p.post("/revoke", form("client_id", replicaClient, "token", h.refresh))
	})
}

// use calls a resource with the access token.
func (rs *replicas) use(h held, at int) event {
	return rs.tell(event{kind: used, grant: h.grant, jti: h.jti}, at, func(p *process) answer { return p.get("/status/", h.access) })
}

func (rs *replicas) tell(e event, at int, ask func(p *process) answer) event {
	e.start = rs.history.now()
	e.direct = at != anywhere
	at, a := rs.ask(at, ask)
	e.end, e.replica = rs.history.now(), at
	e.status, e.said = a.sense()
	rs.history.add(e)
	return e
}

// sense returns the status and, unless it is 200, what was wrong. Half an answer is none.
func (a answer) sense() (status int, said string) {
	if a.err != nil {
		return 0, a.err.Error()
	}
	if a.status == 200 {
		return a.status, ""
	}
	var refusal struct {
		Code string `json:"error"`
		Text string `json:"error_description"`
	}
	if json.Unmarshal([]byte(a.body), &refusal) != nil {
		return a.status, a.body
	}
	return a.status, refusal.Code + " " + refusal.Text
}

// readTokens reads an answer of the token endpoint, as somebody who trusts it.
func readTokens(body string) (h held, err error) {
	var given tokens
	if err := json.Unmarshal([]byte(body), &given); err != nil {
		return h, err
	}
	var access, refresh claims
	for raw, c := range map[string]*claims{given.Access: &access, given.Refresh: &refresh} {
		if _, _, err := jwt.NewParser().ParseUnverified(raw, c); err != nil {
			return h, err
		}
	}
	return held{refresh.Grant, refresh.Generation, given.Refresh, given.Access, access.ID}, nil
}
