package token

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/grantd/grantd/scopes"
)

// Ring is the set of signing keys of a running server. It may be replaced at
// any time while other goroutines sign and verify with it.
type Ring struct {
	alg  string
	keys atomic.Pointer[ringState]
}

type ringState struct {
	byTime []SigningKey // oldest first
	byID   map[string]scopes.Key
	hints  map[string]scopes.Key // those of byID, and past ones
	jwks   []byte
}

// NewRing makes a ring whose access tokens are signed with algorithm alg. It may
// hold keys of other algorithms, too: ID tokens have the one that their client wants.
func NewRing(alg string, keys []SigningKey) (*Ring, error) {
	r := &Ring{alg: alg}
	return r, r.Replace(keys)
}

// Replace puts keys in place of those the ring held. The past ones are for ReadHint
// alone: they sign nothing, no access token is verified with them, and nobody is told of them.
func (r *Ring) Replace(keys []SigningKey, past ...SigningKey) error {
	state := &ringState{byTime: slices.Clone(keys), byID: make(map[string]scopes.Key, len(keys))}
	slices.SortStableFunc(state.byTime, func(a, b SigningKey) int { return a.SignFrom.Compare(b.SignFrom) })
	for _, k := range keys {
		state.byID[k.ID] = k.verifier()
	}
	state.hints = maps.Clone(state.byID)
	for _, k := range past {
		state.hints[k.ID] = k.verifier()
	}
	jwks, err := marshalJWKS(state.byTime)
	if err != nil {
		return err
	}
	state.jwks = jwks
	r.keys.Store(state)
	return nil
}

// Signer is the key that signs access tokens at now.
func (r *Ring) Signer(now time.Time) (SigningKey, error) { return r.SignerOf(r.alg, now) }

// SignerOf is the key of an algorithm that signs at now: the newest one whose time
// has come. When the time of none has, the first signs all the same: the clock of
// this machine is behind, or the algorithm was switched to early, and no tokens at
// all would be worse.
func (r *Ring) SignerOf(alg string, now time.Time) (SigningKey, error) {
	var signer SigningKey
	for _, k := range r.keys.Load().byTime {
		if k.Alg == alg && (signer.ID == "" || !k.SignFrom.After(now)) {
			signer = k
		}
	}
	if signer.ID == "" {
		return SigningKey{}, fmt.Errorf("there is no %s signing key; run \"grantd key rotate --now\"", alg)
	}
	return signer, nil
}

// Next is when the next key of an algorithm begins to sign, if there is one.
func (r *Ring) Next(alg string, now time.Time) (at time.Time, ok bool) {
	for _, k := range r.keys.Load().byTime {
		if k.Alg == alg && k.SignFrom.After(now) {
			return k.SignFrom, true
		}
	}
	return time.Time{}, false
}

// Key finds the key that verifies tokens whose header names kid. It makes the
// ring a scopes.KeySource.
func (r *Ring) Key(_ context.Context, kid string) (scopes.Key, error) {
	key, ok := r.keys.Load().byID[kid]
	if !ok {
		return scopes.Key{}, scopes.ErrUnknownKey
	}
	return key, nil
}

// JWKS is the JSON Web Key Set of all public keys, the next one included, so
// that services know it before it signs (RFC 7517 §5). A shared secret is
// never in it.
func (r *Ring) JWKS() []byte { return r.keys.Load().jwks }

func marshalJWKS(keys []SigningKey) ([]byte, error) {
	set := jwkset.JWKSMarshal{Keys: []jwkset.JWKMarshal{}}
	for _, k := range keys {
		if k.Alg == HS256 {
			continue
		}
		jwk, err := jwkset.NewJWKFromKey(k.public, jwkset.JWKOptions{
			Metadata: jwkset.JWKMetadataOptions{ALG: jwkset.ALG(k.Alg), KID: k.ID, USE: jwkset.UseSig},
		})
		if err != nil {
			return nil, fmt.Errorf("publish signing key %s: %w", k.ID, err)
		}
		set.Keys = append(set.Keys, jwk.Marshal())
	}
	return json.Marshal(set)
}
