package reason

// What is wrong with the redemption of an authorization code.
const (
	CodeUnknown         Word = "code_unknown"
	CodeOfAnotherClient Word = "code_of_another_client"
	RedirectURIDiffers  Word = "redirect_uri_differs"
	VerifierUnexpected  Word = "verifier_unexpected"
	VerifierMissing     Word = "verifier_missing"
	VerifierMalformed   Word = "verifier_malformed"
	VerifierMismatch    Word = "verifier_mismatch"
	CodeExpired         Word = "code_expired"
	CodeReused          Word = "code_reused"
	CodeRevoked         Word = "code_revoked"
)

var codeEntries = []Entry{
	is(CodeUnknown, "400 invalid_grant", "The code is none of this server, or was made more than an hour ago.",
		"Send the code as it came, decoded once. Look whether the app asks one server for the code and another for the token."),
	is(CodeOfAnotherClient, "400 invalid_grant", "The code was made for another client.", "Use the same client_id in both requests. If no app of yours mixes two clients up, somebody has a code that is not theirs."),
	is(RedirectURIDiffers, "400 invalid_grant", "redirect_uri is not that of the authorization request (RFC 6749 §4.1.3).", "Send the same bytes in both requests, or none in the second one if PKCE is used."),
	is(VerifierUnexpected, "400 invalid_grant", "There is a code_verifier, and the authorization request had no code_challenge. Somebody may have taken it out (RFC 9700 §4.8.2).",
		"Send both, or neither. If the app does send both, find out what changes its request on the way."),
	is(VerifierMissing, "400 invalid_grant", "The authorization request had a code_challenge, and there is no code_verifier.", "The app sends the verifier that it keeps from the first request. It is mostly lost with the app's session."),
	is(VerifierMalformed, "400 invalid_grant", "code_verifier does not follow RFC 7636 §4.1: 43 to 128 letters, digits, '-', '.', '_' and '~'.", "Make it of 32 random bytes in base64url, without padding."),
	is(VerifierMismatch, "400 invalid_grant", "code_verifier is well-formed, and its SHA-256 is not the code_challenge.", "The app keeps one verifier for each request: two tabs or a second click often overwrite it. The hash is of the verifier's text, not of the bytes before base64url."),
	is(CodeExpired, "400 invalid_grant", "The code was not redeemed within a minute.", "The app redeems at once. Slow networks aside, look at the clocks of the replicas."),
	is(CodeReused, "400 invalid_grant", "The code was redeemed before, by somebody who had its verifier. What came of it is revoked (RFC 6749 §4.1.2).",
		"An app that asks twice (a reload of its callback, a retry) is to start anew instead. If it does not: one of the two was a thief. \"grantd audit list --client {client}\" shows where both came from."),
	is(CodeRevoked, "400 invalid_grant", "The code is no longer good: its user or client changed, or the session ended, before it was redeemed.", "The app starts anew. \"grantd audit list --client {client}\" shows what happened."),
}
