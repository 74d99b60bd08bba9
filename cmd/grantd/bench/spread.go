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

// authorizeAll adds the authorizations that are asked for, and among them, as evenly as can be, those by which the limit is
// measured: what lies together costs less.
func (s *stage) authorizeAll(ctx context.Context) error {
	limits := min(statements, max(s.Authorizations, 64))
	n := s.Authorizations + limits
	every := n / limits
	app := s.appOf(n)
	return s.authorize(ctx, n, func(i int) string {
		if i%every == 0 && i/every < limits {
			return limitID
		}
		return app(i)
	}, s.spread.note)
}

// appOf shares n authorizations out among the clients that may refresh.
func (s *stage) appOf(n int) func(i int) string {
	return func(i int) string { return s.apps[i*len(s.apps)/n] }
}

// authorize adds n authorizations, each of the client that clientOf names, and tells each of them. They come in the order of
// the indexes: a database of ten million is filled in minutes, not in hours.
func (s *stage) authorize(ctx context.Context, n int, clientOf func(i int) string, tell func(store.Grant) error) error {
	now := time.Now().Truncate(time.Millisecond)
	for done := 0; done < n; {
		batch := make([]store.Grant, min(n-done, addedAtOnce))
		for i := range batch {
			at := done + i
			batch[i] = store.Grant{
				ID: idAt(at, n), ClientID: clientOf(at), UserID: s.users[at*len(s.users)/n], Scope: []string{"me", "items"},
				Generation: 1, AuthTime: now, CreatedAt: now, RotatedAt: now, ExpiresAt: now.Add(refreshTTL), MaxExpiresAt: now.Add(refreshMost),
			}
		}
		if err := s.db.CreateGrants(ctx, batch); err != nil {
			return fmt.Errorf("add authorizations: %w", err)
		}
		done += len(batch)
		s.filled(done, n)
		for _, g := range batch {
			if err := tell(g); err != nil {
				return err
			}
		}
	}
	return nil
}

// filled shows on a terminal how far a large database is.
func (s *stage) filled(done, n int) {
	switch {
	case !s.Live || n <= addedAtOnce:
	case done < n:
		fmt.Fprintf(s.Progress, wipe+"%d of %d authorizations", done, n)
	default:
		fmt.Fprint(s.Progress, wipe)
	}
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
	lent  int // of those that were taken, are in use
}

// spreadMost is about how many are chosen at most.
const spreadMost = 100_000

func newSpread(authorizations int) *spread { return &spread{every: max(authorizations/spreadMost, 1)} }

func (s *spread) note(g store.Grant) error {
	if g.ClientID == limitID {
		return nil
	}
	if s.seen++; s.seen%s.every == 0 {
		s.ids = append(s.ids, g.ID)
		last := len(s.ids) - 1
		at := mathrand.IntN(last + 1) // in the end they are in no order
		s.ids[at], s.ids[last] = s.ids[last], s.ids[at]
	}
	return nil
}

// take gives n of those that are not in use, or as many as there are: two that refresh the same authorization would each
// spend what the other was given.
func (s *spread) take(n int) (ids []string) {
	for range min(n, len(s.ids)-s.lent) {
		s.taken++
		s.lent++
		ids = append(ids, s.ids[s.taken%len(s.ids)])
	}
	return ids
}

// release says that none is in use any more.
func (s *spread) release() { s.lent = 0 }

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
	for _, id := range s.spread.take(n) {
		g, err := s.db.Grant(ctx, id)
		if err != nil {
			return nil, err
		}
		if err := add(g); err != nil {
			return nil, err
		}
	}
	more := n - len(all)
	err = s.authorize(ctx, more, s.appOf(more), add)
	return all, err
}
