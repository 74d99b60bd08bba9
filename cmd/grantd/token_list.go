package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/golang-jwt/jwt/v5"
	"github.com/grantd/grantd/scopes"
	"github.com/grantd/grantd/store"
)

// listType is the typ of what GET /revocations answers.
const listType = "revocations+jwt"

// readList looks at the content of a list of revocations, and puts the number of
// its entries in the place of their marks, which tell nobody anything.
func (in *inspector) readList() {
	_, rest, _ := strings.Cut(in.raw, ".")
	text, _, _ := strings.Cut(rest, ".")
	payload, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		in.problem("its claims are not base64url")
		return
	}
	var list scopes.RevocationList
	if err := list.UnmarshalJSON(payload); err != nil {
		in.problem("%s", oneLine(err))
		return
	}
	in.found.Claims["revoked"] = count(list.Revoked.Len(), "revocation")
	if in.cfg.Issuer != "" && list.Issuer != in.cfg.Issuer {
		in.problem("it is of the issuer %q, not %q", list.Issuer, in.cfg.Issuer)
	}
	in.checkTimes()
}

// checkList checks the signature of a list of revocations.
func (in *inspector) checkList(ctx context.Context, db *store.DB) {
	keys, err := verificationKeys(ctx, db, in.cfg)
	if err != nil {
		in.unchecked("signature", err)
		return
	}
	_, err = jwt.NewParser(jwt.WithStrictDecoding(), jwt.WithoutClaimsValidation()).Parse(in.raw, func(t *jwt.Token) (any, error) {
		kid, _ := t.Header["kid"].(string)
		key, err := keys.Key(ctx, kid)
		if err == nil && key.Alg != t.Method.Alg() { // RFC 8725 §3.1
			err = fmt.Errorf("key %s is for %s", key.ID, key.Alg)
		}
		return key.Key, err
	})
	if err != nil {
		in.problem("its signature is wrong, or of a key that is not in the database")
	}
}
