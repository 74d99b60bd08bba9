package server

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/grantd/grantd/server/token"
	"github.com/grantd/grantd/store"
)

const (
	// jwksMaxAge is how long others may keep our keys (RFC 9111 §5.2.2.1).
	jwksMaxAge = 5 * time.Minute
	// KeyLead is how long a new key is published before it signs: every copy of
	// the JWKS has it by then.
	KeyLead = jwksMaxAge + 2*keyPoll + leeway
)

// RotateKey adds a key for alg that signs from now+lead on. Running servers
// publish it within keyPoll. With a lead of zero the key takes the place of those
// that wait to sign, too. It returns token.ErrSealed when m is not the master
// key of the keys that are there: no server could start with keys of two.
func RotateKey(ctx context.Context, db *store.DB, m *token.Master, alg string, now time.Time, lead time.Duration) (store.SigningKey, error) {
	if err := claimMaster(ctx, db, m, now); err != nil {
		return store.SigningKey{}, err
	}
	ring, err := openKeys(ctx, db, m, now)
	if err != nil {
		return store.SigningKey{}, err
	}
	row, err := newKeyRow(ring.master, alg, now, lead)
	if err != nil {
		return store.SigningKey{}, err
	}
	if lead == 0 {
		_, err = db.ReplaceSigningKeys(ctx, row)
	} else {
		err = db.AddSigningKey(ctx, row)
	}
	return row, err
}

func newKeyRow(m *token.Master, alg string, now time.Time, lead time.Duration) (store.SigningKey, error) {
	key, err := token.GenerateKey(alg, now.Add(lead))
	if err != nil {
		return store.SigningKey{}, err
	}
	public, sealed, err := key.Marshal(m)
	if err != nil {
		return store.SigningKey{}, err
	}
	return store.SigningKey{ID: key.ID, Alg: alg, Public: public, Sealed: sealed, CreatedAt: now, SignFrom: key.SignFrom, SealedBy: m.ID()}, nil
}

// CheckMaster returns token.ErrSealed when m is not the master key of this
// database's keys: no server could start with it.
func CheckMaster(ctx context.Context, db *store.DB, m *token.Master, now time.Time) error {
	_, err := openKeys(ctx, db, m, now)
	return err
}

// keyTurn is held by the one who puts keys into the ring, so that none who read the database
// before takes out what others have put in since.
type keyTurn chan struct{}

