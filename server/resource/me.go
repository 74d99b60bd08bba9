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
func (rt *router) me(w http.ResponseWriter, _ *http.Request, owner store.User) error {
	return writeJSON(w, http.StatusOK, profileOf(owner))
}
