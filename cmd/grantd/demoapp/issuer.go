package demoapp

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// issuer finds out, when it is first needed, what the server at url offers.
type issuer struct {
	url    string
	client *http.Client
	mu     sync.Mutex
	found  *provider
}

// provider is a server that was found, with what go-oidc does not keep of its metadata.
type provider struct {
	*oidc.Provider
	EndSession string `json:"end_session_endpoint"`
	Revocation string `json:"revocation_endpoint"`
	SendsIss   bool   `json:"authorization_response_iss_parameter_supported"`
}

// get asks once. A server that cannot be reached is asked again the next time.
func (i *issuer) get() (*provider, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.found != nil {
		return i.found, nil
	}
	// The keys are fetched with this context as long as the app runs.
	found, err := oidc.NewProvider(i.context(context.Background()), i.url)
	if err != nil {
		return nil, err
	}
	p := &provider{Provider: found}
	if err := found.Claims(p); err != nil {
		return nil, err
	}
	if p.Endpoint().AuthURL == "" {
		return nil, errors.New("its metadata names no authorization_endpoint")
	}
	i.found = p
	return p, nil
}

// context makes both libraries use a client that does not wait forever.
func (i *issuer) context(ctx context.Context) context.Context {
	return oidc.ClientContext(ctx, i.client)
}

func (a *App) oauth(p *provider, scope ...string) *oauth2.Config {
	endpoint := p.Endpoint()
	endpoint.AuthStyle = oauth2.AuthStyleInHeader // RFC 6749 §2.3.1; to try out which would cost a refusal
	return &oauth2.Config{
		ClientID: a.ClientID, ClientSecret: a.ClientSecret, Endpoint: endpoint,
		RedirectURL: a.URL + "/callback", Scopes: scope,
	}
}

// revoke ends an authorization that is not needed any more (RFC 7009). One that
// cannot be ended now ends by itself.
func (a *App) revoke(ctx context.Context, p *provider, refreshToken string) {
	if p.Revocation == "" || refreshToken == "" {
		return
	}
	form := url.Values{"token": {refreshToken}, "token_type_hint": {"refresh_token"}}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, p.Revocation, strings.NewReader(form.Encode()))
	if err == nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.SetBasicAuth(url.QueryEscape(a.ClientID), url.QueryEscape(a.ClientSecret)) // RFC 6749 §2.3.1
		var answer *http.Response
		if answer, err = a.issuer.client.Do(r); err == nil {
			answer.Body.Close()
			if answer.StatusCode != http.StatusOK {
				err = fmt.Errorf("revocation answers %s", answer.Status)
			}
		}
	}
	if err != nil {
		a.Log.Warn("the demo app could not end an authorization", "error", err)
	}
}
