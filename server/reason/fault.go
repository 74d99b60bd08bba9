package reason

// Where nothing is wrong with the request: limits, and faults of the server.
const (
	TooManyLogins       Word = "too_many_logins"
	HasherFailed        Word = "hasher_failed"
	RevokeLimit         Word = "revoke_limit"
	AccountLimit        Word = "account_limit"
	PlaceLimit          Word = "place_limit"
	AddressLimit        Word = "address_limit"
	SignupLimit         Word = "signup_limit"
	ClientLimit         Word = "client_limit"
	RevocationsUnknown  Word = "revocations_unknown"
	LivesUnknown        Word = "token_lives_unknown"
	DatabaseUnavailable Word = "database_unavailable"
	MasterKeyReplaced   Word = "master_key_replaced"
	ClientLeft          Word = "client_left"
	Fault               Word = "fault"
	Panic               Word = "panic"
)

var faultEntries = []Entry{
	is(TooManyLogins, "503 temporarily_unavailable", "More logins wait than passwords can be hashed in time.", "If it lasts: more processors, password.max_concurrent_hashes, or fewer guesses from outside (\"grantd audit list\")."),
	is(HasherFailed, "503 temporarily_unavailable", "The process that hashes passwords could not be asked.", "It is started again by itself. Look at the log for why it ended, mostly for want of memory."),
	is(RevokeLimit, "429 temporarily_unavailable", "A client revokes many access tokens one by one.", "Have it revoke the refresh token, which ends all of an authorization by one entry."),
	is(AccountLimit, "429 temporarily_unavailable", "Too many wrong passwords for the account came from where its user has never logged in (limits.account). Where they have, they can log in.",
		"If it is the user who cannot get in: \"grantd user unlock {user}\". If it goes on, somebody is guessing: \"grantd audit list\" shows from where."),
	is(PlaceLimit, "429 temporarily_unavailable", "Too many wrong passwords for the account came from one address, or browser, where its user has logged in before, or in one session (limits.known_place).",
		"Nothing, as a rule: one more may be tried after a few minutes. \"grantd user unlock {user}\" lets them try at once, \"grantd user set-password {user}\" sets a new one."),
	is(AddressLimit, "429 temporarily_unavailable", "Too many wrong passwords came from the address, for whatever accounts (limits.address).",
		"If many people share it, raise limits.address. If it is a proxy or a server of yours that sends the logins of others, add it to trusted_proxies and have it send X-Forwarded-For."),
	is(SignupLimit, "429 temporarily_unavailable", "Too many people signed up from the address (limits.signup).", "If many people share it, raise limits.signup."),
	is(ClientLimit, "429 temporarily_unavailable", "The client sent more requests to this server than limits.client allows.", "Have it keep tokens until they expire. If it needs that many, raise limits.client."),
	is(RevocationsUnknown, "503 temporarily_unavailable", "The server has not heard from the database for more than a second, and gives out no list of revocations that may be old.", "Look at the database and the network to it. /readyz tells, too."),
	is(LivesUnknown, "503 temporarily_unavailable", "The server has not heard from the database for long, and does not know which tokens may be out.", "Look at the database and the network to it."),
	is(DatabaseUnavailable, "503 temporarily_unavailable", "The database could not be reached, or took too long.", "Look at the cause, at /readyz, and at the database: is it up, has it connections to spare, is its disk full?"),
	is(MasterKeyReplaced, "503 temporarily_unavailable", "No key that this server has made the refresh token. The master key of the database was changed, and the server was started with the one before; or the database could not be asked.",
		"Look at the cause. Restart the server with the new master key: \"Another master key\" in docs/operating.md has the order of things."),
	is(ClientLeft, "503 temporarily_unavailable", "The client closed the connection before it was answered.", "Compare its timeout, and those of proxies between, with how long requests take."),
	is(Fault, "500 server_error", "Something failed here that should not.", "Look at the cause. If it names no disk or network, it is a bug: report it with the request's line of the log."),
	is(Panic, "500 server_error", "The program met a bug; the request was ended, the server goes on.", "Report it with the log's line \"panic\" of this request, which has the stack."),
}