func (t keyTurn) take(ctx context.Context) (release func(), err error) {
	select {
	case t <- struct{}{}:
		return func() { <-t }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// loadKeys reads the signing keys of the database into the ring.
func (s *Server) loadKeys(ctx context.Context) error {
	release, err := s.keyTurn.take(ctx)
	if err != nil {
		return err
	}
	defer release()
	return s.readKeys(ctx)
}

// readKeys is loadKeys for who has the turn.
func (s *Server) readKeys(ctx context.Context) error {
	found, err := openKeys(ctx, s.DB, s.Master, s.Now())
	if ctx.Err() == nil { // or it tells about who asked, and not about the keys
		s.looked.at, s.looked.err = s.Now(), err
	}
	if err != nil {
		return err
	}
	s.working.Store(found.master)
	s.refresher.Use(found.master, found.refresh...)
	keys, past := splitKeys(found.signing, s.Now().Add(-s.keyLife()))
	if s.SigningAlg == token.HS256 {
		shared, err := token.SharedKey(s.SharedSecret)
		if err != nil {
			return err
		}
		keys = append(keys, shared)
	}
	return s.ring.Replace(keys, past...)
}

// keyLife is how long after its successor began to sign a key has access tokens out.
func (s *Server) keyLife() time.Duration { return s.AccessTTL + 2*leeway }

// hintLife is how long a key is kept for ID tokens that come back as hints: as long as the
// sessions that they name may last.
func (s *Server) hintLife() time.Duration { return s.SessionMaxTTL + s.keyLife() }

// splitKeys parts the keys, which come by the time from which they sign, from those whose
// successor has been signing since before a time.
func splitKeys(keys []token.SigningKey, before time.Time) (current, past []token.SigningKey) {
	for i, k := range keys {
		succeeded := func(by token.SigningKey) bool {
			return by.Alg == k.Alg && by.SignFrom.After(k.SignFrom) && by.SignFrom.Before(before)
		}
		if slices.ContainsFunc(keys[i:], succeeded) {
			past = append(past, k)
		} else {
			current = append(current, k)
		}
	}
	return current, past
}

// ensureKeys makes the first keys of a new database or algorithm, if the ring has none for
// one of algs. Of several servers that do so at once the first one's keys are taken by all.
func (s *Server) ensureKeys(ctx context.Context, algs ...string) error {
	if len(s.keyless(algs)) == 0 {
		return nil
	}
	release, err := s.keyTurn.take(ctx)
	if err != nil {
		return err
	}
	defer release()
	if err := s.readKeys(ctx); err != nil { // another one may have made them
		return err
	}
	var failed []error // one that cannot be made keeps nobody from the others
	for _, alg := range s.keyless(algs) {
		failed = append(failed, s.addFirstKey(ctx, alg))
	}
	if len(failed) == 0 {
		return nil
	}
	return errors.Join(append(failed, s.readKeys(ctx))...)
}

func (s *Server) addFirstKey(ctx context.Context, alg string) error {
	row, err := newKeyRow(s.working.Load(), alg, s.Now(), 0)
	if err != nil {
		return err
	}
	added, err := s.DB.AddFirstSigningKey(ctx, row)
	if added {
		s.audit(ctx, slog.LevelInfo, store.Event{Type: "key.added", Detail: store.Detail{"kid": row.ID, "alg": row.Alg}})
	}
	return err
}

// keyless are those of algs for which the ring has no key.
func (s *Server) keyless(algs []string) (missing []string) {
	for _, alg := range algs {
		if _, err := s.ring.SignerOf(alg, s.Now()); err != nil {
			missing = append(missing, alg)
		}
	}
	return missing
}

// ensureIDKey makes the key that signs the client's ID tokens, if need be, and no other.
func (s *Server) ensureIDKey(ctx context.Context, c *store.Client) error {
	return s.ensureKeys(ctx, cmp.Or(c.IDTokenAlg, token.RS256))
}

// ensureIDKeys makes a key for each algorithm that clients may want their ID tokens in. To find
// the primes of RS256's takes a tenth of a second, for which no start of a server waits: Run makes them, and
// whoever needs them before. So a key is in the ring, and with it in the JWKS, before it signs.
func (s *Server) ensureIDKeys(ctx context.Context) error {
	return s.ensureKeys(ctx, token.IDAlgs...)
}

// followKeys takes up the keys that were made elsewhere, and makes those that are missing still.
func (s *Server) followKeys(ctx context.Context) error {
	if err := s.loadKeys(ctx); err != nil {
		return err
	}
	return s.ensureIDKeys(ctx)
}

// jwks answers GET /.well-known/jwks.json (RFC 7517 §5). Others keep it for minutes, so it waits for
// keys of a new database that another server may be signing with. Without them it is kept by nobody.
func (s *Server) jwks(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := context.WithTimeout(r.Context(), readyTime)
	defer cancel()
	maxAge := jwksMaxAge
	if err := s.ensureIDKeys(ctx); err != nil {
		s.warn(r.Context(), "make the keys of ID tokens", err)
		maxAge = 0
	}
	return writeDocument(w, r, "application/jwk-set+json", maxAge, s.ring.JWKS())
}

// writeDocument answers with a public document that others may keep for maxAge
// and ask for again by its ETag (RFC 9110 §8.8.3). With zero nobody keeps it.
func writeDocument(w http.ResponseWriter, r *http.Request, contentType string, maxAge time.Duration, body []byte) error {
	sum := sha256.Sum256(body)
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Cache-Control", "no-store")
	if maxAge > 0 {
		h.Set("Cache-Control", fmt.Sprintf("public, max-age=%d", int(maxAge.Seconds())))
	}
	h.Set("ETag", `"`+base64.RawURLEncoding.EncodeToString(sum[:12])+`"`)
	if !noneMatch(r.Header.Values("If-None-Match"), h.Get("ETag")) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	_, err := w.Write(body)
	return err
}
