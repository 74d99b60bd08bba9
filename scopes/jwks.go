package scopes

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/MicahParks/jwkset"
)

// maxKeys bounds the members of a set. An issuer has a few, and each costs time to check.
const maxKeys = 100

// ParseJWKS is a KeySource of the keys of a JWK set (RFC 7517 §5). Members that cannot verify access tokens
// are passed over, as §5 asks: those for encryption, without a kid, of another type or algorithm, weak,
// or with private or symmetric key material. It is an error when none remains, and when the set has more than 100.
func ParseJWKS(data []byte) (KeySource, error) {
	keys, skipped, err := readJWKS(data)
	if err != nil {
		return nil, err
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("the JWK set has no key that verifies access tokens: %w", joinSome(skipped))
	}
	return keys, nil
}

// readJWKS gives the usable keys of a JWK set, and why the others were passed over.
func readJWKS(data []byte) (set keySet, skipped []error, err error) {
	var doc struct {
		Keys rawMembers `json:"keys"`
	}
	if err := json.Unmarshal(data, &doc); err != nil {
		return nil, nil, jwksError(err)
	}
	if doc.Keys == nil { // RFC 7517 §5: the set MUST have a "keys" member.
		return nil, nil, errors.New(`the JWK set has no member "keys"`)
	}
	var keys []Key
	for i, raw := range doc.Keys {
		k, err := readJWK(raw)
		if err != nil {
			skipped = append(skipped, fmt.Errorf("member %d: %s", i, shorten(err.Error(), 200)))
			continue
		}
		keys = append(keys, k)
	}
	keys, ambiguous := oneForEachID(keys)
	set, err = newKeySet(keys)
	return set, append(skipped, ambiguous...), err
}

// oneForEachID leaves out the keys whose id other keys have, too: nobody can tell which of them a token means (RFC 7517
// §4.5). One key that is there twice is one key.
func oneForEachID(keys []Key) (distinct []Key, ambiguous []error) {
	byID := map[string]Key{}
	shared := map[string]bool{}
	for _, k := range keys {
		first, ok := byID[k.ID]
		switch {
		case !ok:
			byID[k.ID] = k
			distinct = append(distinct, k)
		case !first.equal(k):
			shared[k.ID] = true
		}
	}
	for id := range shared {
		ambiguous = append(ambiguous, fmt.Errorf("key %q is there twice, as different keys", clip(id)))
	}
	return slices.DeleteFunc(distinct, func(k Key) bool { return shared[k.ID] }), ambiguous
}

// rawMembers are raw, so that one odd member does not spoil the set.
type rawMembers []json.RawMessage

var errTooManyKeys = fmt.Errorf("the JWK set has more than %d members", maxKeys)

// UnmarshalJSON counts before it makes anything of the members.
func (m *rawMembers) UnmarshalJSON(data []byte) error {
	if count := elements(data); count > maxKeys {
		return errTooManyKeys
	}
	return json.Unmarshal(data, (*[]json.RawMessage)(m))
}

func jwksError(err error) error {
	if errors.Is(err, errTooManyKeys) {
		return err
	}
	return fmt.Errorf("the JWK set is not JSON: %w", err)
}

// elements counts those of a JSON array that encoding/json has found valid; an empty one has one, too.
func elements(array []byte) int {
	count, depth, quoted := 1, 0, false
	for i := 0; i < len(array); i++ {
		switch c := array[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			depth--
		case c == ',' && depth == 1:
			count++
		}
	}
	return count
}

// joinSome is errors.Join for a log that somebody reads: the first few, and how many more there are.
func joinSome(errs []error) error {
	const most = 5
	if len(errs) > most {
		errs = append(errs[:most:most], fmt.Errorf("and %d more", len(errs)-most))
	}
	return errors.Join(errs...)
}

func readJWK(raw json.RawMessage) (Key, error) {
	var m jwkset.JWKMarshal
	if err := json.Unmarshal(raw, &m); err != nil {
		return Key{}, err
	}
	if err := meantForVerifying(m); err != nil {
		return Key{}, err
	}
	jwk, err := jwkset.NewJWKFromMarshal(m, jwkset.JWKMarshalOptions{}, jwkset.JWKValidateOptions{})
	if err != nil {
		return Key{}, err
	}
	k := Key{ID: m.KID, Alg: algorithmOf(jwk.Key()), Key: jwk.Key()}
	if m.ALG != "" && string(m.ALG) != k.Alg { // RFC 7517 §4.4: alg is optional; if it is there, it binds.
		return Key{}, fmt.Errorf("algorithm %q is not accepted for this key", clip(string(m.ALG)))
	}
	return k, k.check()
}

// meantForVerifying refuses what the publisher did not mean as a public signature key.
func meantForVerifying(m jwkset.JWKMarshal) error {
	switch {
	case m.K != "" || m.D != "":
		// Published, it is a secret no more, and who can read it can sign.
		return errors.New("it holds a private or shared key")
	case m.USE != "" && m.USE != jwkset.UseSig: // RFC 7517 §4.2
		return fmt.Errorf("its use is %q, not sig", clip(string(m.USE)))
	case len(m.KEYOPS) > 0 && !slices.Contains(m.KEYOPS, jwkset.KeyOpsVerify): // §4.3
		return errors.New("its key_ops leave out verify")
	}
	return nil
}

func algorithmOf(key any) string {
	switch key.(type) {
	case *ecdsa.PublicKey:
		return "ES256"
	case ed25519.PublicKey:
		return "EdDSA"
	case *rsa.PublicKey:
		return "RS256"
	}
	return ""
}
