package scopes

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/golang-jwt/jwt/v5"
)

// methods are all that a token may be signed with. RFC 9068 §2.1: none is not among them.
var methods = map[string]jwt.SigningMethod{
	"ES256": es256{jwt.SigningMethodES256}, "EdDSA": jwt.SigningMethodEdDSA, "RS256": jwt.SigningMethodRS256, "HS256": jwt.SigningMethodHS256,
}

// tokenKind tells apart what an issuer signs with one key. typ is the value of the header without application/.
type tokenKind struct {
	typ, name string
	most      int // bytes
}

var accessToken = tokenKind{typ: "at+jwt", name: "access token", most: MaxTokenBytes}

// jws is a signed token, cut up (RFC 7515 §7.1).
type jws struct {
	header             header
	signed             string // header, dot and payload, as they were sent
	payload, signature []byte
}

// header is the JOSE header, as far as it matters.
type header struct{ alg, kid, typ string }

// base64url: RFC 7515 §2: without padding; strict, so that each part has one spelling.
var base64url = base64.RawURLEncoding.Strict()

// open checks the form, header and signature of a token and gives its payload and the key that it is signed with. The
// payload is read after that by who knows its claims: what nobody signed reaches no other parser.
func (v *Verifier) open(ctx context.Context, token string, kind tokenKind) (payload []byte, key Key, err error) {
	t, err := cut(token, kind)
	if err != nil {
		return nil, Key{}, err
	}
	if key, err = v.options.Keys.Key(ctx, t.header.kid); err != nil {
		return nil, Key{}, keyError(err)
	}
	// A KeySource of somebody else may have anything, also an empty secret. It is asked for the key again by this name.
	key.ID = t.header.kid
	if err := key.check(); err != nil {
		return nil, Key{}, keyError(fmt.Errorf("key %q: %w", clip(t.header.kid), err))
	}
	if key.Alg != t.header.alg { // RFC 8725 §3.1: a key and its algorithm go together.
		return nil, Key{}, &Error{Kind: BadSignature, Description: "the token is not signed with the algorithm of the key it names"}
	}
	if err := methods[key.Alg].Verify(t.signed, t.signature, key.Key); err != nil {
		return nil, Key{}, &Error{Kind: BadSignature, Description: "the signature of the token is wrong; send the token unchanged", Cause: err}
	}
	return t.payload, key, nil
}

func cut(token string, kind tokenKind) (t jws, err error) {
	if len(token) > kind.most { // Before any work: the token comes from a stranger.
		return t, malformed(fmt.Sprintf("the token is longer than %d bytes", kind.most))
	}
	if strings.ContainsAny(token, "\r\n") { // encoding/base64 would pass over them
		return t, malformed("the token has a line break")
	}
	first, last := strings.IndexByte(token, '.'), strings.LastIndexByte(token, '.')
	if first < 0 || first == last || strings.IndexByte(token[first+1:last], '.') >= 0 {
		return t, noJWT(errors.New("it does not have three parts"))
	}
	var room [256]byte // for a header of usual length
	head, err := base64url.AppendDecode(room[:0], []byte(token[:first]))
	if err != nil {
		return t, noJWT(err)
	}
	if t.header, err = readHeader(string(head), kind); err != nil {
		return t, err
	}
	if t.payload, err = base64url.DecodeString(token[first+1 : last]); err != nil {
		return t, noJWT(err)
	}
	if t.signature, err = base64url.DecodeString(token[last+1:]); err != nil {
		return t, noJWT(err)
	}
	t.signed = token[:last]
	return t, nil
}

func noJWT(cause error) error {
	return &Error{Kind: Malformed, Description: "the token is not a JWT; send the access token unchanged", Cause: cause}
}

// refused are header parameters. RFC 8725 §3.10: a key or an address of keys that the token brings along is the
// attacker's. RFC 7515 §4.1.11: crit lists extensions that MUST be understood; there are none here.
var refused = []string{"jwk", "jku", "x5u", "x5c", "crit"}

func readHeader(object string, kind tokenKind) (h header, err error) {
	err = eachMember(object, func(name, value string) error {
		switch name {
		case "alg":
			h.alg, _ = text(value)
		case "kid":
			h.kid, _ = text(value)
		case "typ":
			h.typ, _ = text(value)
		default:
			if slices.Contains(refused, name) {
				return malformed("the header of the token has " + name + ", which is not accepted")
			}
		}
		return nil
	})
	var known *Error
	switch {
	case errors.As(err, &known):
		return h, known
	case errors.Is(err, errTwice):
		return h, malformed("a header parameter of the token is there twice")
	case err != nil:
		return h, noJWT(err)
	}
	return h, h.check(kind)
}

func (h header) check(kind tokenKind) error {
	if methods[h.alg] == nil {
		return &Error{Kind: BadSignature, Description: "the algorithm of the token is not accepted; it is ES256, EdDSA, RS256 or HS256"}
	}
	// RFC 9068 §4: typ is at+jwt or application/at+jwt; RFC 7515 §4.1.9: a media type, letter case ignored.
	if typ := strings.ToLower(h.typ); typ != kind.typ && typ != "application/"+kind.typ {
		return &Error{Kind: WrongType, Description: "the token is no " + kind.name + ": its header must say typ " + kind.typ}
	}
	if h.kid == "" {
		return malformed("the header of the token names no key (kid)")
	}
	return nil
}

func keyError(err error) error {
	if known := (*Error)(nil); errors.As(err, &known) {
		return known
	}
	return &Error{
		Kind:        KeysUnavailable,
		Description: "the keys that verify access tokens cannot be had at the moment; try again later",
		Cause:       err,
	}
}
