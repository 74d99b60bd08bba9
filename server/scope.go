package server

import (
	"slices"
	"strings"

	"github.com/grantd/grantd/scopes"
	"github.com/grantd/grantd/server/reason"
	"github.com/grantd/grantd/store"
)

// askedScope is the scope that a request asks for, as far as its client may:
// the client's default scopes when it asks for none (RFC 6749 §3.3). A scope
// that does not exist or that the client may not have is an error.
func (s *Server) askedScope(requested string, client *store.Client) (scopes.Set, error) {
	open := s.scopes.Intersect(client.Scopes)
	if requested == "" {
		return refreshable(open.Intersect(client.DefaultScopes), client), nil
	}
	asked, err := scopes.Parse(requested)
	if err != nil {
		return nil, scopeSyntax(err)
	}
	if excess := asked.Minus(open); len(excess) > 0 {
		why := reason.ScopeNotForClient
		if !s.scopes.Has(excess[0]) {
			why = reason.ScopeUnknown
		}
		return nil, badScope(why, "scope "+clip(excess[0])+" does not exist or is not open to this client").
			becausef("%s of client %s%s; it may ask for %s", clip(excess.String()), client.ID, didYouMean(excess[0], open), orNone(open))
	}
	return refreshable(open.Intersect(asked), client), nil
}

// refreshable leaves offline_access out where the client cannot refresh anyway
// (OpenID Connect Core §11).
func refreshable(scope scopes.Set, client *store.Client) scopes.Set {
	if allows(client, "refresh_token") {
		return scope
	}
	return scope.Minus(scopes.Set{"offline_access"})
}

// mayRefresh is whether an authorization comes with a refresh token. One that tells
// an app who somebody is does so only if they said yes to offline_access
// (OpenID Connect Core §11): it ends with their session otherwise.
func mayRefresh(scope scopes.Set, client *store.Client) bool {
	return allows(client, "refresh_token") && (!scope.Has("openid") || scope.Has("offline_access"))
}

// clip bounds what an error repeats of its request.
func clip(name string) string {
	const most = 40
	if len(name) > most {
		return name[:most] + "..."
	}
	return name
}

// userScope leaves out what the user may not grant; the scope member of the
// answer says so (RFC 6749 §3.3). Nothing left of something asked is an error.
func (s *Server) userScope(asked scopes.Set, user store.User) (scopes.Set, error) {
	if user.Scopes == nil {
		return asked, nil
	}
	// Who somebody is, they may tell anybody. A scope of the settings that only has such a
	// name may mean anything.
	granted := asked.Intersect(append(identityScopeNames().Minus(s.ownScopes), user.Scopes...))
	if len(granted) == 0 && len(asked) > 0 {
		return nil, badScope(reason.ScopeNotForUser, "the user may grant none of the scopes asked for").
			becausef("%s asked for, user %s may grant %s", clip(asked.String()), user.ID, orNone(user.Scopes))
	}
	return granted, nil
}

// narrowedScope is the scope of the access token that a refresh asks for.
// RFC 6749 §6: it may narrow what was granted, never widen it. A scope that was
// taken out of the settings since then exists no more and is left out.
func narrowedScope(requested string, granted scopes.Set) (scopes.Set, error) {
	if requested == "" {
		return granted, nil
	}
	asked, err := scopes.Parse(requested)
	if err != nil {
		return nil, scopeSyntax(err)
	}
	if !granted.Contains(asked) {
		return nil, badScope(reason.ScopeWidened, "the scope asked for is more than was granted; leave scope out or ask for less").
			becausef("granted was %s, more is %s", orNone(granted), clip(asked.Minus(granted).String()))
	}
	return granted.Intersect(asked), nil
}

// orNone is a scope for the operator.
func orNone(scope scopes.Set) string {
	if len(scope) == 0 {
		return "none"
	}
	return scope.String()
}

// didYouMean names the scope that one that is not known is next to, if it is close to any.
func didYouMean(unknown string, known scopes.Set) string {
	unknown = strings.ToLower(clip(unknown))
	for _, name := range known {
		start := commonStart(unknown, strings.ToLower(name))
		same := start + commonEnd(unknown[start:], strings.ToLower(name)[start:])
		if longest := max(len(unknown), len(name)); same >= longest-2 && 2*same > longest {
			return ", which may mean " + name
		}
	}
	return ""
}

func allows(client *store.Client, grantType string) bool {
	return slices.Contains(client.Grants, grantType)
}
