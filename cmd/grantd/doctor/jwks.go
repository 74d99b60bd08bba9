package doctor

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/MicahParks/jwkset"
)

// tryKeys reads the members of the JWK set, as they are.
func (e *exam) tryKeys(ctx context.Context) ([]json.RawMessage, error) {
	if err := e.needs("jwks_uri", false, false, false); err != nil {
		return nil, err
	}
	r, err := e.get(ctx, e.metadata.str("jwks_uri"))
	if err != nil {
		return nil, err
	}
	var set struct{ Keys []json.RawMessage }
	if err := json.Unmarshal(r.body, &set); r.status != http.StatusOK || err != nil || set.Keys == nil {
		return nil, errBadKeys{fmt.Sprintf("jwks_uri answers %s, and no JWK set", statusText(r.status))}
	}
	if len(set.Keys) > maxKeys {
		return nil, errBadKeys{fmt.Sprintf("the set has %d keys", len(set.Keys))}
	}
	return set.Keys, nil
}

const maxKeys = 100

// errBadKeys is the fault of the key set, not of the way to it.
type errBadKeys struct{ what string }

func (err errBadKeys) Error() string { return err.what }

func jwksVerdict(err error) verdict {
	if bad := (errBadKeys{}); errors.As(err, &bad) {
		return fails("%v", err)
	}
	return because(err)
}

// minRSA is in bits (RFC 7518 §3.3).
const minRSA = 2048

// publicKey reads one member of a set.
func publicKey(raw json.RawMessage) (key crypto.PublicKey, marshal jwkset.JWKMarshal, err error) {
	if err := json.Unmarshal(raw, &marshal); err != nil {
		return nil, marshal, err
	}
	jwk, err := jwkset.NewJWKFromMarshal(marshal, jwkset.JWKMarshalOptions{}, jwkset.JWKValidateOptions{SkipAll: true})
	if err != nil {
		return nil, marshal, err
	}
	switch k := jwk.Key().(type) {
	case *rsa.PublicKey:
		if k.N.BitLen() < minRSA {
			return nil, marshal, fmt.Errorf("RSA of %d bits", k.N.BitLen())
		}
		return k, marshal, nil
	case *ecdsa.PublicKey, ed25519.PublicKey:
		return k, marshal, nil
	}
	return nil, marshal, fmt.Errorf("the type %q is not known here", marshal.KTY)
}

func jwksUsable(ctx context.Context, e *exam) verdict {
	raw, err := e.keys(ctx)
	if err != nil {
		return jwksVerdict(err)
	}
	var kinds []string
	for i, one := range raw {
		_, m, err := publicKey(one)
		switch {
		case m.KTY != "RSA" && m.KTY != "EC" && m.KTY != "OKP": // RFC 7517 §5: others are passed over
			continue
		case err != nil:
			return fails("key %d: %v", i+1, err)
		}
		kinds = append(kinds, strings.TrimSpace(string(m.KTY)+" "+string(m.ALG)))
	}
	if len(kinds) == 0 {
		return fails("of %d keys none can verify a signature", len(raw))
	}
	return ok("%s", strings.Join(kinds, ", "))
}

// privateMembers: RFC 7518 §6.2.2, §6.3.2, §6.4.1.
var privateMembers = []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k"}

func jwksPublic(ctx context.Context, e *exam) verdict {
	raw, err := e.keys(ctx)
	if err != nil {
		return because(err)
	}
	for i, one := range raw {
		members := map[string]json.RawMessage{}
		if json.Unmarshal(one, &members) != nil {
			continue
		}
		for _, name := range privateMembers {
			if _, there := members[name]; there {
				return fails("key %d has the member %s: everybody can sign with it; replace it at once", i+1, name)
			}
		}
	}
	return ok("public members only, of %d", len(raw))
}

func jwksNamed(ctx context.Context, e *exam) verdict {
	raw, err := e.keys(ctx)
	if err != nil {
		return because(err)
	}
	var names []string
	for i, one := range raw {
		var m jwkset.JWKMarshal
		switch err := json.Unmarshal(one, &m); {
		case err != nil || m.KID == "":
			return fails("key %d has no kid", i+1)
		case m.ALG == "":
			return fails("key %d has no alg", i+1)
		case slices.Contains(names, m.KID):
			return fails("keys share a kid")
		}
		names = append(names, m.KID)
	}
	return ok("kid and alg, of %d", len(raw))
}
