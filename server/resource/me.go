package resource

import (
	"net/http"

	"github.com/grantd/grantd/store"
)

// profile is what the router shows of a user.
type profile struct {
	Username string `json:"username"`
	Email    string `json:"email"`
	FullName string `json:"full_name"`
	Disabled bool   `json:"disabled"`
}

func profileOf(u store.User) profile {
	return profile{Username: u.Username, Email: u.Email, FullName: u.FullName, Disabled: !u.DisabledAt.IsZero()}
}

// me answers GET /users/me/.
func (rt *Router) me(w http.ResponseWriter, r *http.Request) error {
	user, err := rt.user(r)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, profileOf(user))
}
