package resource

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"net/mail"
	"net/url"
	"strings"
	"unicode"

	"github.com/grantd/grantd/server/reason"
	"github.com/grantd/grantd/store"
)

const maxName = 200 // bytes of a full name or email

// signup answers POST /users/.
func (rt *router) signup(w http.ResponseWriter, r *http.Request) error {
	if query, err := url.ParseQuery(r.URL.RawQuery); err != nil || query.Has("password") {
		return badRequest(reason.ParameterInQuery, "the query string has a password or is malformed; send all fields in the body and treat what was sent as leaked")
	}
	given, err := readFields(w, r, "username", "password", "email", "full_name")
	if err != nil {
		return err
	}
	user, err := rt.NewUser(r.Context(), Account{given["username"], given["password"], given["email"], given["full_name"]})
	var wrong *AccountError
	if errors.As(err, &wrong) {
		return badFields(wrong.Reason, wrong.Status, wrong.Error(), wrong.Fields)
	}
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusCreated, profileOf(user))
}

// Account is what a person fills in to become a user.
type Account struct{ Username, Password, Email, FullName string }

// AccountError is an Account that cannot become a user.
type AccountError struct {
	Fields map[string]string // what is wrong with each, to go behind its name
	Status int               // of HTTP: 409 when another user has it already, otherwise 422
	Reason reason.Word
	words  string
}

func (e *AccountError) Error() string { return e.words }

// NewUser adds a user who signs up. The error is an *AccountError when it is for
// the person to correct. Of o it needs DB, CheckPassword, HashPassword, Now and Added.
func (o Options) NewUser(ctx context.Context, a Account) (store.User, error) {
	problems := CheckAccount(a.Username, a.Email, a.FullName)
	if err := o.CheckPassword(a.Password); err != nil {
		problems["password"] = err.Error()
	}
	if len(problems) > 0 {
		return store.User{}, &AccountError{problems, http.StatusUnprocessableEntity, reason.AccountRejected, "some fields cannot be taken as they are"}
	}
	hash, err := o.HashPassword(ctx, a.Password)
	if err != nil {
		return store.User{}, err
	}
	user := store.User{
		ID: rand.Text(), Username: a.Username, Email: a.Email, FullName: a.FullName, PasswordHash: hash, CreatedAt: o.Now(),
	}
	err = o.DB.CreateUser(ctx, user)
	var taken *store.TakenError
	if errors.As(err, &taken) {
		return store.User{}, &AccountError{map[string]string{taken.Field: "is taken"}, http.StatusConflict, reason.AccountTaken, taken.Field + " is taken"}
	}
	if err == nil {
		o.Added(ctx, user)
	}
	return user, err
}

// CheckAccount says what is wrong with each field of a new user. A username has
// no "@" unless it is the user's email, so that a login names one user only.
func CheckAccount(username, email, fullName string) map[string]string {
	problems := map[string]string{}
	if problem := checkUsername(username, email); problem != "" {
		problems["username"] = problem
	}
	if problem := checkText(email, maxName); email != "" && problem != "" {
		problems["email"] = problem
	} else if address, err := mail.ParseAddress(email); email != "" && (err != nil || address.Address != email) {
		problems["email"] = "is not an email address"
	}
	if problem := checkText(joiners.Replace(fullName), maxName); fullName != "" && problem != "" {
		problems["full_name"] = problem
	}
	return problems
}

// joiners belong to how some names are written, such as Persian ones. A full name
// tells nobody apart, so they may stand there.
var joiners = strings.NewReplacer("\u200c", "", "\u200d", "")

func checkUsername(username, email string) string {
	if problem := checkText(username, 64); problem != "" {
		return problem
	}
	if strings.EqualFold(username, email) {
		if strings.ContainsFunc(username, func(r rune) bool { return r > unicode.MaxASCII }) {
			return "is an email address with other letters than those of ASCII, of which many look alike; use another name"
		}
		return ""
	}
	for _, r := range username {
		if !strings.ContainsRune("._-", r) && !isAlphanumeric(r) {
			return "may have ASCII letters, digits, '.', '_' and '-' only, or be the email address"
		}
	}
	return ""
}

func isAlphanumeric(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
}
