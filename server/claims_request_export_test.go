package server

import "github.com/grantd/grantd/scopes"

// ClaimsRequest is what a test sees of a parameter claims.
type ClaimsRequest struct {
	Subject  string
	ACRUnmet bool
	Scopes   scopes.Set
	IDToken  map[string]any // of an ann whose scope is profile and email
}

// ParseClaims reads the parameter claims.
func ParseClaims(text string) (ClaimsRequest, error) {
	c, err := parseClaims(text)
	if err != nil {
		return ClaimsRequest{}, err
	}
	return ClaimsRequest{c.subject(), c.acrUnmet(), c.scopes(), c.forIDToken(map[string]any{
		"name": "Ann Example", "preferred_username": "ann", "email": "ann@example.com", "email_verified": false,
	})}, nil
}

// MaxClaims is how long the parameter may be, in bytes.
const MaxClaims = maxClaims

// StrictObject reads a JSON object.
func StrictObject(text string) (map[string]any, error) { return strictObject(text) }
