package reason

// What is wrong with a user, a password or an account.
const (
	UserUnknown       Word = "user_unknown"
	WrongPassword     Word = "wrong_password"
	UserDisabled      Word = "user_disabled"
	PasswordTooLong   Word = "password_too_long"
	LoginOvertaken    Word = "login_overtaken"
	UserGone          Word = "user_gone"
	PasswordOvertaken Word = "password_change_overtaken"
	AccountRejected   Word = "account_rejected"
	AccountTaken      Word = "account_taken"
)

var userEntries = []Entry{
	is(UserUnknown, "400 invalid_grant", "There is no user of this name or email. What was sent is not logged, for it may be a password in the wrong field.",
		"\"grantd user list\" shows all. Names differ by letter case only as the documents say; look at which database the server has (\"grantd check --print\")."),
	is(WrongPassword, "400 invalid_grant", "The user exists and may log in; the password is wrong.", "\"grantd user set-password {user}\" sets a new one. Many of these are somebody who guesses: \"grantd audit list --user {user}\"."),
	is(UserDisabled, "400 invalid_grant", "The password is right, and the user is disabled.", "\"grantd user enable {user}\" lets the user log in again."),
	is(PasswordTooLong, "400 invalid_request", "The password is longer than 72 bytes, which none of an account is.", "Look at what the client sends as password."),
	is(LoginOvertaken, "400 invalid_grant", "The password was right, but the user was disabled, deleted or given another password while it was checked.", "Log in again. \"grantd audit list --user {user}\" shows what changed."),
	is(UserGone, "400 invalid_grant, 401 invalid_token", "The user whom the authorization is about has been disabled or deleted since.", "\"grantd user show {user}\" and \"grantd audit list --user {user}\" tell which. \"grantd user enable\" brings a disabled user back; apps log in anew."),
	is(PasswordOvertaken, "400 invalid_grant", "While a new password was set, it was changed elsewhere, or the session ended.", "Sign in and try again. \"grantd audit list --user {user}\" shows who was faster."),
	is(AccountRejected, "422 invalid_request", "A field of somebody who signs up cannot be taken as it is; the answer says which.", "Correct the field."),
	is(AccountTaken, "409 invalid_request", "Somebody else has this username or email already.", "Choose another, or log in. \"grantd user show\" tells who has it."),
}
