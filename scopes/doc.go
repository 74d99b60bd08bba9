// Package scopes validates OAuth 2.0 access tokens offline and enforces their scopes.
//
// A resource service needs three lines of set-up: a source of the issuer's public keys (JWKS), a Verifier
// that checks JWT access tokens (RFC 9068) against them, and a Guard whose Require wraps handlers:
//
//	keys, err := scopes.JWKS(ctx, "https://auth.example.com/.well-known/jwks.json", scopes.JWKSOptions{})
//	verifier, err := scopes.NewVerifier(scopes.VerifierOptions{
//		Issuer:   "https://auth.example.com",
//		Audience: "https://api.example.com",
//		Keys:     keys,
//	})
//	guard := &scopes.Guard{Verifier: verifier, Realm: "api"}
//	http.Handle("GET /items/", guard.Require("me", "items")(items))
//
// Inside the handler FromContext gives the Claims. What Require refuses is answered as RFC 6750 §3 says,
// with a JSON body {"error","error_description"}.
package scopes
