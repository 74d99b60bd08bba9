package reason

// What is wrong with the client, its proof, or what it may do.
const (
	ClientMissing             Word = "client_missing"
	ClientUnknown             Word = "client_unknown"
	ClientSecretWrong         Word = "client_secret_wrong"
	ClientSecretMiscopied     Word = "client_secret_miscopied"
	ClientSecretMissing       Word = "client_secret_missing"
	ClientSecretUnexpected    Word = "client_secret_unexpected"
	ClientSecretNotEncoded    Word = "client_secret_not_encoded"
	ClientAuthTwice           Word = "client_auth_twice"
	ClientAuthSchemeUnknown   Word = "client_auth_scheme_unknown"
	ClientAssertion           Word = "client_assertion_unsupported"
	ClientIDDiffers           Word = "client_id_differs"
	AuthorizationRepeated     Word = "authorization_repeated"
	BasicMalformed            Word = "basic_malformed"
	GrantTypeNotForClient     Word = "grant_type_not_for_client"
	OriginUnregistered        Word = "origin_unregistered"
	IntrospectionNotForClient Word = "introspection_not_for_client"
)

var clientEntries = []Entry{
	is(ClientMissing, "401 invalid_client, 400 invalid_request", "The request does not say which client it comes from.",
		"Send client_id, or authenticate with Basic. If it was sent, it was lost on the way: look for a redirect, or for a client that sends it in the URL."),
	is(ClientUnknown, "401 invalid_client, 400 invalid_request", "There is no client of this id. The id is not logged, for it may be a secret in the wrong field.",
		"\"grantd client list\" shows all. Compare letter case, look for the id of another environment, and at which database the server has (\"grantd check --print\")."),
	is(ClientSecretWrong, "401 invalid_client", "The client exists, and the secret is not its own.",
		"Compare how the secret is stored at the client: whole, without quotes or a line end. If it is lost: \"grantd client rotate-secret {client}\"."),
	is(ClientSecretMiscopied, "401 invalid_client", "The checksum at the end of the client secret is wrong, so it is nobody's: a character was lost, changed or added in copying.",
		"Copy it anew, whole and without blanks. If it is lost: \"grantd client rotate-secret {client}\"."),
	is(ClientSecretMissing, "401 invalid_client", "The client is confidential and sent no secret.",
		"Send it by Basic or as client_secret. An app that cannot keep a secret is to be public: add it anew by \"grantd client add --public\" or with a --kind of native or single-page."),
	is(ClientSecretUnexpected, "401 invalid_client", "The client is public, and sent a secret.",
		"Take the secret out of the client's settings (in many libraries: token_endpoint_auth_method none), or add the client anew as confidential."),
	is(ClientSecretNotEncoded, "401 invalid_client", "The secret would be right if the client had encoded it: in Basic, id and secret are form-url-encoded first (RFC 6749 §2.3.1).",
		"Encode id and secret before they are joined by ':', or send client_id and client_secret in the body."),
	is(ClientAuthTwice, "400 invalid_request", "The request authenticates its client in two ways (RFC 6749 §2.3).", "Use Basic or client_secret, not both."),
	is(ClientAuthSchemeUnknown, "401 invalid_client", "The Authorization header has a scheme that is neither Basic nor Bearer.", "Use Basic, or client_secret in the body. Some proxies put a header of their own there."),
	is(ClientAssertion, "401 invalid_client", "The client authenticates by a JWT, which this server does not take.", "Use the secret: token_endpoint_auth_method client_secret_basic or client_secret_post."),
	is(ClientIDDiffers, "400 invalid_request", "client_id in the body names another client than Basic.", "Send one of them, or the same."),
	is(AuthorizationRepeated, "400 invalid_request", "There is more than one Authorization header.", "Send one. A proxy may add its own: take that out."),
	is(BasicMalformed, "401 invalid_client", "The Basic credentials are not base64 of two form-url-encoded parts with ':' between them.",
		"Send base64(urlencode(client_id):urlencode(client_secret)); most libraries do so by themselves."),
	is(GrantTypeNotForClient, "400 unauthorized_client", "The client is not registered for this grant type, or is public and asks for client_credentials.",
		"\"grantd client show {client}\" shows what it may. \"grantd client add\" with --grants or --kind makes one that may."),
	is(OriginUnregistered, "204 access_denied", "A browser asked whether scripts of a page may call this URL, and no single-page app is registered for where the page is from. The browser then sends nothing.",
		"Register where the app runs: \"grantd client add\" with --kind single-page takes it from the redirect URIs, or from --origin. \"grantd client show {client}\" shows what is registered; scheme, host and port must be the same. Calls without such a question are answered, but the script cannot read the answer: the log's cause says so."),
	is(IntrospectionNotForClient, "400 unauthorized_client", "The client may not introspect tokens.", "Introspection is for resource services: \"grantd client add SERVICE --introspect\"."),
}
