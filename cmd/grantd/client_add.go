package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/grantd/grantd/config"
	"github.com/grantd/grantd/scopes"
	"github.com/grantd/grantd/server"
	"github.com/grantd/grantd/store"
	"github.com/spf13/cobra"
)

// clientGrants are the grant types that a client may be given.
var clientGrants = []string{"authorization_code", "client_credentials", "password", "refresh_token"}

// newClient is what the flags of "client add" say.
type newClient struct {
	name, scope, defaultScope, requiredScope string
	grants, redirectURIs                     []string
	public, introspect                       bool

	kind, pkce, idTokenAlg string
	firstParty             bool
	origins, logoutURIs    []string
	backchannelURI         string
}

func (a *app) clientAddCommand() *cobra.Command {
	var in newClient
	cmd := databaseCommand("add CLIENT", "Add a client; its secret is printed once", one("client"), nil)
	cmd.Long = "Add a client; its secret is printed once.\n\n" +
		"An app that signs people in has a --kind, which gives it the grant types authorization_code and refresh_token, the\n" +
		"scopes openid, profile, email and offline_access besides --scopes, and rules for its URIs:\n" +
		"  web          runs on a server of its own and keeps a secret; https, or http on loopback while it is made\n" +
		"  native       runs on a phone or desktop, has no secret; https, http on loopback (any port), or a scheme of its own\n" +
		"               that is a domain name backwards, such as com.example.app:/callback (RFC 8252)\n" +
		"  single-page  runs in the browser, has no secret; as web, and its scripts may call the token endpoint"
	in.addFlags(cmd)
	cmd.RunE = a.onDatabase(func(ctx context.Context, ad admin, args []string) error {
		c, err := in.client(ad, args[0])
		if err != nil {
			return err
		}
		if in.opensToOthers() {
			fmt.Fprintln(a.stderr, "warning: nobody is asked before this app gets access, and any app on a person's device can use its client id and wait at its "+
				"redirect URI there (RFC 8252 §8.6), so that every app they run gets what this one may have. Leave out --first-party, or use https redirect URIs that belong to the app")
		}
		if err := a.clientAdd(ctx, ad, c, in.public); err != nil {
			return err
		}
		a.warnOrigins(c)
		return nil
	})
	return cmd
}

func (in *newClient) addFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&in.name, "name", "", "name that people see")
	f.StringVar(&in.kind, "kind", "", "web, native or single-page: an app that signs people in (see above)")
	f.BoolVar(&in.public, "public", false, "an app that cannot keep a secret (on a phone or desktop)")
	f.StringSliceVar(&in.grants, "grants", nil, "grant types, parted by commas or spaces: authorization_code, client_credentials, password (RFC 9700 advises against it), refresh_token")
	f.StringVar(&in.scope, "scopes", "", "scopes it may ask for, parted by spaces")
	f.StringVar(&in.defaultScope, "default-scopes", "", "scopes of a request that asks for none")
	f.StringVar(&in.requiredScope, "required-scopes", "", "scopes that people cannot leave out when they consent")
	f.StringArrayVar(&in.redirectURIs, "redirect-uri", nil, "where to send people back to; may be given more than once")
	f.StringArrayVar(&in.logoutURIs, "logout-uri", nil, "where people may be sent after they signed out; may be given more than once")
	f.StringVar(&in.backchannelURI, "backchannel-logout-uri", "", "is told when a session ends (confidential clients)")
	f.StringArrayVar(&in.origins, "origin", nil, "whose scripts may call the token endpoint (single-page); by default those of its redirect URIs")
	f.StringVar(&in.pkce, "pkce", pkceRequired, "required, or optional for an OpenID Connect library that cannot (confidential clients)")
	f.StringVar(&in.idTokenAlg, "id-token-alg", "", "signs its ID tokens: RS256 (the default), ES256 or EdDSA")
	f.BoolVar(&in.firstParty, "first-party", false, "an app of your own: nobody is asked for consent")
	f.BoolVar(&in.introspect, "introspect", false, "may introspect tokens (a resource service)")
}

