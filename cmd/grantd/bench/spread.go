package bench

import (
	"context"
	"crypto/rand"
	"fmt"
	mathrand "math/rand/v2"
	"time"

	"github.com/grantd/grantd/scopes"
	"github.com/grantd/grantd/server/token"
	"github.com/grantd/grantd/store"
)

// addedAtOnce is how many authorizations go into one transaction.
const addedAtOnce = 10_000

// authorize adds n authorizations of clients, and tells each of them. They come in the order of all indexes: a database of
// ten million is filled in minutes, not in hours.
func (s *stage) authorize(ctx context.Context, n int, tell func(store.Grant) error, clients ...string) error {
	now := time.Now().Truncate(time.Millisecond)
	for done := 0; done < n; {
		batch := make([]store.Grant, min(n-done, addedAtOnce))
		for i := range batch {
			at := done + i
			batch[i] = store.Grant{
				ID: idAt(at, n), ClientID: clients[at*len(clients)/n], UserID: s.users[at*len(s.users)/n], Scope: []string{"me", "items"},
				Generation: 1, AuthTime: now, CreatedAt: now, RotatedAt: now, ExpiresAt: now.Add(refreshTTL), MaxExpiresAt: now.Add(refreshMost),
			}
		}
		if err := s.db.CreateGrants(ctx, batch); err != nil {
			return fmt.Errorf("add authorizations: %w", err)
		}
		done += len(batch)
		if tell == nil {
			continue
		}
		for _, g := range batch {
			if err := tell(g); err != nil {
				return err
			}
		}
	}
	return nil
}

// idAt is an id like those of rand.Text, but that its first letters are the place i among n.
func idAt(i, n int) string {
	const alphabet = "234567ABCDEFGHIJKLMNOPQRSTUVWXYZ" // that of rand.Text, in order
	id := []byte(rand.Text())
	for at, letter := i*(1<<30)/n, 5; letter >= 0; at, letter = at/32, letter-1 {
		id[letter] = alphabet[at%32]
	}
	return string(id)
}

// spread is a choice of the authorizations that are in a database, from all over it. They are taken by turns.
type spread struct {
	ids   []string
	every int // so many authorizations are there for each that is chosen
	seen  int
	taken int
}

// spreadMost is about how many are chosen at most.
const spreadMost = 100_000

func newSpread(authorizations int) *spread { return &spread{every: max(authorizations/spreadMost, 1)} }

func (s *spread) note(g store.Grant) error {
	if s.seen++; s.seen%s.every == 0 {
		s.ids = append(s.ids, g.ID)
		last := len(s.ids) - 1
		at := mathrand.IntN(last + 1) // in the end they are in no order
		s.ids[at], s.ids[last] = s.ids[last], s.ids[at]
	}
	return nil
}

func (s *spread) take() (id string) {
	s.taken++
	return s.ids[s.taken%len(s.ids)]
}

// chains gives the refresh tokens of n authorizations. They are from all over the database as far as there are so many: what
// was added last lies close together, and would make a large database look like a small one.
func (s *stage) chains(ctx context.Context, n int) (all []*chain, err error) {
	refresher := token.NewRefresher(s.master, s.issuer, time.Now)
	add := func(g store.Grant) error {
		raw, err := refresher.Mint(token.Refresh{
			Subject: g.UserID, ClientID: g.ClientID, Scope: scopes.Set(g.Scope), GrantID: g.ID,
			Generation: g.Generation, IssuedAt: g.RotatedAt, ExpireAt: g.ExpiresAt,
		})
		all = append(all, &chain{client: g.ClientID, refresh: []byte(raw)})
		return err
	}
	for range min(n, len(s.spread.ids)) {
		g, err := s.db.Grant(ctx, s.spread.take())
		if err != nil {
			return nil, err
		}
		if err := add(g); err != nil {
			return nil, err
		}
	}
	err = s.authorize(ctx, n-len(all), add, s.apps...)
	return all, err
}
