package reason

// What is wrong with what is asked for.
const (
	ScopeMalformed     Word = "scope_malformed"
	ScopeUnknown       Word = "scope_unknown"
	ScopeNotForClient  Word = "scope_not_for_client"
	ScopeNotForUser    Word = "scope_not_for_user"
	ScopeNeedsUser     Word = "scope_needs_user"
	ScopeWidened       Word = "scope_widened"
	ResourceMalformed  Word = "resource_malformed"
	ResourceUnknown    Word = "resource_unknown"
	ResourceNotGranted Word = "resource_not_granted"
	AudienceGone       Word = "audience_gone"
)

var scopeEntries = []Entry{
	is(ScopeMalformed, "400 invalid_scope", "The parameter scope does not follow RFC 6749 §3.3: names parted by single spaces.", "Part the names by spaces, not commas, and leave out quotes and backslashes."),
	is(ScopeUnknown, "400 invalid_scope", "A scope that is asked for does not exist.",
		"Ask for one that does, or add it to the setting scopes. \"grantd check --print\" shows them."),
	is(ScopeNotForClient, "400 invalid_scope", "A scope that is asked for exists, but is not open to this client.",
		"\"grantd client show {client}\" shows its scopes. \"grantd client add\" with --scopes makes a client that may ask for it."),
	is(ScopeNotForUser, "400 invalid_scope", "The user may grant none of the scopes that are asked for.",
		"\"grantd user show {user}\" shows what the user may grant. It was limited by --scopes of \"grantd user add\"."),
	is(ScopeNeedsUser, "400 invalid_scope", "A client asks in its own name for a scope that is about a person.", "Leave openid, profile, email and offline_access out of client_credentials requests."),
	is(ScopeWidened, "400 invalid_scope", "A refresh asks for more than was granted (RFC 6749 §6).", "Leave scope out, or ask for less. For more, the user has to log in and consent anew."),
	is(ResourceMalformed, "400 invalid_target", "The parameter resource is no absolute URI without a fragment (RFC 8707 §2).", "Send the resource's URL whole, with its scheme."),
	is(ResourceUnknown, "400 invalid_target", "The parameter resource names a service that this server has no tokens for.",
		"Send it byte for byte as in the settings tokens.audience or tokens.audiences, or add it there."),
	is(ResourceNotGranted, "400 invalid_target", "The parameter resource names a service that the authorization is not for.", "Ask for it in the authorization request, too."),
	is(AudienceGone, "400 invalid_target", "The services that the authorization was for have been taken out of the settings since.", "Log in anew, or put them back into tokens.audiences."),
}
