package server

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/grantd/grantd/scopes"
	"github.com/grantd/grantd/server/reason"
	"github.com/grantd/grantd/server/token"
)

// Bounds of the parameter claims. It is kept with the authorization that it leads to.
const (
	maxClaims     = 4 << 10 // bytes
	maxClaimDepth = 8       // objects and arrays in one another
	maxClaimNames = 100     // members of one object
)

// claimsRequest is the parameter claims of an authorization request (OpenID
// Connect Core §5.5): what is asked for by name. Its zero value asks for nothing.
type claimsRequest struct {
	idToken, userinfo map[string]claimWish
}

// claimWish is what is asked of one claim (§5.5.1).
type claimWish struct {
	essential bool
	values    []any // nil: any
}

// parseClaims reads the parameter; "" is none. §5.5: members that are not
// understood are ignored. What is no JSON, ambiguous or too large is refused.
func parseClaims(text string) (claimsRequest, error) {
	if text == "" {
		return claimsRequest{}, nil
	}
	root, err := strictObject(text)
	if err != nil {
		return claimsRequest{}, badRequest(reason.ClaimsMalformed, "claims: "+err.Error())
	}
	var c claimsRequest
	if c.idToken, err = readWishes(root["id_token"]); err == nil {
		c.userinfo, err = readWishes(root["userinfo"])
	}
	if err == nil && len(c.subjects()) > 1 {
		err = errors.New("sub is asked for with more than one value")
	}
	if err != nil {
		return claimsRequest{}, badRequest(reason.ClaimsMalformed, "claims: "+err.Error())
	}
	return c, nil
}

var errClaimsShape = errors.New(`it is not like {"id_token": {"auth_time": {"essential": true}}, "userinfo": {"email": null}}`)

func readWishes(value any) (map[string]claimWish, error) {
	if value == nil {
		return nil, nil
	}
	object, ok := value.(map[string]any)
	if !ok {
		return nil, errClaimsShape
	}
	wishes := make(map[string]claimWish, len(object))
	for name, value := range object {
		wish, err := readWish(value)
		if err != nil {
			return nil, err
		}
		wishes[name] = wish
	}
	return wishes, nil
}

// readWish: §5.5.1: null is a voluntary claim of any value.
func readWish(value any) (w claimWish, err error) {
	if value == nil {
		return w, nil
	}
	object, ok := value.(map[string]any)
	if !ok {
		return w, errClaimsShape
	}
	if essential, there := object["essential"]; there {
		if w.essential, ok = essential.(bool); !ok {
			return w, errClaimsShape
		}
	}
	if values, there := object["values"]; there {
		if w.values, ok = values.([]any); !ok || len(w.values) == 0 {
			return w, errClaimsShape
		}
	}
	if one, there := object["value"]; there {
		w.values = append(w.values, one)
	}
	return w, nil
}

// admits is whether a value is one of those asked for.
func (w claimWish) admits(value any) bool {
	return w.values == nil || slices.Contains(w.values, value)
}

// subjects are the different values that sub is asked for with. What is no string is nobody's.
func (c claimsRequest) subjects() (all []string) {
	for _, wish := range []claimWish{c.idToken["sub"], c.userinfo["sub"]} {
		for _, v := range wish.values {
			sub, ok := v.(string)
			if !ok {
				sub = "?" // no user has this id
			}
			if !slices.Contains(all, sub) {
				all = append(all, sub)
			}
		}
	}
	return all
}

// subject is the only user for whom the request may succeed (OpenID Connect Core
// §3.1.2.1, §5.5.1). Empty means anybody.
func (c claimsRequest) subject() string {
	if all := c.subjects(); len(all) > 0 {
		return all[0]
	}
	return ""
}

// acrUnmet is whether the request must fail because nobody signs in here in a
// way that it takes for essential (OpenID Connect Core §5.5.1.1).
func (c claimsRequest) acrUnmet() bool {
	acr := c.idToken["acr"]
	return acr.essential && !acr.admits(token.PasswordACR)
}

// scopes are those that cover the claims that are asked for by name. They are
// asked for with the others, so that the user is asked for consent to them alike.
func (c claimsRequest) scopes() (all scopes.Set) {
	for _, name := range identityScopeNames() {
		for _, claim := range claimsOfScope[name] {
			_, inToken := c.idToken[claim]
			_, inInfo := c.userinfo[claim]
			if inToken || inInfo {
				all = append(all, name)
				break
			}
		}
	}
	return all
}

// strictObject reads a JSON object within the bounds, in which no object has two
// members of one name: two readers could make two requests of it.
func strictObject(text string) (map[string]any, error) {
	if len(text) > maxClaims {
		return nil, errors.New("it is too long")
	}
	if !utf8.ValidString(text) || !json.Valid([]byte(text)) {
		return nil, errors.New("it is not JSON")
	}
	dec := json.NewDecoder(strings.NewReader(text))
	value, err := strictValue(dec, maxClaimDepth)
	if err != nil {
		return nil, err
	}
	object, ok := value.(map[string]any)
	if !ok {
		return nil, errClaimsShape
	}
	return object, nil
}

// strictValue reads the next value of a text that is valid JSON.
func strictValue(dec *json.Decoder, depth int) (any, error) {
	first, err := dec.Token()
	if err != nil {
		return nil, err
	}
	open, nested := first.(json.Delim)
	switch {
	case !nested:
		return first, nil
	case depth == 0:
		return nil, errors.New("it is nested too deeply")
	case open == '[':
		return strictArray(dec, depth-1)
	}
	return strictMembers(dec, depth-1)
}

func strictArray(dec *json.Decoder, depth int) ([]any, error) {
	all := []any{}
	for dec.More() {
		v, err := strictValue(dec, depth)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	_, err := dec.Token() // the closing bracket
	return all, err
}

func strictMembers(dec *json.Decoder, depth int) (map[string]any, error) {
	all := map[string]any{}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return nil, err
		}
		name := key.(string) // as the text is valid
		if _, twice := all[name]; twice {
			return nil, errors.New("a member is there twice")
		}
		if len(all) == maxClaimNames {
			return nil, errors.New("it has too many members")
		}
		if all[name], err = strictValue(dec, depth); err != nil {
			return nil, err
		}
	}
	_, err := dec.Token() // the closing brace
	return all, err
}
