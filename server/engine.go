package server

import (
	"context"
	"net/http"

	"github.com/go-oauth2/oauth2/v4"
	oauth2server "github.com/go-oauth2/oauth2/v4/server"
)

// newEngine sets go-oauth2 up as the engine of the token endpoint and of codes. What of it is
// not used, and why, is in docs/architecture.md.
func newEngine(s *Server) *oauth2server.Server {
	engine := oauth2server.NewServer(&oauth2server.Config{
		TokenType:                   "Bearer",
		AllowedResponseTypes:        []oauth2.ResponseType{oauth2.Code},
		AllowedCodeChallengeMethods: []oauth2.CodeChallengeMethod{oauth2.CodeChallengeS256},
		AllowedGrantTypes: []oauth2.GrantType{
			oauth2.PasswordCredentials, oauth2.Refreshing, oauth2.ClientCredentials, oauth2.AuthorizationCode,
		},
	}, &manager{s})
	// The client was authenticated before the engine is entered.
	engine.ClientInfoHandler = func(r *http.Request) (id, secret string, err error) {
		return tokenRequestOf(r.Context()).client.ID, "", nil
	}
	engine.PasswordAuthorizationHandler = func(ctx context.Context, _, username, password string) (string, error) {
		return s.login(ctx, username, password)
	}
	// No token in a query string or a form (RFC 6750 §2.2, §2.3).
	engine.AccessTokenResolveHandler = func(*http.Request) (string, bool) { return "", false }
	// RFC 6749 §5.1 lets scope be left out; grantd always says what was granted.
	engine.ExtensionFieldsHandler = func(info oauth2.TokenInfo) map[string]any {
		fields := map[string]any{"scope": info.GetScope()}
		if signedIn, ok := info.(*signedInfo); ok {
			fields["id_token"] = signedIn.idToken // OpenID Connect Core §3.1.3.3
		}
		return fields
	}
	return engine
}
