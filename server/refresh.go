package server

import (
	"context"
	"net/http"
	"net/url"

	"github.com/grantd/grantd/scopes"
	"github.com/grantd/grantd/server/reason"
)

// refresh answers POST /refresh: POST /token with grant_type=refresh_token for
// clients that would rather send a JSON body, or just the token as bearer.
func (s *Server) refresh(w http.ResponseWriter, r *http.Request) error {
	form, err := readRefreshRequest(w, r)
	if err != nil {
		return err
	}
	if err := s.checkOneToken(r, form.Get("refresh_token")); err != nil {
		return err
	}
	client, err := s.authenticateClient(r, form, s.clientOf(r.Context(), form.Get("refresh_token")))
	if err != nil {
		return err
	}
	return s.answerGrant(w, r, form, client)
}

// readRefreshRequest brings the three shapes into the one of POST /token.
func readRefreshRequest(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	form, err := readBody(w, r)
	if err != nil {
		return nil, err
	}
	if grantType := form.Get("grant_type"); grantType != "" && grantType != "refresh_token" {
		return nil, badRequest(reason.RefreshOnly, "this endpoint only refreshes; send other grants to /token")
	}
	form.Set("grant_type", "refresh_token")
	if !form.Has("refresh_token") {
		bearer, err := scopes.BearerToken(r)
		if err != nil {
			return nil, badRequest(reason.ParameterMissing, "refresh_token is missing; send it in a form, in a JSON object, or as bearer token").because(err)
		}
		form.Set("refresh_token", bearer)
	}
	r.Form, r.PostForm = form, form
	return form, nil
}

// checkOneToken refuses a request with one refresh token in its body and another
// as bearer token. An access token there is none of our business: many apps put
// theirs into every request.
func (s *Server) checkOneToken(r *http.Request, refresh string) error {
	bearer, err := scopes.BearerToken(r)
	if err != nil || bearer == refresh {
		return nil
	}
	if _, err := s.refresher.Read(bearer); err != nil {
		return nil
	}
	return badRequest(reason.RefreshTokenTwice, "refresh_token is given twice, as bearer token and in the body; send it once")
}

// readBody reads a form, a JSON object, or no body at all.
func readBody(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	switch {
	case r.ContentLength == 0: // whatever Content-Type says: some clients set it always
		return url.Values{}, checkQuery(r.URL)
	case mediaType(r) == "application/json":
		return readJSON(w, r)
	}
	return readForm(w, r)
}

// clientOf is for a request that names no client: a public client is the one
// the token names. A confidential one has sent no secret and is refused.
func (s *Server) clientOf(ctx context.Context, refresh string) fallback {
	return func() (string, error) {
		t, err := s.readRefresh(ctx, refresh)
		return t.ClientID, err
	}
}
