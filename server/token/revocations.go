package token

import (
	"encoding/base64"
	"encoding/json"
	"fmt"

	"github.com/grantd/grantd/scopes"
)

// SignRevocations makes the JWT of a list of revocations. It may be long, so it is
// put together here and not handed to a JSON writer that reads it once more.
func (k SigningKey) SignRevocations(list scopes.RevocationList) (string, error) {
	header, err := json.Marshal(map[string]string{
		"alg": k.Alg, "kid": k.ID,
		"typ": "revocations+jwt", // RFC 8725 §3.11: no other kind of token can be taken for it
	})
	if err != nil {
		return "", err
	}
	payload, err := list.MarshalJSON()
	if err != nil {
		return "", err
	}
	b64 := base64.RawURLEncoding
	text := b64.EncodeToString(header) + "." + b64.EncodeToString(payload)
	signature, err := k.method.Sign(text, k.private) // RFC 7515 §5.1
	if err != nil {
		return "", fmt.Errorf("sign the list of revocations with key %s: %w", k.ID, err)
	}
	return text + "." + b64.EncodeToString(signature), nil
}
