package doctor

import "context"

// point is one thing that can be tested from outside.
type point struct {
	id      string // stable, for programs
	group   string
	level   Level
	section string
	claim   string // what is so where it is ok
	run     func(ctx context.Context, e *exam) verdict
}

// What an RFC says of clients alone, as RFC 9700 does of the password grant and of tokens in URLs, is a SHOULD of the server
// that lets them. points are all, in the order in which they are examined. What ends authorizations comes after what looks at them.
var points = []point{
	{"metadata", "Metadata", Must, "RFC 8414 §3", "the metadata are where clients look for them", metadataFound},
	{"metadata_json", "Metadata", Must, "RFC 8414 §3.2", "they are a JSON object, status 200, application/json", metadataJSON},
	{"issuer_url", "Metadata", Must, "RFC 8414 §2", "the issuer is an https URL without query and fragment", issuerURL},
	{"issuer_identical", "Metadata", Must, "RFC 8414 §3.3", "they name the issuer that was asked, byte for byte", issuerIdentical},
	{"metadata_required", "Metadata", Must, "RFC 8414 §2", "the members that clients need are there", metadataRequired},
	{"endpoints_https", "Metadata", Must, "RFC 6749 §3.1", "all endpoints are https, without a fragment", endpointsHTTPS},
	{"endpoints_answer", "Metadata", Must, "RFC 8414 §2", "every endpoint that they list answers", endpointsAnswer},
	{"grant_types_true", "Metadata", Must, "RFC 8414 §2", "grant types work if they are listed, and only then", grantTypesTrue},
	{"auth_methods_true", "Metadata", Must, "RFC 8414 §2", "the client authenticates in ways that are listed", authMethodsTrue},
	{"pkce_listed", "Metadata", Should, "RFC 9700 §2.1.1", "S256 is listed for PKCE, and plain is not", pkceListed},
	{"password_absent", "Metadata", Should, "RFC 9700 §2.4", "no password grant is offered", passwordAbsent},
	{"jwks", "Metadata", Must, "RFC 7517 §5", "the keys can be read, and are strong enough", jwksUsable},
	{"jwks_public", "Metadata", Must, "RFC 7517 §9.2", "no key has a private or secret part", jwksPublic},
	{"jwks_named", "Metadata", Should, "RFC 7517 §4.5", "each key has a name of its own and an algorithm", jwksNamed},

	{"tls_certificate", "TLS", Must, "RFC 8414 §6.1", "the certificate is valid for the host", tlsCertificate},
	{"tls_version", "TLS", Must, "RFC 9325 §3.1.1", "TLS 1.2 or newer, and nothing older", tlsVersion},
	{"plain_http", "TLS", Must, "RFC 6749 §3.2", "the token endpoint does not answer over plain http", plainHTTP},
	{"hsts", "TLS", Should, "RFC 9325 §3.2", "pages tell browsers to come by https only (HSTS)", hsts},

	{"error_json", "Token endpoint", Must, "RFC 6749 §5.2", "errors are JSON with a known code", errorJSON},
	{"error_status", "Token endpoint", Must, "RFC 6749 §5.2", "errors have status 400, and 401 only for the client", errorStatus},
	{"unknown_client", "Token endpoint", Must, "RFC 6749 §5.2", "an unknown client is refused as such", unknownClient},
	{"basic_challenge", "Token endpoint", Must, "RFC 6749 §5.2", "refused Basic is answered 401 with WWW-Authenticate", basicChallenge},
	{"token_get", "Token endpoint", Must, "RFC 6749 §3.2", "GET is refused", tokenGet},
	{"token_query", "Token endpoint", Must, "RFC 6749 §2.3.1", "parameters in the URL are not read", tokenQuery},
	{"token_twice", "Token endpoint", Must, "RFC 6749 §3.2", "a parameter that comes twice is refused", tokenTwice},
	{"token_cors", "Token endpoint", Should, "RFC 9700 §2.6", "scripts of foreign sites cannot use the browser's cookies", tokenCORS},

	{"page_frames", "Pages", Must, "RFC 9700 §4.16", "no site can frame the page", pageFrames},
	{"page_no_store", "Pages", Should, "RFC 9111 §5.2.2.5", "no cache keeps the page", pageNoStore},
	{"page_referrer", "Pages", Should, "RFC 9700 §4.2.4", "the page tells other sites nothing of its URL", pageReferrer},
	{"page_foreign", "Pages", Should, "RFC 9700 §4.2.4", "the page loads nothing from other sites", pageForeign},
	{"authorize_cors", "Pages", Must, "RFC 9700 §2.6", "scripts cannot read the authorization endpoint", authorizeCORS},

	{"redirect_unknown_client", "Redirects", Must, "RFC 6749 §4.1.2.1", "nobody is sent anywhere for an unknown client", redirectUnknownClient},
	{"redirect_open", "Redirects", Must, "RFC 9700 §4.11.2", "errors are not sent to an address that is not the client's", redirectOpen},
	{"redirect_slash", "Redirects", Must, "RFC 9700 §2.1", "a slash more is another address", redirectSlash},
	{"redirect_query", "Redirects", Must, "RFC 9700 §2.1", "a query more is another address", redirectQuery},
	{"redirect_host", "Redirects", Must, "RFC 9700 §2.1", "a host that only looks alike is another address", redirectHost},
	{"redirect_port", "Redirects", Must, "RFC 9700 §2.1", "another port is another address", redirectPort},
	{"redirect_scheme", "Redirects", Must, "RFC 9700 §2.1", "another scheme is another address", redirectScheme},
	{"redirect_path", "Redirects", Must, "RFC 9700 §2.1", "a path that climbs out is another address", redirectPath},
	{"redirect_fragment", "Redirects", Must, "RFC 6749 §3.1.2", "an address with a fragment is refused", redirectFragment},

	{"authorize_error", "Authorization", Must, "RFC 6749 §4.1.2.1", "errors go to the client, with its state", authorizeError},
	{"authorize_twice", "Authorization", Must, "RFC 6749 §3.1", "a parameter that comes twice is refused", authorizeTwice},
	{"implicit", "Authorization", Should, "RFC 9700 §2.1.2", "no token is given through the browser", implicit},
	{"state", "Authorization", Must, "RFC 6749 §4.1.2", "the state comes back as it was sent", stateReturned},
	{"iss", "Authorization", Should, "RFC 9700 §4.4.2", "answers say which server they are of (iss)", issSent},
	{"iss_true", "Authorization", Must, "RFC 9207 §2.3", "iss is the issuer, and comes if the metadata say so", issTrue},
	{"redirect_307", "Authorization", Must, "RFC 9700 §4.12", "no redirect after a password has status 307", redirect307},

	{"pkce_required", "PKCE", Must, "RFC 9700 §2.1.1", "a public client gets no code without a challenge", pkceRequired},
	{"pkce_plain", "PKCE", Should, "RFC 9700 §2.1.1", "the method plain is refused", pkcePlain},
	{"pkce_verifier", "PKCE", Must, "RFC 7636 §4.6", "a code with a challenge is worth nothing without the verifier", pkceVerifier},
	{"pkce_wrong", "PKCE", Must, "RFC 7636 §4.6", "a wrong verifier is refused", pkceWrong},
	{"pkce_downgrade", "PKCE", Must, "RFC 9700 §4.8.2", "a verifier for a code without a challenge is refused", pkceDowngrade},

	{"code_guess", "Codes", Must, "RFC 6749 §10.10", "codes and tokens are too long to be guessed", codeGuess},
	{"code_once", "Codes", Must, "RFC 6749 §4.1.2", "a code is good for one use", codeOnce},
	{"code_reuse", "Codes", Should, "RFC 6749 §4.1.2", "a second use ends what came of the first", codeReuse},
	{"code_redirect", "Codes", Must, "RFC 6749 §4.1.3", "a code is for the address of its request", codeRedirect},
	{"code_client", "Codes", Must, "RFC 6749 §4.1.3", "a code is for the client of its request", codeClient},

	{"token_json", "Tokens", Must, "RFC 6749 §5.1", "the answer has access_token and token_type", tokenJSON},
	{"token_no_store", "Tokens", Must, "RFC 6749 §5.1", "no cache keeps the answer", tokenNoStore},
	{"token_expires_in", "Tokens", Should, "RFC 6749 §5.1", "the answer says how long the token lives", tokenExpiresIn},
	{"token_lifetime", "Tokens", Should, "RFC 6750 §5.3", "access tokens live an hour or less", tokenLifetime},
	{"jwt_type", "Tokens", Must, "RFC 9068 §2.1", "the access token is a signed at+jwt", jwtType},
	{"jwt_claims", "Tokens", Must, "RFC 9068 §2.2", "it has iss, exp, aud, sub, client_id, iat and jti", jwtClaims},
	{"jwt_audience", "Tokens", Must, "RFC 9068 §3", "its aud names a resource, not the client", jwtAudience},
	{"jwt_signature", "Tokens", Must, "RFC 9068 §4", "a published key verifies it", jwtSignature},
	{"jwt_times", "Tokens", Must, "RFC 9068 §2.2", "iat and exp are right now, and as expires_in says", jwtTimes},

	{"refresh_rotates", "Refresh", Must, "RFC 9700 §4.14.2", "a public client gets a new refresh token each time", refreshRotates},
	{"refresh_scope", "Refresh", Must, "RFC 6749 §6", "a refresh does not widen the scope", refreshScope},
	{"refresh_client", "Refresh", Must, "RFC 6749 §10.4", "a refresh token is for its client", refreshClient},
	{"refresh_secret", "Refresh", Must, "RFC 6749 §6", "a refresh with a wrong secret is refused", refreshSecret},
	{"refresh_reuse", "Refresh", Must, "RFC 9700 §4.14.2", "a refresh token that was used long ago is refused", refreshReuse},
	{"refresh_ends", "Refresh", Must, "RFC 9700 §4.14.2", "its use ends the newest one, too", refreshEnds},

	{"revoke_unknown", "Other endpoints", Must, "RFC 7009 §2.2", "revocation of an unknown token answers 200", revokeUnknown},
	{"revoke", "Other endpoints", Must, "RFC 7009 §2", "a revoked refresh token is refused", revokeWorks},
	{"revoke_client", "Other endpoints", Must, "RFC 7009 §2.1", "a client revokes its own tokens only", revokeClient},
	{"introspect", "Other endpoints", Must, "RFC 7662 §2.1", "introspection refuses who does not authenticate", introspectRefuses},
	{"userinfo", "Other endpoints", Must, "RFC 6750 §3", "userinfo refuses who has no token, with a challenge", userinfoRefuses},
	{"bearer_query", "Other endpoints", Should, "RFC 9700 §4.3.2", "an access token in the URL is not read", bearerQuery},
}
