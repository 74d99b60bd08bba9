package server

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/grantd/grantd/scopes"
	"github.com/grantd/grantd/server/reason"
	"github.com/grantd/grantd/server/token"
	"github.com/grantd/grantd/store"
)

const (
	listPath  = "/revocations"
	listLife  = 3 * time.Minute        // exp: when it arrives later, it is refused
	listTTL   = 5 * time.Second        // ttl: when to ask again
	listEpoch = time.Minute            // a list is signed anew, and what expired leaves it
	listAge   = 5 * time.Second        // how old a list that is sent may be
	listRest  = 19                     // how many times as long as it took to make a list the maker rests
	longRest  = 500 * time.Millisecond // at most
	longList  = 8 << 20                // bytes: half of what package scopes reads
)

// signedList is a list of revocations as it is sent.
type signedList struct {
	state listState
	asOf  time.Time // its iat
	began time.Time // when it was made, by the machine's clock
	etag  string    // opaque, with its quotes
	body  []byte
}

// listState is all that the content of a list follows from, and its signature.
type listState struct {
	changes uint64 // of what is known to be revoked
	epoch   int64
	life    time.Duration // the longest of tokens that may be out
	kid     string
}

// lists makes signed lists, one at a time.
type lists struct {
	last atomic.Pointer[signedList]
	turn chan struct{} // held by the one who makes the next
	rest time.Time     // until then the maker rests; by the machine's clock

	warned int64 // the epoch of the last warning
}

// revocationList answers GET /revocations: what was revoked while tokens of then
// may still be out, for services that validate tokens without asking us.
func (s *Server) revocationList(w http.ResponseWriter, r *http.Request) error {
	list, err := s.currentList(r.Context(), listLife)
	if err != nil {
		return err
	}
	h, held := w.Header(), r.Header.Values("If-None-Match")
	if noneMatch(held, list.etag) {
		// Services take a list that is much older than their last for a replay, and we may have
		// signed this one long before another replica signed that.
		if list, err = s.currentList(r.Context(), listAge); err != nil {
			return err
		}
	}
	h.Set("Content-Type", "application/revocations+jwt")
	// A cache that cannot reach us must not pass an old list for today's (RFC 9111 §5.2.2.2).
	h.Set("Cache-Control", "public, max-age=1, must-revalidate")
	// RFC 9110 §8.8.1: weak, for another replica signs the same content, and by another second.
	h.Set("ETag", "W/"+list.etag)
	if !noneMatch(held, list.etag) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	h.Set("Content-Length", strconv.Itoa(len(list.body)))
	w.Write(list.body) // a service that left is not our error
	return nil
}

// currentList gives a list with all that was known to be revoked when it was asked
// for, and that is no older. Who comes while one is made waits for the next, which
// all who wait share, and where there is one revocation after another, until the
// maker has rested: a twentieth of a processor goes into lists of up to 100,000.
func (s *Server) currentList(ctx context.Context, oldest time.Duration) (*signedList, error) {
	asked := time.Now()
	if list, err := s.keptList(asked, oldest); list != nil || err != nil {
		return list, err
	}
	select {
	case s.lists.turn <- struct{}{}:
		defer func() { <-s.lists.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if list, err := s.keptList(asked, oldest); list != nil || err != nil {
		return list, err // of the one who had the turn before
	}
	select {
	case <-time.After(time.Until(s.lists.rest)):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	began := time.Now()
	list, err := s.makeList(began)
	s.lists.rest = time.Now().Add(min(listRest*time.Since(began), longRest))
	return list, err
}

// keptList gives the last list if it was made after it was asked for, or if a new one
// would say the same and it is not too old.
func (s *Server) keptList(asked time.Time, oldest time.Duration) (*signedList, error) {
	state, _, err := s.listState()
	last := s.lists.last.Load()
	if err != nil || last == nil {
		return nil, err
	}
	if last.began.After(asked) || last.state == state && s.Now().Sub(last.asOf) <= oldest {
		return last, nil
	}
	return nil, nil
}

// listState tells what the list has to be like now and the key that signs it. It
// refuses when nobody knows what was revoked: no list at all is better than an old one.
func (s *Server) listState() (listState, token.SigningKey, error) {
	now := s.Now()
	if !s.live.fresh(now) {
		return listState{}, token.SigningKey{}, unavailable(reason.RevocationsUnknown, "the server does not know at the moment what was revoked; try again", time.Second)
	}
	life, known := s.lives.get()
	if now.Sub(known).Abs() > livesKept {
		return listState{}, token.SigningKey{}, unavailable(reason.LivesUnknown, "the server does not know at the moment how long tokens live; try again", time.Second)
	}
	key, err := s.ring.Signer(now)
	return listState{changes: s.live.changeCount(), epoch: now.Truncate(listEpoch).Unix(), life: life, kid: key.ID}, key, err
}

// makeList makes the next list.
func (s *Server) makeList(began time.Time) (*signedList, error) {
	state, key, err := s.listState()
	if err != nil {
		return nil, err
	}
	epoch := time.Unix(state.epoch, 0)
	entries, asOf, changes := s.live.listed(epoch, epoch.Add(-state.life-issuedLate))
	state.changes = changes
	revoked := scopes.NewRevocations(entries...)
	etag, err := state.etag(revoked)
	if err != nil {
		return nil, err
	}
	body, err := key.SignRevocations(scopes.RevocationList{
		Issuer: s.Issuer, URL: s.url(listPath), IssuedAt: asOf, ExpiresAt: asOf.Add(listLife), TTL: listTTL, Revoked: revoked,
	})
	if err != nil {
		return nil, err
	}
	s.warnOfLength(state.epoch, len(body), revoked.Len())
	list := &signedList{state: state, asOf: asOf, began: began, etag: etag, body: body}
	s.lists.last.Store(list)
	return list, nil
}

// warnOfLength tells the operator, once a minute, before services stop reading.
func (s *Server) warnOfLength(epoch int64, bytes, revocations int) {
	if bytes > longList && s.lists.warned != epoch {
		s.lists.warned = epoch
		s.log.Warn("the list of revocations is long; services stop reading at 16 MiB, and answer 503 then", "bytes", bytes, "revocations", revocations)
	}
}

// etag is the same on all replicas that would publish the same.
func (state listState) etag(revoked *scopes.Revocations) (string, error) {
	content, err := revoked.MarshalJSON()
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(fmt.Appendf(content, " %d %s", state.epoch, state.kid))
	return `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`, nil
}

// issuedLate is how long after the time by which a revocation is dated a token that
// it revokes may have been issued; and clocks may differ, ours and the service's.
const issuedLate = store.LatestRevocation + 2*leeway
