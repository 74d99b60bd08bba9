package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

func tokenJSON(ctx context.Context, e *exam) verdict {
	t, err := e.some(ctx)
	if err != nil {
		return because(err)
	}
	kind := t.reply.str("token_type")
	switch {
	case !t.reply.isJSON():
		return fails("Content-Type is %q", t.reply.header.Get("Content-Type"))
	case kind == "":
		return fails("token_type is missing")
	}
	return ok("token_type %s, with %s", clip(kind, 20), strings.Join(slices.Sorted(maps.Keys(t.reply.object())), ", "))
}

func tokenNoStore(ctx context.Context, e *exam) verdict {
	t, err := e.some(ctx)
	if err != nil {
		return because(err)
	}
	if !t.reply.noStore() {
		return fails("Cache-Control is %q", clip(t.reply.header.Get("Cache-Control"), 80))
	}
	return ok("Cache-Control: %s", clip(t.reply.header.Get("Cache-Control"), 80))
}

// life is how long an access token lives as the answer says, 0 if it does not.
func (t *tokens) life() time.Duration {
	seconds, _ := t.reply.object()["expires_in"].(float64)
	if seconds <= 0 || seconds > math.MaxInt32 {
		return 0
	}
	return time.Duration(seconds) * time.Second
}

func tokenExpiresIn(ctx context.Context, e *exam) verdict {
	t, err := e.some(ctx)
	if err != nil {
		return because(err)
	}
	if t.life() == 0 {
		return fails("expires_in is %v", t.reply.object()["expires_in"])
	}
	return ok("expires_in is %v", t.life().Seconds())
}

func tokenLifetime(ctx context.Context, e *exam) verdict {
	t, err := e.some(ctx)
	if err != nil {
		return because(err)
	}
	life := t.life()
	if claims, err := t.claims(); err == nil && life == 0 {
		life = seconds(claims["exp"]).Sub(seconds(claims["iat"]))
	}
	switch {
	case life == 0:
		return unknown("nothing says how long the token lives")
	case life > time.Hour:
		return fails("%v", life)
	}
	return ok("%v", life)
}

// errOpaque: RFC 9068 is about JWTs; a server may give tokens of another kind.
var errOpaque = errors.New("the access token is no JWT, and nobody but the server can read it")

// parts are the header and the claims of the access token, whose signature is not looked at.
func (t *tokens) parts() (header map[string]any, claims jwt.MapClaims, err error) {
	claims = jwt.MapClaims{}
	parsed, _, err := jwt.NewParser().ParseUnverified(t.access(), claims)
	if parsed == nil || parsed.Header == nil || err != nil && !errors.Is(err, jwt.ErrTokenUnverifiable) {
		return nil, nil, errOpaque
	}
	return parsed.Header, claims, nil
}

func (t *tokens) claims() (jwt.MapClaims, error) {
	_, claims, err := t.parts()
	return claims, err
}

// jwt is the access token of the first authorization, if it is one.
func (e *exam) jwt(ctx context.Context) (t *tokens, header map[string]any, claims jwt.MapClaims, err error) {
	if t, err = e.some(ctx); err == nil {
		header, claims, err = t.parts()
	}
	return t, header, claims, err
}

func jwtType(ctx context.Context, e *exam) verdict {
	_, header, _, err := e.jwt(ctx)
	if err != nil {
		return because(err)
	}
	typ, _ := header["typ"].(string)
	alg, _ := header["alg"].(string)
	if plain := strings.TrimPrefix(strings.ToLower(typ), "application/"); plain != "at+jwt" || alg == "" || strings.EqualFold(alg, "none") {
		return fails("typ is %q, alg is %q", clip(typ, 40), clip(alg, 20))
	}
	return ok("typ %s, alg %s", typ, clip(alg, 20))
}

func jwtClaims(ctx context.Context, e *exam) verdict {
	_, _, claims, err := e.jwt(ctx)
	if err != nil {
		return because(err)
	}
	var missing []string
	for _, name := range []string{"iss", "exp", "aud", "sub", "client_id", "iat", "jti"} {
		if _, there := claims[name]; !there {
			missing = append(missing, name)
		}
	}
	iss, _ := claims["iss"].(string)
	client, _ := claims["client_id"].(string)
	switch {
	case len(missing) > 0:
		return fails("%s missing", strings.Join(missing, ", "))
	case iss != e.Issuer:
		return fails("iss is %q", clip(iss, 120))
	case client != e.Client.ID:
		return fails("client_id is %q", clip(client, 60))
	}
	return ok("%s", strings.Join(slices.Sorted(maps.Keys(claims)), ", "))
}

func jwtAudience(ctx context.Context, e *exam) verdict {
	_, _, claims, err := e.jwt(ctx)
	if err != nil {
		return because(err)
	}
	audience, err := claims.GetAudience()
	switch {
	case err != nil || len(audience) == 0 || slices.Contains(audience, ""):
		return fails("it has no aud: every service that trusts the server takes it")
	case slices.Contains(audience, e.Client.ID):
		return fails("aud is the client, as in ID tokens")
	}
	return ok("aud %s", clip(strings.Join(audience, ", "), 120))
}

func jwtSignature(ctx context.Context, e *exam) verdict {
	t, header, _, err := e.jwt(ctx)
	if err != nil {
		return because(err)
	}
	if alg, _ := header["alg"].(string); strings.HasPrefix(alg, "HS") {
		return unknown("alg is %s: services share the key, which nobody publishes", clip(alg, 20))
	}
	raw, err := e.keys(ctx)
	if err != nil {
		return because(err)
	}
	parser := jwt.NewParser(jwt.WithoutClaimsValidation(), jwt.WithValidMethods([]string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}))
	_, err = parser.Parse(t.access(), func(t *jwt.Token) (any, error) { return keyOf(raw, t) })
	if err != nil {
		return fails("%v", err)
	}
	kid, _ := header["kid"].(string)
	return ok("%v, key %q", header["alg"], clip(kid, 40))
}

// keyOf is the key that the token names, or the only one where it names none.
func keyOf(raw []json.RawMessage, t *jwt.Token) (any, error) {
	for _, one := range raw {
		key, m, err := publicKey(one)
		if err == nil && (m.KID == t.Header["kid"] || t.Header["kid"] == nil && len(raw) == 1) {
			return key, nil
		}
	}
	return nil, fmt.Errorf("no published key has the kid of the token")
}

// clockSlack is how far the clocks of two machines may differ.
const clockSlack = 2 * time.Minute

func jwtTimes(ctx context.Context, e *exam) verdict {
	t, _, claims, err := e.jwt(ctx)
	if err != nil {
		return because(err)
	}
	iat, exp := seconds(claims["iat"]), seconds(claims["exp"])
	life := exp.Sub(iat)
	switch {
	case iat.IsZero() || exp.IsZero():
		return fails("iat or exp is no time")
	case iat.Sub(t.at).Abs() > clockSlack:
		return fails("iat is %v off by the clock here", iat.Sub(t.at).Round(time.Second))
	case life <= 0:
		return fails("exp is not after iat")
	case t.life() > 0 && (life-t.life()).Abs() > 5*time.Second:
		return fails("exp is %v after iat, and expires_in says %v", life, t.life())
	}
	return ok("exp is %v after iat", life)
}

// seconds is a time in seconds since 1970, zero if it is none.
func seconds(v any) time.Time {
	n, isNumber := v.(float64)
	if !isNumber || n <= 0 || n > 253402300799 { // RFC 3339 §1 ends with the year 9999
		return time.Time{}
	}
	return time.Unix(int64(n), 0)
}
