package reason

// What is wrong with a refresh token, or one that is to be revoked.
const (
	RefreshTokenInvalid         Word = "refresh_token_invalid"
	RefreshTokenExpired         Word = "refresh_token_expired"
	RefreshTokenOfAnotherClient Word = "refresh_token_of_another_client"
	RefreshTokenReused          Word = "refresh_token_reused"
	GrantRevoked                Word = "grant_revoked"
	GrantGone                   Word = "grant_gone"
	TokenOfAnotherClient        Word = "token_of_another_client"
)

var refreshEntries = []Entry{
	is(RefreshTokenInvalid, "400 invalid_grant", "This is not a refresh token of this server: cut off, an access token, of another issuer, or made under another master key.",
		"\"grantd token inspect\" tells what it is. If all refresh tokens fail at once, the master key or the issuer changed."),
	is(RefreshTokenExpired, "400 invalid_grant", "The refresh token was not used for tokens.refresh_ttl, or the authorization is older than tokens.refresh_max_ttl.", "The user logs in again. Longer lives are set by tokens.refresh_ttl and tokens.refresh_max_ttl."),
	is(RefreshTokenOfAnotherClient, "400 invalid_grant", "The refresh token was issued to another client (RFC 6749 §10.4).", "Use the client_id that got it. If no app of yours mixes two clients up, somebody has a token that is not theirs: \"grantd grant revoke GRANT\"."),
	is(RefreshTokenReused, "400 invalid_grant", "A refresh token that was already spent came again, outside of tokens.reuse_grace. The authorization is revoked (RFC 9700 §4.14.2).",
		"The user logs in again. The cause is a client that does not save the new refresh token, shares one between processes, or was restored from a backup; or a thief. \"grantd audit list --client {client}\" shows the addresses."),
	is(GrantRevoked, "400 invalid_grant", "The authorization was revoked before this refresh: by the user, the operator, a sign-out, or after a reuse.", "The user logs in again. \"grantd audit list --client {client}\" shows when it was revoked, and in which request."),
	is(GrantGone, "400 invalid_grant", "The authorization is no more: its user or client was deleted, or it ended so long ago that it was swept.", "The user logs in again."),
	is(TokenOfAnotherClient, "400 invalid_grant", "A client asks to revoke a token that was issued to another one (RFC 7009 §2.1).", "Use the client that got it. The operator ends it by \"grantd grant revoke GRANT\"."),
}
