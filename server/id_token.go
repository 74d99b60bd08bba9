package server

import (
	"context"
	"maps"

	"github.com/grantd/grantd/scopes"
	"github.com/grantd/grantd/server/token"
	"github.com/grantd/grantd/store"
)

// claimsOfScope has, for each scope of OpenID Connect Core §5.4, the claims that
// it lets a client see.
var claimsOfScope = map[string][]string{
	"profile": {"name", "preferred_username"},
	"email":   {"email", "email_verified"},
}

// userClaims are the claims about a user that a scope lets a client see. One that
// the user has no value for is left out (OpenID Connect Core §5.3.2).
func userClaims(user store.User, scope scopes.Set) map[string]any {
	known := map[string]any{"preferred_username": user.Username}
	if user.FullName != "" {
		known["name"] = user.FullName
	}
	if user.Email != "" {
		known["email"] = user.Email
		known["email_verified"] = false // nobody has checked that it is the user's
	}
	seen := map[string]any{}
	for _, name := range scope {
		for _, claim := range claimsOfScope[name] {
			if value, ok := known[claim]; ok {
				seen[claim] = value
			}
		}
	}
	return seen
}

// idToken is the ID token of an authorization whose scope has openid (OpenID
// Connect Core §3.1.3.3), given out along with an access token, and says no more
// than its scope lets the client see. The nonce is that of the authorization
// request; a refresh has none (§12.2).
func (s *Server) idToken(ctx context.Context, client *store.Client, g store.Grant, out issuance, access string) (string, error) {
	asked, err := parseClaims(g.Claims)
	if err != nil {
		return "", err // it was read before it was kept
	}
	if err := s.ensureIDKey(ctx, client); err != nil {
		return "", err
	}
	now := s.Now()
	return s.ring.MintID(token.ID{
		Alg: client.IDTokenAlg, Issuer: s.Issuer, Subject: out.user.ID, ClientID: client.ID,
		IssuedAt: now, ExpireAt: now.Add(s.AccessTTL), AuthTime: g.AuthTime,
		Nonce: out.nonce, SessionID: g.SessionID, Access: access,
		Claims: asked.forIDToken(userClaims(out.user, out.scope)),
	})
}

// forIDToken: §5.4: with an access token there is /userinfo for what the scope
// lets a client see, so that the ID token has only what was asked for by name,
// and only if it has the value that was asked for.
func (c claimsRequest) forIDToken(seen map[string]any) map[string]any {
	maps.DeleteFunc(seen, func(name string, value any) bool {
		wish, asked := c.idToken[name]
		return !asked || !wish.admits(value)
	})
	return seen
}

// readIDHint says whom an ID token is about that comes back as id_token_hint,
// expired or not. The error is token.ErrNotID, and may be token.ErrForgotten.
func (s *Server) readIDHint(hint string) (subject, clientID, sid string, err error) {
	h, err := s.ring.ReadHint(hint, s.Issuer)
	return h.Subject, h.ClientID, h.SessionID, err
}
