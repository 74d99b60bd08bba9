package token

import (
	"encoding/base64"
	"encoding/json"
	"strings"

	"github.com/golang-jwt/jwt/v5"
)

// headerOf is the start of a JWT, the same for all of a kind and key: the header and a dot (RFC 7515 §7.1). kid may be empty.
func headerOf(alg, kid, typ string) string {
	text, _ := json.Marshal(struct { // strings cannot fail
		Alg string `json:"alg"`
		Kid string `json:"kid,omitempty"`
		Typ string `json:"typ"`
	}{alg, kid, typ})
	return base64.RawURLEncoding.EncodeToString(text) + "."
}

// Lengths in bytes that a token usually stays below. Longer ones cost an allocation more.
const (
	usualClaims    = 768
	usualSignature = 64
)

// sign makes a JWT (RFC 7515 §7.1) of a header of headerOf and claims. Nothing is copied to be signed: what is there
// of the token already is what the signature is over.
func sign(header string, claims []byte, method jwt.SigningMethod, key any) (string, error) {
	b64 := base64.RawURLEncoding
	var token strings.Builder
	token.Grow(len(header) + b64.EncodedLen(len(claims)) + len(".") + b64.EncodedLen(usualSignature))
	token.WriteString(header)
	var room [usualClaims * 4 / 3]byte
	token.Write(b64.AppendEncode(room[:0], claims))
	signature, err := method.Sign(token.String(), key) // RFC 7515 §5.1
	if err != nil {
		return "", err
	}
	token.WriteByte('.')
	token.Write(b64.AppendEncode(room[:0], signature))
	return token.String(), nil
}
