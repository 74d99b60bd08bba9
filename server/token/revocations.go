package token

import (
	"encoding/base64"
	"encoding/json"
	"fmt"

	"github.com/grantd/grantd/scopes"
)

// mostSignature is the length in bytes of the longest signature, of RSA with 4096 bits.
const mostSignature = 512

// SignRevocations makes the JWT of a list of revocations. It may be long, so it is
// put together here and not handed to a JSON writer that reads it once more.
func (k SigningKey) SignRevocations(list scopes.RevocationList) ([]byte, error) {
	header, err := json.Marshal(map[string]string{
		"alg": k.Alg, "kid": k.ID,
		"typ": "revocations+jwt", // RFC 8725 §3.11: no other kind of token can be taken for it
	})
	if err != nil {
		return nil, err
	}
	payload, err := list.MarshalJSON()
	if err != nil {
		return nil, err
	}
	b64 := base64.RawURLEncoding
	text := make([]byte, 0, b64.EncodedLen(len(header)+len(payload)+mostSignature)+4)
	text = b64.AppendEncode(append(b64.AppendEncode(text, header), '.'), payload)
	signature, err := k.method.Sign(string(text), k.private) // RFC 7515 §5.1
	if err != nil {
		return nil, fmt.Errorf("sign the list of revocations with key %s: %w", k.ID, err)
	}
	return b64.AppendEncode(append(text, '.'), signature), nil
}
