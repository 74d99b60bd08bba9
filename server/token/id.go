package token

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// IDAlgs are the algorithms that ID tokens and logout tokens can be signed with. OpenID Connect Core
// §15.1: RS256 is among them.
var IDAlgs = []string{RS256, ES256, EdDSA}

// The values of typ. RFC 8725 §3.11: nothing that we sign can be taken for another kind.
const (
	idType     = "JWT"
	logoutType = "logout+jwt" // OpenID Connect Back-Channel Logout §2.4
)

// PasswordACR is the acr of who proved a password, the level 1 of ISO/IEC 29115
// (OpenID Connect Core §2), and the only one there is.
const PasswordACR = "1"

// ID is what an ID token says (OpenID Connect Core §2).
type ID struct {
	// Alg signs. Empty means RS256 (OpenID Connect Dynamic Client Registration §2).
	Alg                          string
	Issuer, Subject, ClientID    string
	IssuedAt, ExpireAt, AuthTime time.Time
	// Nonce is that of the authorization request. Empty means it had none.
	Nonce string
	// SessionID is the sid. Empty means that there is no session that could end.
	SessionID string
	// Access is the access token that comes along.
	Access string
	// Claims are those about the user. They never stand in for one of the above.
	Claims map[string]any
}

// MintID signs an ID token.
func (r *Ring) MintID(t ID) (string, error) {
	key, err := r.signerOfID(t.Alg, t.IssuedAt)
	if err != nil {
		return "", err
	}
	claims := jwt.MapClaims{}
	maps.Copy(claims, t.Claims)
	maps.Copy(claims, jwt.MapClaims{
		"iss": t.Issuer, "sub": t.Subject, "aud": t.ClientID, "iat": t.IssuedAt.Unix(), "exp": t.ExpireAt.Unix(),
		"auth_time": t.AuthTime.Unix(), "acr": PasswordACR, "amr": []string{"pwd"}, // RFC 8176 §2
		"at_hash": accessHash(key.Alg, t.Access),
	})
	if t.Nonce != "" {
		claims["nonce"] = t.Nonce // §3.1.2.1: passed through unmodified
	}
	if t.SessionID != "" {
		claims["sid"] = t.SessionID
	}
	return key.sign(idType, claims)
}

// accessHash: OpenID Connect Core §3.1.3.6: the left half of the hash that the
// algorithm of the signature has. Ed25519 hashes with SHA-512 (RFC 8032 §5.1).
func accessHash(alg, access string) string {
	if alg == EdDSA {
		sum := sha512.Sum512([]byte(access))
		return base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2])
	}
	sum := sha256.Sum256([]byte(access))
	return base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2])
}

// Logout is what a logout token says (OpenID Connect Back-Channel Logout §2.4).
type Logout struct {
	// Alg signs. Empty means RS256.
	Alg                                  string
	Issuer, Subject, ClientID, SessionID string
	IssuedAt, ExpireAt                   time.Time
}

// MintLogout signs a logout token.
func (r *Ring) MintLogout(t Logout) (string, error) {
	key, err := r.signerOfID(t.Alg, t.IssuedAt)
	if err != nil {
		return "", err
	}
	// §2.4: and never a nonce, so that it cannot be taken for an ID token.
	return key.sign(logoutType, jwt.MapClaims{
		"iss": t.Issuer, "sub": t.Subject, "aud": t.ClientID, "sid": t.SessionID,
		"iat": t.IssuedAt.Unix(), "exp": t.ExpireAt.Unix(), "jti": rand.Text(),
		"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": struct{}{}},
	})
}

func (r *Ring) signerOfID(alg string, now time.Time) (SigningKey, error) {
	if alg == "" {
		alg = RS256
	}
	if alg == HS256 { // its secret is known to services: they could sign anybody in
		return SigningKey{}, errors.New("ID tokens cannot be signed with HS256")
	}
	return r.SignerOf(alg, now)
}

func (k SigningKey) sign(typ string, claims jwt.Claims) (string, error) {
	t := jwt.NewWithClaims(k.method, claims)
	t.Header["typ"], t.Header["kid"] = typ, k.ID
	signed, err := t.SignedString(k.private)
	if err != nil {
		return "", fmt.Errorf("sign a %s with key %s: %w", typ, k.ID, err)
	}
	return signed, nil
}

// ErrNotID says that a text is not an ID token of this server.
var ErrNotID = errors.New("not an ID token of this server")

// ErrForgotten is an ErrNotID that names a key that is not there, or no longer: it may
// have been an ID token once.
var ErrForgotten = fmt.Errorf("%w whose key is known", ErrNotID)

// maxIDBytes bounds what is parsed of a hint.
const maxIDBytes = 16 << 10

// Hint is whom and what an ID token is about that comes back as a hint.
type Hint struct{ Subject, ClientID, SessionID string }

// ReadHint reads an ID token that this issuer has signed, expired or not (OpenID
// Connect RP-Initiated Logout §2). It returns ErrNotID, which may be ErrForgotten, and never part of the token.
func (r *Ring) ReadHint(raw, issuer string) (Hint, error) {
	if len(raw) > maxIDBytes || strings.ContainsAny(raw, "\r\n") { // as Refresher.Read
		return Hint{}, ErrNotID
	}
	var claims struct {
		jwt.RegisteredClaims
		SessionID string `json:"sid"`
	}
	_, err := hintParser.ParseWithClaims(raw, &claims, r.keyOfHint)
	if errors.Is(err, ErrForgotten) {
		return Hint{}, ErrForgotten
	}
	if err != nil || claims.Issuer != issuer || claims.Subject == "" || len(claims.Audience) != 1 {
		return Hint{}, ErrNotID
	}
	return Hint{claims.Subject, claims.Audience[0], claims.SessionID}, nil
}

var hintParser = jwt.NewParser(jwt.WithValidMethods(IDAlgs), jwt.WithStrictDecoding(), jwt.WithoutClaimsValidation())

// keyOfHint gives the key for ID tokens and for nothing else that it signs.
func (r *Ring) keyOfHint(t *jwt.Token) (any, error) {
	kid, _ := t.Header["kid"].(string)
	key, ok := r.keys.Load().hints[kid]
	if !ok && t.Header["typ"] == idType && kid != "" {
		return nil, ErrForgotten
	}
	if !ok || t.Header["typ"] != idType || t.Method.Alg() != key.Alg { // RFC 8725 §3.1
		return nil, ErrNotID
	}
	return key.Key, nil
}
