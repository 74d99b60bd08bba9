package resource

import (
	"crypto/rand"
	"errors"
	"net/http"
	"net/mail"
	"strings"

	"github.com/grantd/grantd/store"
)

const maxName = 200 // bytes of a full name or email

// account is what a person signs up with.
type account struct {
	Username string `json:"username"`
	Password string `json:"password"`
	Email    string `json:"email"`
	FullName string `json:"full_name"`
}

// signup answers POST /users/.
func (rt *Router) signup(w http.ResponseWriter, r *http.Request) error {
	a, err := readAccount(w, r)
	if err != nil {
		return err
	}
	problems := CheckAccount(a.Username, a.Email, a.FullName)
	if err := rt.CheckPassword(a.Password); err != nil {
		problems["password"] = err.Error()
	}
	if len(problems) > 0 {
		return badFields(http.StatusUnprocessableEntity, "some fields cannot be taken as they are", problems)
	}
	user, err := rt.createUser(r, a)
	var taken *store.TakenError
	if errors.As(err, &taken) {
		return badFields(http.StatusConflict, taken.Field+" is taken", map[string]string{taken.Field: "is taken"})
	}
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusCreated, profileOf(user))
}

func (rt *Router) createUser(r *http.Request, a account) (store.User, error) {
	hash, err := rt.HashPassword(r.Context(), a.Password)
	if err != nil {
		return store.User{}, err
	}
	user := store.User{
		ID: rand.Text(), Username: a.Username, Email: a.Email, FullName: a.FullName,
		PasswordHash: hash, CreatedAt: rt.Now(),
	}
	return user, rt.DB.CreateUser(r.Context(), user)
}

// readAccount reads JSON or a form. A password in the URL is refused.
func readAccount(w http.ResponseWriter, r *http.Request) (account, error) {
	if r.URL.Query().Has("password") {
		return account{}, badRequest("password in the query string; send it in the body and treat the one sent as leaked")
	}
	var a account
	switch mediaType(r) {
	case "application/json":
		return a, readJSON(w, r, &a)
	case "application/x-www-form-urlencoded":
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		if err := r.ParseForm(); err != nil {
			return a, badRequest("the body is not a well-formed form, or longer than 64 KiB")
		}
		f := r.PostForm
		return account{f.Get("username"), f.Get("password"), f.Get("email"), f.Get("full_name")}, nil
	}
	return a, badRequest("send JSON or a form, and say which in Content-Type")
}

// CheckAccount says what is wrong with each field of a new user. A username has
// no "@" unless it is the user's email, so that a login names one user only.
func CheckAccount(username, email, fullName string) map[string]string {
	problems := map[string]string{}
	if problem := checkUsername(username, email); problem != "" {
		problems["username"] = problem
	}
	if address, err := mail.ParseAddress(email); email != "" && (err != nil || address.Address != email || len(email) > maxName) {
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
