package resource

import (
	"crypto/rand"
	"errors"
	"net/http"
	"net/mail"
	"net/url"
	"strings"

	"github.com/grantd/grantd/store"
)

const maxName = 200 // bytes of a full name or email

// signup answers POST /users/.
func (rt *router) signup(w http.ResponseWriter, r *http.Request) error {
	if query, err := url.ParseQuery(r.URL.RawQuery); err != nil || query.Has("password") {
		return badRequest("the query string has a password or is malformed; send all fields in the body and treat what was sent as leaked")
	}
	account, err := readFields(w, r, "username", "password", "email", "full_name")
	if err != nil {
		return err
	}
	problems := CheckAccount(account["username"], account["email"], account["full_name"])
	if err := rt.CheckPassword(account["password"]); err != nil {
		problems["password"] = err.Error()
	}
	if len(problems) > 0 {
		return badFields(http.StatusUnprocessableEntity, "some fields cannot be taken as they are", problems)
	}
	user, err := rt.createUser(r, account)
	var taken *store.TakenError
	if errors.As(err, &taken) {
		return badFields(http.StatusConflict, taken.Field+" is taken", map[string]string{taken.Field: "is taken"})
	}
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusCreated, profileOf(user))
}

func (rt *router) createUser(r *http.Request, account fields) (store.User, error) {
	hash, err := rt.HashPassword(r.Context(), account["password"])
	if err != nil {
		return store.User{}, err
	}
	user := store.User{
		ID: rand.Text(), Username: account["username"], Email: account["email"], FullName: account["full_name"],
		PasswordHash: hash, CreatedAt: rt.Now(),
	}
	return user, rt.DB.CreateUser(r.Context(), user)
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
	if problem := checkText(fullName, maxName); fullName != "" && problem != "" {
		problems["full_name"] = problem
	}
	return problems
}

func checkUsername(username, email string) string {
	if problem := checkText(username, 64); problem != "" {
		return problem
	}
	if strings.EqualFold(username, email) {
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