func (a *app) clientAdd(ctx context.Context, ad admin, c store.Client, public bool) error {
	secret := ""
	if !public {
		secret = server.NewClientSecret()
		c.SecretHash = server.HashSecret(secret)
	}
	c.CreatedAt = ad.now()
	if err := ad.db.CreateClient(ctx, c); err != nil {
		return otherName(err)
	}
	v := viewClient(c, c.CreatedAt)
	v.Secret = secret
	// The secret first: it is shown this once.
	return cmp.Or(v.print(a), a.recorded(ctx, ad, store.Event{Type: "client.added", ClientID: c.ID, Detail: store.Detail{
		"grants": c.Grants, "scopes": c.Scopes, "redirect_uris": c.RedirectURIs, "introspect": c.Introspect,
	}}))
}

var clientID = regexp.MustCompile(`^[A-Za-z0-9._~-]{1,100}$`)

// maxClientName is in characters: people read it on a phone when they consent.
const maxClientName = 100

// client checks the flags, those of the kind first: it fills in what they leave out.
func (in *newClient) client(ad admin, id string) (store.Client, error) {
	if !clientID.MatchString(id) {
		return store.Client{}, fmt.Errorf("client id %q: use up to 100 letters, digits, '.', '_', '~' and '-'", id)
	}
	if name := []rune(in.name); len(name) > maxClientName || printable(in.name) != in.name || strings.TrimSpace(in.name) != in.name {
		return store.Client{}, errors.New("--name: use up to 100 printable characters, with no space at either end")
	}
	in.grants = words(in.grants)
	if err := in.applyKind(); err != nil {
		return store.Client{}, err
	}
	for _, check := range []func() error{in.checkGrants, in.checkURIs, in.checkOptions} {
		if err := check(); err != nil {
			return store.Client{}, err
		}
	}
	c := store.Client{
		ID: id, Name: in.name, Grants: in.grants, RedirectURIs: in.redirectURIs, Introspect: in.introspect,
		Kind: in.kind, FirstParty: in.firstParty, PKCEOptional: in.pkce == pkceOptional, Origins: in.origins,
		LogoutURIs: in.logoutURIs, BackchannelURI: in.backchannelURI, IDTokenAlg: in.idTokenAlg,
	}
	return c, in.addScopes(ad.cfg, &c)
}

// checkGrants: RFC 6749 §4.4, a public client has no client credentials to be
// granted anything for.
func (in *newClient) checkGrants() error {
	for _, grant := range in.grants {
		if !slices.Contains(clientGrants, grant) {
			return fmt.Errorf("grant type %q does not exist; use %s", grant, strings.Join(clientGrants, ", "))
		}
	}
	if len(in.grants) == 0 && len(in.redirectURIs) > 0 {
		return errors.New("an app that signs people in needs --kind web, native or single-page, or grant types of its own with --grants")
	}
	if len(in.grants) == 0 && !in.introspect {
		return errors.New("a client without grant types can do nothing; give it some with --grants, or --introspect")
	}
	if in.public && (slices.Contains(in.grants, "client_credentials") || in.introspect) {
		return errors.New("a public client can neither use client_credentials nor introspect; leave out --public or those")
	}
	// RFC 6749 §3.1.2.2: without one, nobody could ever be sent back.
	if slices.Contains(in.grants, "authorization_code") && len(in.redirectURIs) == 0 {
		return errors.New("authorization_code needs a place to send people back to; name it with --redirect-uri")
	}
	return nil
}

// addScopes fills in the scopes. Those of OpenID Connect exist in every server,
// and an app that signs people in may have them all.
func (in *newClient) addScopes(cfg config.Config, c *store.Client) (err error) {
	cfg.Scopes = slices.Clone(cfg.Scopes)
	for _, name := range server.IdentityScopes() {
		if !isScope(cfg, name) {
			cfg.Scopes = append(cfg.Scopes, config.Scope{Name: name})
		}
	}
	allowed, err := knownScopes(cfg, in.scope)
	if err != nil {
		return err
	}
	if in.kind != "" {
		identity := scopes.Set(server.IdentityScopes())
		allowed = append(identity, allowed.Minus(identity)...)
	}
	c.Scopes = allowed
	for _, part := range []struct {
		what, text string
		into       *[]string
	}{{"default", in.defaultScope, &c.DefaultScopes}, {"required", in.requiredScope, &c.RequiredScopes}} {
		names, err := knownScopes(cfg, part.text)
		if err != nil {
			return err
		}
		if excess := names.Minus(allowed); len(excess) > 0 {
			return fmt.Errorf("%s scope %q is not among --scopes; add it there", part.what, excess[0])
		}
		*part.into = names
	}
	return nil
}

// words parts values at spaces, where the flag parted them at commas.
func words(values []string) []string { return strings.Fields(strings.Join(values, " ")) }
