package reason

// Where nothing is wrong with the request: limits, and faults of the server.
const (
	TooManyLogins       Word = "too_many_logins"
	HasherFailed        Word = "hasher_failed"
	RevokeLimit         Word = "revoke_limit"
	RevocationsUnknown  Word = "revocations_unknown"
	LivesUnknown        Word = "token_lives_unknown"
	DatabaseUnavailable Word = "database_unavailable"
	ClientLeft          Word = "client_left"
	Fault               Word = "fault"
	Panic               Word = "panic"
)

var faultEntries = []Entry{
	is(TooManyLogins, "503 temporarily_unavailable", "More logins wait than passwords can be hashed in time.", "If it lasts: more processors, password.max_concurrent_hashes, or fewer guesses from outside (\"grantd audit list\")."),
	is(HasherFailed, "503 temporarily_unavailable", "The process that hashes passwords could not be asked.", "It is started again by itself. Look at the log for why it ended, mostly for want of memory."),
	is(RevokeLimit, "429 temporarily_unavailable", "A client revokes many access tokens one by one.", "Have it revoke the refresh token, which ends all of an authorization by one entry."),
	is(RevocationsUnknown, "503 temporarily_unavailable", "The server has not heard from the database for more than a second, and gives out no list of revocations that may be old.", "Look at the database and the network to it. /readyz tells, too."),
	is(LivesUnknown, "503 temporarily_unavailable", "The server has not heard from the database for long, and does not know which tokens may be out.", "Look at the database and the network to it."),
	is(DatabaseUnavailable, "503 temporarily_unavailable", "The database could not be reached, or took too long.", "Look at the cause, at /readyz, and at the database: is it up, has it connections to spare, is its disk full?"),
	is(ClientLeft, "503 temporarily_unavailable", "The client closed the connection before it was answered.", "Compare its timeout, and those of proxies between, with how long requests take."),
	is(Fault, "500 server_error", "Something failed here that should not.", "Look at the cause. If it names no disk or network, it is a bug: report it with the request's line of the log."),
	is(Panic, "500 server_error", "The program met a bug; the request was ended, the server goes on.", "Report it with the log's line \"panic\" of this request, which has the stack."),
}
