package reason

import "github.com/grantd/grantd/scopes"

// What is wrong with the access token of a request, or that there is none.
const (
	TokenMissing           Word = "token_missing"
	AuthorizationMalformed Word = "authorization_malformed"
	TokenMalformed         Word = "token_malformed"
	TokenExpired           Word = "token_expired"
	TokenNotYetValid       Word = "token_not_yet_valid"
	TokenWrongIssuer       Word = "token_wrong_issuer"
	TokenWrongAudience     Word = "token_wrong_audience"
	TokenWrongType         Word = "token_wrong_type"
	TokenUnknownKey        Word = "token_unknown_key"
	TokenBadSignature      Word = "token_bad_signature"
	TokenRevoked           Word = "token_revoked"
	TokenInactive          Word = "token_inactive"
	TokenLacksScope        Word = "token_lacks_scope"
	TokenWithoutUser       Word = "token_without_user"
	KeysUnavailable        Word = "keys_unavailable"
	RevocationsUnavailable Word = "revocations_unavailable"
	TokenCheckFailed       Word = "token_check_failed"
)

// OfToken is the reason of what package scopes refuses.
func OfToken(e *scopes.Error) Word {
	switch {
	case e.Code() == "invalid_request":
		return AuthorizationMalformed
	case e.Kind == scopes.Insufficient:
		return TokenLacksScope
	case e.Kind == scopes.Unavailable:
		return TokenCheckFailed
	case e.Temporary():
		return Word(e.Kind)
	}
	return "token_" + Word(e.Kind)
}

var tokenEntries = []Entry{
	is(TokenMissing, "401 invalid_token", "The request has no access token where one is needed. The challenge has no error code then (RFC 6750 §3.1).", "Send Authorization: Bearer and the token. A token in the URL or a form is never read. Redirects and some proxies drop the header."),
	is(AuthorizationMalformed, "400 invalid_request", "The Authorization header is there twice, empty, or holds no single bearer token.", "Send Bearer, a space and the token, once. Quotes and the word undefined are common mistakes."),
	is(TokenMalformed, "401 invalid_token", "What was sent is no access token of RFC 9068: cut off, or something else.", "Send the member access_token of the token reply as it is. \"grantd token inspect\" tells what it is."),
	is(TokenExpired, "401 invalid_token", "The access token has expired, more than a minute ago: that much clocks may differ.", "The app refreshes, which every client has to do after tokens.access_ttl. If tokens seem to expire at once, compare the clocks of both machines."),
	is(TokenNotYetValid, "401 invalid_token", "The token was issued in the future, by the clock here.", "Compare the clocks of the machine that issued it and of this one; a minute is forgiven."),
	is(TokenWrongIssuer, "401 invalid_token", "Another issuer made the token.", "Get the token from this server. The URLs must be the same byte for byte, with or without a slash at the end."),
	is(TokenWrongAudience, "401 invalid_token", "The token is for other services.", "Ask for this one by the parameter resource, and have it in tokens.audience or tokens.audiences."),
	is(TokenWrongType, "401 invalid_token", "This is a token of another kind: an ID token or a refresh token.", "Send the member access_token of the token reply."),
	is(TokenUnknownKey, "401 invalid_token", "No key of this server has the id that the token names.", "Get a new token. If many fail: another server of the same name made them, or the signing keys were lost with a database (\"grantd key list\")."),
	is(TokenBadSignature, "401 invalid_token", "The signature is not by the key that the token names. The token was changed, or made up.", "Get a new token. One character lost in copying is the harmless cause."),
	is(TokenRevoked, "401 invalid_token", "The token, its authorization or its client was revoked, or its user disabled.", "The user logs in again. \"grantd audit list --client {client}\" shows when and in which request."),
	is(TokenInactive, "401 invalid_token", "The issuer says that the token is not active: expired, revoked or unknown.", "Get a new token. \"grantd token inspect\" tells what is wrong with it."),
	is(TokenLacksScope, "403 insufficient_scope", "The token is good, and lacks a scope that the route needs.", "The app asks for the scope when it gets a token. \"grantd client show {client}\" and \"grantd user show {user}\" show whether they may have it."),
	is(TokenWithoutUser, "403 access_denied", "The token is a client's own, and the route is about a user.", "Use a token that a user granted."),
	is(KeysUnavailable, "503 temporarily_unavailable", "The keys that tokens are checked with cannot be had now.", "Look at the log for why: the database, or the issuer's jwks.json."),
	is(RevocationsUnavailable, "503 temporarily_unavailable", "Nobody can tell now whether tokens are revoked, so none is taken.", "Look at the log for why: the database, or the issuer's list of revocations. /readyz tells, too."),
	is(TokenCheckFailed, "503 temporarily_unavailable", "The check of the token failed for a reason that is not the token's.", "Look at the cause: the issuer or the database cannot be reached."),
}
