package reason

// What is wrong with an authorization request, or why nobody said yes to it.
const (
	RedirectURIMissing      Word = "redirect_uri_missing"
	RedirectURIUnregistered Word = "redirect_uri_unregistered"
	LogoutURIUnregistered   Word = "logout_uri_unregistered"
	StateUnfit              Word = "state_unfit_for_form_post"
	ResponseModeUnsupported Word = "response_mode_unsupported"
	ResponseTypeMissing     Word = "response_type_missing"
	ResponseTypeUnsupported Word = "response_type_unsupported"
	RequestObject           Word = "request_object_unsupported"
	NonceTooLong            Word = "nonce_too_long"
	ClaimsMalformed         Word = "claims_malformed"
	ClaimsUnmet             Word = "claims_unmet"
	PKCEMissing             Word = "pkce_missing"
	PKCEMethod              Word = "pkce_method_unsupported"
	PKCEMalformed           Word = "pkce_challenge_malformed"
	PromptMalformed         Word = "prompt_malformed"
	MaxAgeMalformed         Word = "max_age_malformed"
	HintInvalid             Word = "id_token_hint_invalid"
	HintsDisagree           Word = "hints_disagree"
	HintForgotten           Word = "id_token_hint_too_old"
	NobodySignedIn          Word = "nobody_signed_in"
	SignInTooOld            Word = "sign_in_too_old"
	SignedOutMeanwhile      Word = "signed_out_meanwhile"
	ConsentMissing          Word = "consent_missing"
	ConsentDenied           Word = "consent_denied"
	SignInCancelled         Word = "sign_in_cancelled"
)

var authorizeEntries = []Entry{
	is(RedirectURIMissing, "400 invalid_request", "The request has no redirect_uri, and which one is meant does not go without saying: the client has several, or asks for openid.",
		"Send redirect_uri. \"grantd client show {client}\" shows those that are registered."),
	is(RedirectURIUnregistered, "400 invalid_request", "redirect_uri is not registered for the client. URIs are compared byte for byte (RFC 9700 §2.1); on http://127.0.0.1, [::1] and localhost the port is free.",
		"Correct what the app sends, or register it: \"grantd client show {client}\" shows what is registered, \"grantd client add\" with --redirect-uri makes a client that has it."),
	is(LogoutURIUnregistered, "400 invalid_request", "post_logout_redirect_uri is not registered for the client.",
		"Correct what the app sends, or register it: \"grantd client show {client}\" shows the sign-out URIs, which are other ones than redirect URIs."),
	is(StateUnfit, "400 invalid_request", "state has characters that a form cannot give back, and response_mode is form_post.", "Use a state of printable characters, or response_mode=query."),
	is(ResponseModeUnsupported, "400 invalid_request", "The response_mode is neither query nor form_post.", "Use one of the two; with query it can be left out."),
	is(ResponseTypeMissing, "400 invalid_request", "The request does not say what it wants.", "Send response_type=code."),
	is(ResponseTypeUnsupported, "400 unsupported_response_type", "Only codes are given out: tokens in a redirect are not safe there (RFC 9700 §2.1.2).", "Use response_type=code with PKCE, as every current library can."),
	is(RequestObject, "400 request_not_supported, 400 request_uri_not_supported, 400 registration_not_supported", "The request has a parameter request, request_uri or registration, which this server does not take.", "Send the parameters one by one."),
	is(NonceTooLong, "400 invalid_request", "nonce is longer than 1024 bytes.", "Use 32 random bytes."),
	is(ClaimsMalformed, "400 invalid_request", "The parameter claims is not as OpenID Connect Core §5.5 has it.", "Send a JSON object of at most 4 KB; most apps need none, but the scopes profile and email."),
	is(ClaimsUnmet, "400 unmet_authentication_requirements", "The app demands a way of signing in (acr) that there is not.", "Take acr out of claims, or make it voluntary."),
	is(PKCEMissing, "400 invalid_request", "The request has no code_challenge.",
		"Switch PKCE with S256 on in the app's library. A confidential OpenID Connect client whose library cannot may be added with --pkce optional."),
	is(PKCEMethod, "400 invalid_request", "code_challenge_method is not S256, or missing, which means plain, or there without a challenge.", "Send code_challenge_method=S256 with the SHA-256 of the verifier."),
	is(PKCEMalformed, "400 invalid_request", "code_challenge is not the base64url of a SHA-256, without padding.", "Send BASE64URL(SHA256(code_verifier)): 43 characters. Hexadecimal, '=' and '+' are common mistakes."),
	is(PromptMalformed, "400 invalid_request", "prompt has a value that is unknown, or none beside another.", "Use none alone, or some of login, consent and select_account."),
	is(MaxAgeMalformed, "400 invalid_request", "max_age is not a number of seconds.", "Send digits only."),
	is(HintInvalid, "400 invalid_request", "id_token_hint is not an ID token of this server, or one for another app than client_id.", "Send the last ID token that the app got from this issuer, or none."),
	is(HintsDisagree, "400 invalid_request", "id_token_hint and claims name two different people.", "Send one of them."),
	is(HintForgotten, "400 login_required", "id_token_hint was signed by a key that is gone, so that nobody can tell whether the same person is there.", "Send the person to the page to sign in: the same request without prompt=none."),
	is(NobodySignedIn, "400 login_required", "The app wants nobody to be asked (prompt=none), and nobody is signed in whom the request could be about.", "This is the usual answer when a session is over. The app sends the same request without prompt=none. If it comes always: in a frame of another site browsers send no cookie."),
	is(SignInTooOld, "400 login_required", "The app wants nobody to be asked, and the last sign-in is longer ago than its max_age.", "The app sends the same request without prompt=none."),
	is(SignedOutMeanwhile, "400 login_required", "The person was signed out while the code was made.", "The app starts anew."),
	is(ConsentMissing, "400 consent_required", "The app wants nobody to be asked, and the user has not allowed this yet.", "The app sends the same request without prompt=none. An app of your own can be added with --first-party."),
	is(ConsentDenied, "400 access_denied", "The user pressed Deny, or left no scope ticked.", "Nothing is wrong. The app may ask again when the user wants to."),
	is(SignInCancelled, "400 access_denied", "The user gave up on the page to sign in.", "Nothing is wrong. The app asked for an account by a hint, which the user may not have."),
}
