package resource

import (
	"errors"
	"net/http"

	"github.com/grantd/grantd/scopes"
	"github.com/grantd/grantd/store"
)

// ownEndpoint answers a request of the user who granted its token.
type ownEndpoint func(w http.ResponseWriter, r *http.Request, owner store.User) error

// owned is a guarded route of things that belong to a user.
func (rt *Router) owned(method, path string, h ownEndpoint, names ...string) Route {
	return rt.guarded(method, path, func(w http.ResponseWriter, r *http.Request) error {
		owner, err := rt.owner(r, names)
		if err != nil {
			return err
		}
		return h(w, r, owner)
	}, names...)
}

// owner is the user who granted the request's token.
func (rt *Router) owner(r *http.Request, need scopes.Set) (store.User, error) {
	claims, ok := scopes.FromContext(r.Context())
	if !ok {
		return store.User{}, errors.New("a guarded route was reached without claims")
	}
	if claims.GrantID == "" {
		return store.User{}, &refusal{
			status: http.StatusForbidden, Code: "access_denied",
			Description: "this token is a client's own; the route needs one that a user granted",
		}
	}
	user, err := rt.DB.User(r.Context(), claims.Subject)
	if errors.Is(err, store.ErrNotFound) || err == nil && !user.DisabledAt.IsZero() {
		return store.User{}, rt.gone(need)
	}
	return user, err
}

// gone refuses the token of a user who was disabled or deleted a moment ago, as
// the guard will as soon as it hears of it.
func (rt *Router) gone(need scopes.Set) error {
	const why = "the user of this token is disabled or gone"
	challenge := scopes.Challenge{
		Realm: rt.Guard.Realm, Error: "invalid_token", ErrorDescription: why,
		ResourceMetadata: rt.Guard.ResourceMetadata, Scope: need,
	}
	return &refusal{status: http.StatusUnauthorized, Code: "invalid_token", Description: why, challenge: challenge.String()}
}
