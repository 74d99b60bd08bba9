package server

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/grantd/grantd/scopes"
	"github.com/grantd/grantd/server/reason"
	"github.com/grantd/grantd/store"
)

// grantTypes are the grant types that POST /token knows, each with the
// parameters it cannot do without.
var grantTypes = map[string][]string{
	"authorization_code": {"code"},                 // RFC 6749 §4.1.3; for redirect_uri see checkCode
	"password":           {"username", "password"}, // §4.3.2
	"refresh_token":      {"refresh_token"},        // §6
	"client_credentials": nil,                      // §4.4.2
}

// token answers POST /token (RFC 6749 §3.2).
func (s *Server) token(w http.ResponseWriter, r *http.Request) error {
	form, err := readForm(w, r) // §3.2: body only, nothing twice
	if err != nil {
		return err
	}
	if !form.Has("grant_type") { // before the client, whose default depends on it
		return badRequest(reason.GrantTypeMissing, "grant_type is missing")
	}
	client, err := s.authenticateClient(r, form, s.defaultClient(form)) // §2.3
	if err != nil {
		return err
	}
	return s.answerGrant(w, r, form, client)
}

// defaultClient is for a request that names no client. Only the two grants of
// simple first-party apps have one (contract §5).
func (s *Server) defaultClient(form url.Values) fallback {
	switch form.Get("grant_type") {
	case "password", "refresh_token":
		if s.DefaultClient != "" {
			return func() (string, error) { return s.DefaultClient, nil }
		}
	}
	return noFallback
}

// answerGrant does what is left of a token request once its form is read and
// its client proven: grant type, engine, reply.
func (s *Server) answerGrant(w http.ResponseWriter, r *http.Request, form url.Values, client *store.Client) error {
	if err := checkGrant(r.Context(), form, client); err != nil {
		return err
	}
	ctx := withTokenRequest(r.Context(), &tokenRequest{
		client: client, scope: form.Get("scope"), resources: form[repeatable], redirectURI: form.Get("redirect_uri"), from: s.clientAddress(r),
	})
	// What the engine itself would refuse was refused above, so that its own
	// errors, and their statuses, mean a mistake of ours: server_error.
	grantType, asked, err := s.engine.ValidationTokenRequest(withRedirectURI(r.WithContext(ctx), form))
	form.Del("password") // it was looked at
	if err != nil {
		return err
	}
	info, err := s.engine.GetAccessToken(ctx, grantType, asked)
	if err != nil {
		return err
	}
	answer, err := newObject(2000).members(s.engine.GetTokenData(info))
	if err != nil {
		return err
	}
	s.metrics.issued(form.Get("grant_type"), info)
	return writeObject(w, http.StatusOK, answer)
}

// checkGrant: a known grant type, open to this client, with its parameters.
func checkGrant(ctx context.Context, form url.Values, client *store.Client) error {
	grantType := form.Get("grant_type")
	required, known := grantTypes[grantType]
	if !known {
		return &Error{Reason: reason.GrantTypeUnknown, Code: unsupportedGrantType, Hint: "this server does not know this grant_type", Status: http.StatusBadRequest}
	}
	recordOf(ctx).grantType = grantType
	// RFC 6749 §4.4: client credentials are for confidential clients only.
	if !allows(client, grantType) || grantType == "client_credentials" && public(client) {
		return notForClient(reason.GrantTypeNotForClient, "this client may not use grant_type "+grantType).
			becausef("%s may use %s", clientWords(client), strings.Join(client.Grants, ", "))
	}
	for _, name := range required {
		if !form.Has(name) {
			return badRequest(reason.ParameterMissing, name+" is missing")
		}
	}
	return nil
}

// clientWords is a client for the operator.
func clientWords(c *store.Client) string {
	if public(c) {
		return "public client " + c.ID
	}
	return "confidential client " + c.ID
}

// tokenRequest is what is proven of a token request on its way through the engine.
type tokenRequest struct {
	client      *store.Client
	scope       string     // as the request has it
	resources   []string   // the same
	redirectURI string     // of a code; the same
	from        string     // the address that it came from
	user        store.User // of a password grant, once the password was right
	asked       scopes.Set // of a password grant: what of scope the client may have
	audience    []string   // of a password grant: what of resources there is
}

type tokenRequestKey struct{}

func withTokenRequest(ctx context.Context, t *tokenRequest) context.Context {
	return context.WithValue(ctx, tokenRequestKey{}, t)
}

func tokenRequestOf(ctx context.Context) *tokenRequest {
	t, _ := ctx.Value(tokenRequestKey{}).(*tokenRequest)
	if t == nil {
		panic("server: the engine was entered without a proven client")
	}
	return t
}
