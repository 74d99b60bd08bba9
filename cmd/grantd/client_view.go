package main

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/grantd/grantd/server/token"
	"github.com/grantd/grantd/store"
)

// clientView is what commands print of a client. Where RFC 7591 §2 and OpenID
// Connect have a name for a member, it is that.
type clientView struct {
	ID             string   `json:"client_id"`
	Secret         string   `json:"client_secret,omitempty"`           // only where it was just made
	OldSecretUntil string   `json:"old_client_secret_until,omitempty"` // only while it is good
	Name           string   `json:"name"`
	Type           string   `json:"type"`
	Kind           string   `json:"kind"`
	FirstParty     bool     `json:"first_party"`
	Grants         []string `json:"grant_types"`
	PKCE           string   `json:"pkce"`
	Scopes         []string `json:"scopes"`
	DefaultScopes  []string `json:"default_scopes"`
	RequiredScopes []string `json:"required_scopes"`
	RedirectURIs   []string `json:"redirect_uris"`
	Origins        []string `json:"origins"`
	LogoutURIs     []string `json:"post_logout_redirect_uris"`
	BackchannelURI string   `json:"backchannel_logout_uri"`
	IDTokenAlg     string   `json:"id_token_signed_response_alg"`
	Introspect     bool     `json:"introspect"`
	Created        string   `json:"created_at"`
}

func viewClient(c store.Client, now time.Time) clientView {
	v := clientView{
		ID: c.ID, Name: c.Name, Type: "confidential", Kind: c.Kind, FirstParty: c.FirstParty,
		Grants: list(c.Grants), PKCE: pkceRequired, Scopes: list(c.Scopes), DefaultScopes: list(c.DefaultScopes),
		RequiredScopes: list(c.RequiredScopes), RedirectURIs: list(c.RedirectURIs), Origins: list(c.Origins),
		LogoutURIs: list(c.LogoutURIs), BackchannelURI: c.BackchannelURI, IDTokenAlg: cmp.Or(c.IDTokenAlg, token.RS256),
		Introspect: c.Introspect, Created: when(c.CreatedAt),
	}
	if c.SecretHash == nil {
		v.Type = "public"
	}
	if c.OldSecretHash != nil && now.Before(c.OldSecretUntil) {
		v.OldSecretUntil = when(c.OldSecretUntil)
	}
	if c.PKCEOptional {
		v.PKCE = pkceOptional
	}
	return v
}

func (v clientView) print(a *app) error {
	pairs := []string{"client_id", v.ID}
	if v.Secret != "" {
		pairs = append(pairs, "client_secret", v.Secret+"   (shown this once)")
	}
	if v.OldSecretUntil != "" {
		pairs = append(pairs, "old secret", "good until "+v.OldSecretUntil)
	}
	words := func(list []string) string { return strings.Join(list, " ") }
	return a.fields(v, append(pairs, "name", v.Name, "type", v.Type, "kind", v.Kind, "first party", fmt.Sprint(v.FirstParty),
		"grant types", words(v.Grants), "PKCE", v.PKCE, "scopes", words(v.Scopes), "default scopes", words(v.DefaultScopes),
		"required scopes", words(v.RequiredScopes), "redirect URIs", words(v.RedirectURIs), "origins", words(v.Origins),
		"sign-out URIs", words(v.LogoutURIs), "back-channel sign-out", v.BackchannelURI, "ID tokens signed by", v.IDTokenAlg,
		"may introspect", fmt.Sprint(v.Introspect), "created", v.Created)...)
}
