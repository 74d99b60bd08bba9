package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/golang-jwt/jwt/v5"
)

// crashClient refreshes as fast as it can and remembers what it was told.
type crashClient struct {
	grant   string
	held    tokens // the last that it was given
	before  tokens // the ones before those
	answers int
}

const crashClients = 6

// Whatever the moment of a kill -9: each client goes on with the last refresh
// token that it was given, and no revocation that was answered is forgotten.
func TestKilledServerLosesNothing(t *testing.T) {
	t.Parallel()
	database := "sqlite:" + filepath.Join(t.TempDir(), "grantd.db")
	dev := []string{"dev", "--database", database, "--issuer", "http://localhost"}
	s := start(t, dev...)
	clients := make([]*crashClient, crashClients)
	for i := range clients {
		clients[i] = newCrashClient(t, s, fmt.Sprintf("user%d", i))
	}
	revoked := newCrashClient(t, s, "revoked")
	for round := range 3 {
		wantStatus(t, "revoke", s.post("/revoke", form("client_id", "dev", "token", revoked.held.Refresh)), 200)
		killUnderLoad(t, s, clients, int64(40*(round+1)))
		wantGenerations(t, database, clients)

		s = start(t, dev...)
		wantStatus(t, "a revoked refresh token", refresh(s, revoked.held.Refresh), 400, "invalid_grant")
		wantStatus(t, "its access token", s.get("/status/", revoked.held.Access), 401, "invalid_token")
		for _, c := range clients {
			c.goOn(t, s)
		}
		revoked = newCrashClient(t, s, fmt.Sprintf("revoked%d", round))
	}
	// After all that, reuse is still reuse.
	wantStatus(t, "a repeat inside the grace", refresh(s, clients[0].before.Refresh), 200)
	last := tokensOf(t, refresh(s, clients[0].held.Refresh))
	wantStatus(t, "reuse", refresh(s, clients[0].before.Refresh), 400, "used before")
	wantStatus(t, "what reuse revoked", refresh(s, last.Refresh), 400, "revoked")
	s.mustStop(t)
}

func newCrashClient(t *testing.T, s *process, username string) *crashClient {
	t.Helper()
	held := login(t, s, username)
	return &crashClient{grant: refreshClaims(t, held.Refresh).Grant, held: held}
}

// claims are those of a refresh token.
type claims struct {
	jwt.RegisteredClaims
	Grant      string `json:"gid"`
	Generation int64  `json:"gen"`
}

func refreshClaims(t *testing.T, token string) (c claims) {
	t.Helper()
	if _, _, err := jwt.NewParser().ParseUnverified(token, &c); err != nil {
		t.Fatal(err)
	}
	return c
}

// killUnderLoad lets all clients refresh, kills the server after so many answers
// while they go on, and waits for their last requests to fail.
func killUnderLoad(t *testing.T, s *process, clients []*crashClient, after int64) {
	t.Helper()
	var answered atomic.Int64
	var running sync.WaitGroup
	enough := make(chan struct{})
	for _, c := range clients {
		running.Go(func() {
			for {
				a := refresh(s, c.held.Refresh)
				if a.err != nil {
					return // the answer was lost
				}
				if a.status != 200 {
					t.Errorf("while it ran: %v", a)
					return
				}
				var given tokens
				if err := json.Unmarshal([]byte(a.body), &given); err != nil {
					t.Error(err)
					return
				}
				c.before, c.held = c.held, given
				c.answers++
				if answered.Add(1) == after {
					close(enough)
				}
			}
		})
	}
	select {
	case <-enough:
	case <-s.ended:
		t.Errorf("it ended by itself: %s", s.Log.String())
	}
	s.kill()
	running.Wait()
}

// wantGenerations wants each authorization where its client was told, or one
// further when the answer was lost. A token ahead of its row would be accepted,
// so only the row tells.
func wantGenerations(t *testing.T, database string, clients []*crashClient) {
	t.Helper()
	listed := map[string]int64{}
	for _, g := range decode[[]grantView](t, mustRun(t, "", "grant", "list", "--database", database, "--output", "json")) {
		listed[g.ID] = g.Generation
	}
	for _, c := range clients {
		told, row := refreshClaims(t, c.held.Refresh).Generation, listed[c.grant]
		if row != told && row != told+1 {
			t.Errorf("told generation %d, the row has %d", told, row)
		}
	}
}

// goOn refreshes with the last token given. Was the next answer lost, it is one
// behind its row and gets the successor that it missed.
func (c *crashClient) goOn(t *testing.T, s *process) {
	t.Helper()
	told := refreshClaims(t, c.held.Refresh).Generation
	given := tokensOf(t, refresh(s, c.held.Refresh))
	if got := refreshClaims(t, given.Refresh).Generation; got != told+1 {
		t.Errorf("generation %d follows %d", got, told)
	}
	wantStatus(t, "a new access token", s.get("/users/me/", given.Access), 200)
	c.before, c.held = c.held, given
}
