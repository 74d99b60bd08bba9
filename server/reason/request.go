package reason

// What is wrong with a request before anybody asks what it wants.
const (
	PathUnknown         Word = "path_unknown"
	MethodWrong         Word = "method_wrong"
	ContentTypeWrong    Word = "content_type_wrong"
	BodyTooLong         Word = "body_too_long"
	BodyUnreadable      Word = "body_unreadable"
	FormMalformed       Word = "form_malformed"
	JSONMalformed       Word = "json_malformed"
	QueryMalformed      Word = "query_malformed"
	ParameterInQuery    Word = "parameter_in_query"
	ParameterRepeated   Word = "parameter_repeated"
	ParameterMalformed  Word = "parameter_malformed"
	ParameterMissing    Word = "parameter_missing"
	ParameterMisplaced  Word = "parameter_misplaced"
	GrantTypeMissing    Word = "grant_type_missing"
	GrantTypeUnknown    Word = "grant_type_unknown"
	RefreshOnly         Word = "refresh_only"
	RefreshTokenTwice   Word = "refresh_token_twice"
	GzipNeeded          Word = "gzip_needed"
	RequestUnreadable   Word = "request_unreadable"
	ParametersTwoPlaces Word = "parameters_in_two_places"
)

var requestEntries = []Entry{
	is(PathUnknown, "404 not_found", "Nothing is served at this path. It is not logged, for it may hold a secret.",
		"Compare the URL with those of /.well-known/oauth-authorization-server. Behind a proxy: the issuer's path must reach grantd as it is."),
	is(MethodWrong, "405 method_not_allowed", "The path is served, but not with this method.",
		"Use a method of the answer's Allow header. A POST that became a GET went through a redirect, mostly from http to https: call the final URL."),
	is(ContentTypeWrong, "400 invalid_request", "The body is of another media type than the endpoint reads.",
		"Send Content-Type: application/x-www-form-urlencoded. /refresh, /users/ and /users/me/items/ take application/json, too."),
	is(BodyTooLong, "400 invalid_request", "The body is longer than 64 KiB.", "Send the parameters of the endpoint only. A client that sends more sends something else."),
	is(BodyUnreadable, "400 invalid_request", "The body broke off before its end.",
		"Look at the network between the client and grantd, and at timeouts of proxies."),
	is(FormMalformed, "400 invalid_request", "The body is no well-formed form: a '%' without two hexadecimal digits, or a ';'.",
		"Encode each name and value with the form encoder of the language, once."),
	is(JSONMalformed, "400 invalid_request", "The body is no JSON object, or a parameter in it is no string.", "Send an object of strings in UTF-8, each name once."),
	is(QueryMalformed, "400 invalid_request", "The part of the URL behind '?' cannot be decoded, or has a value that the endpoint does not take.",
		"Encode each name and value once; OAuth parameters of a POST belong into the body."),
	is(ParameterInQuery, "400 invalid_request", "A credential or token came in the URL of a POST, where logs and histories keep it (RFC 6749 §2.3.1).",
		"Send it in the body. Treat the one that was sent as leaked: \"grantd client rotate-secret {client}\", \"grantd grant revoke\", or a new password."),
	is(ParameterRepeated, "400 invalid_request", "A parameter is there more than once, which RFC 6749 §3.1 and §3.2 forbid for all but resource.",
		"Send it once. Two layers of the client often add the same one, such as client_id."),
	is(ParameterMalformed, "400 invalid_request", "A parameter has control characters or is not UTF-8.",
		"Look for a line end at the end of a value that was read from a file, and for a second encoding."),
	is(ParameterMissing, "400 invalid_request", "A parameter that this request cannot do without is missing or empty.", "Send it. An empty value counts as left out (RFC 6749 §3.2)."),
	is(ParameterMisplaced, "400 invalid_request", "An authorization request has a parameter of the token endpoint, which is a secret.",
		"Leave it out, and treat the one that was sent as leaked."),
	is(GrantTypeMissing, "400 invalid_request", "A token request does not say which grant it is.", "Send grant_type in the body, as a form."),
	is(GrantTypeUnknown, "400 unsupported_grant_type", "The grant_type is none that this server knows.",
		"Use authorization_code, refresh_token, client_credentials or password, written so."),
	is(RefreshOnly, "400 invalid_request", "Another grant than a refresh came to /refresh.", "Send it to /token."),
	is(RefreshTokenTwice, "400 invalid_request", "There is one refresh token in the body and another as bearer token.", "Send it once."),
	is(GzipNeeded, "406 not_found", "A file of the documentation page is stored compressed, and the client reads no gzip.", "Send Accept-Encoding: gzip, as browsers do. Some proxies take it out."),
	is(RequestUnreadable, "400 invalid_request", "An authorization or sign-out request is no well-formed query, or longer than 32 KB.",
		"Encode each name and value once. A long state is better kept by the app, under a short name."),
	is(ParametersTwoPlaces, "400 invalid_request", "An authorization request came by POST with parameters in the URL, too.", "Use the URL or the form."),
}
