package token

import (
	"encoding/base64"
	"fmt"

	"github.com/grantd/grantd/scopes"
)

// mostSignature is the length in bytes of the longest signature, of RSA with 4096 bits.
const mostSignature = 512

// SignRevocations makes the JWT of a list of revocations. It may be long, so it is
// put together here and not handed to a JSON writer that reads it once more.
func (k SigningKey) SignRevocations(list scopes.RevocationList) ([]byte, error) {
	header := headerOf(k.Alg, k.ID, "revocations+jwt") // RFC 8725 §3.11: no other kind of token can be taken for it
	payload, err := list.MarshalJSON()
	if err != nil {
		return nil, err
	}
	b64 := base64.RawURLEncoding
	text := make([]byte, 0, len(header)+b64.EncodedLen(len(payload))+len(".")+b64.EncodedLen(mostSignature))
	text = b64.AppendEncode(append(text, header...), payload)
	signature, err := k.method.Sign(string(text), k.private) // RFC 7515 §5.1
	if err != nil {
		return nil, fmt.Errorf("sign the list of revocations with key %s: %w", k.ID, err)
	}
	return b64.AppendEncode(append(text, '.'), signature), nil
}
