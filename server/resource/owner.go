package resource

import (
	"errors"
	"net/http"

	"github.com/grantd/grantd/scopes"
	"github.com/grantd/grantd/server/reason"
	"github.com/grantd/grantd/store"
)

// ownEndpoint answers a request of the user who granted its token.
type ownEndpoint func(w http.ResponseWriter, r *http.Request, owner store.User) error

// owned is for routes of things that belong to a user.
func (rt *router) owned(h ownEndpoint) endpoint {
	return func(w http.ResponseWriter, r *http.Request) error {
		owner, err := rt.owner(r)
		if err != nil {
			return err
		}
		return h(w, r, owner)
	}
}

// errGone refuses the token of a user who was disabled or deleted a moment ago, as
// the guard will as soon as it hears of it.
var errGone = &scopes.Error{Kind: scopes.Revoked, Description: "the user of this token is disabled or gone"}

// owner is the user who granted the request's token.
func (rt *router) owner(r *http.Request) (store.User, error) {
	claims, ok := scopes.FromContext(r.Context())
	if !ok {
		return store.User{}, errors.New("a guarded route was reached without claims")
	}
	if claims.GrantID == "" {
		return store.User{}, &refusal{
			status: http.StatusForbidden, reason: reason.TokenWithoutUser, code: "access_denied",
			description: "this token is a client's own; the route needs one that a user granted",
		}
	}
	user, err := rt.Owner(r.Context(), claims)
	if errors.Is(err, store.ErrNotFound) || err == nil && !user.DisabledAt.IsZero() {
		return store.User{}, errGone
	}
	return user, err
}
