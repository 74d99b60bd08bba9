package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/grantd/grantd/scopes"
	"github.com/grantd/grantd/server"
	"github.com/grantd/grantd/store"
	"github.com/spf13/cobra"
)

// clientGrants are the grant types that a client may be given.
var clientGrants = []string{"authorization_code", "client_credentials", "password", "refresh_token"}

func (a *app) clientCommand() *cobra.Command {
	return group("client", "Manage the apps and services that may ask for tokens",
		a.clientAddCommand(),
		databaseCommand("list", "List clients", noArgs, a.onDatabase(a.clientList)),
		databaseCommand("show CLIENT", "Show a client", one("client"), a.onDatabase(a.clientShow)),
		databaseCommand("rotate-secret CLIENT", "Give a client a new secret and print it once; the old one stops working", one("client"), a.onDatabase(a.clientRotateSecret)),
		a.clientDeleteCommand(),
	)
}

// clientView is what commands print of a client.
type clientView struct {
	ID            string   `json:"client_id"`
	Secret        string   `json:"client_secret,omitempty"` // only where it was just made
	Name          string   `json:"name"`
	Type          string   `json:"type"`
	Grants        []string `json:"grant_types"`
	Scopes        []string `json:"scopes"`
	DefaultScopes []string `json:"default_scopes"`
	RedirectURIs  []string `json:"redirect_uris"`
	Introspect    bool     `json:"introspect"`
	Created       string   `json:"created_at"`
}

func viewClient(c store.Client) clientView {
	kind := "confidential"
	if c.SecretHash == nil {
		kind = "public"
	}
	return clientView{c.ID, "", c.Name, kind, list(c.Grants), list(c.Scopes), list(c.DefaultScopes), list(c.RedirectURIs),
		c.Introspect, when(c.CreatedAt)}
}

func (v clientView) print(a *app) error {
	pairs := []string{"client_id", v.ID}
	if v.Secret != "" {
		pairs = append(pairs, "client_secret", v.Secret+"   (shown this once)")
	}
	return a.fields(v, append(pairs, "name", v.Name, "type", v.Type, "grant types", strings.Join(v.Grants, " "),
		"scopes", strings.Join(v.Scopes, " "), "default scopes", strings.Join(v.DefaultScopes, " "),
		"redirect URIs", strings.Join(v.RedirectURIs, " "), "may introspect", fmt.Sprint(v.Introspect), "created", v.Created)...)
}

// newClient is what the flags of "client add" say.
type newClient struct {
	name, scope, defaultScope string
	grants, redirectURIs      []string
	public, introspect        bool
}

func (a *app) clientAddCommand() *cobra.Command {
	var in newClient
	cmd := databaseCommand("add CLIENT", "Add a client; its secret is printed once", one("client"), nil)
	f := cmd.Flags()
	f.StringVar(&in.name, "name", "", "name that people see")
	f.BoolVar(&in.public, "public", false, "an app that cannot keep a secret (on a phone or desktop)")
	f.StringSliceVar(&in.grants, "grants", nil, "grant types, parted by commas or spaces: authorization_code (not served yet), client_credentials, password (RFC 9700 advises against it), refresh_token")
	f.StringVar(&in.scope, "scopes", "", "scopes it may ask for, parted by spaces")
	f.StringVar(&in.defaultScope, "default-scopes", "", "scopes of a request that asks for none")
	f.StringArrayVar(&in.redirectURIs, "redirect-uri", nil, "where to send people back to; may be given more than once")
	f.BoolVar(&in.introspect, "introspect", false, "may introspect tokens (a resource service)")
	cmd.RunE = a.onDatabase(func(ctx context.Context, ad admin, args []string) error {
		c, err := in.client(ad, args[0])
		if err != nil {
			return err
		}
		return a.clientAdd(ctx, ad, c, in.public)
	})
	return cmd
}

func (a *app) clientAdd(ctx context.Context, ad admin, c store.Client, public bool) error {
	secret := ""
	if !public {
		secret = newSecret()
		c.SecretHash = server.HashSecret(secret)
	}
	c.CreatedAt = ad.now()
	if err := ad.db.CreateClient(ctx, c); err != nil {
		return otherName(err)
	}
	v := viewClient(c)
	v.Secret = secret
	return v.print(a)
}

// newSecret makes a client secret of 256 bits of entropy.
func newSecret() string {
	b := make([]byte, 32)
	rand.Read(b)
	return base64.RawURLEncoding.EncodeToString(b)
}

var clientID = regexp.MustCompile(`^[A-Za-z0-9._~-]{1,100}$`)

// client checks the flags. RFC 6749 §4.4: a public client has no client
// credentials to be granted anything for.
func (in newClient) client(ad admin, id string) (store.Client, error) {
	c := store.Client{ID: id, Name: in.name, Grants: words(in.grants), RedirectURIs: in.redirectURIs, Introspect: in.introspect}
	if !clientID.MatchString(id) {
		return c, fmt.Errorf("client id %q: use up to 100 letters, digits, '.', '_', '~' and '-'", id)
	}
	for _, grant := range c.Grants {
		if !slices.Contains(clientGrants, grant) {
			return c, fmt.Errorf("grant type %q does not exist; use %s", grant, strings.Join(clientGrants, ", "))
		}
	}
	if len(c.Grants) == 0 && !in.introspect {
		return c, errors.New("a client without grant types can do nothing; give it some with --grants, or --introspect")
	}
	if in.public && (slices.Contains(c.Grants, "client_credentials") || in.introspect) {
		return c, errors.New("a public client can neither use client_credentials nor introspect; leave out --public or those")
	}
	// RFC 6749 §3.1.2.2: without one, nobody could ever be sent back.
	if slices.Contains(c.Grants, "authorization_code") && len(in.redirectURIs) == 0 {
		return c, errors.New("authorization_code needs a place to send people back to; name it with --redirect-uri")
	}
	for _, uri := range in.redirectURIs {
		if err := checkRedirectURI(uri); err != nil {
			return c, err
		}
	}
	allowed, err := knownScopes(ad.cfg, in.scope)
	if err != nil {
		return c, err
	}
	defaults, err := knownScopes(ad.cfg, in.defaultScope)
	if err != nil {
		return c, err
	}
	if excess := scopes.Set(defaults).Minus(allowed); len(excess) > 0 {
		return c, fmt.Errorf("default scope %q is not among --scopes; add it there", excess[0])
	}
	c.Scopes, c.DefaultScopes = allowed, defaults
	return c, nil
}

// words parts values at spaces, where the flag parted them at commas.
func words(values []string) []string { return strings.Fields(strings.Join(values, " ")) }

// checkRedirectURI: RFC 6749 §3.1.2, absolute and without a fragment; RFC 9700
// §2.6, https unless it stays on the machine or is an app's own scheme.
func checkRedirectURI(uri string) error {
	u, err := url.Parse(uri)
	if err != nil || !u.IsAbs() || u.Fragment != "" || strings.Contains(uri, "#") {
		return fmt.Errorf("redirect URI %q is not an absolute URI without a fragment", uri)
	}
	host := u.Hostname()
	loopback := host == "127.0.0.1" || host == "::1" || host == "localhost"
	switch {
	case u.Scheme == "https" && host != "", u.Scheme == "http" && loopback, strings.Contains(u.Scheme, "."):
		return nil
	}
	return fmt.Errorf("redirect URI %q: use https, http on loopback, or an app's own scheme such as com.example.app", uri)
}

func (a *app) clientList(ctx context.Context, ad admin, _ []string) error {
	views, rows := []clientView{}, [][]string{}
	for after := ""; ; {
		clients, err := ad.db.Clients(ctx, after, page)
		if err != nil {
			return err
		}
		for _, c := range clients {
			v := viewClient(c)
			views = append(views, v)
			rows = append(rows, []string{v.ID, v.Name, v.Type, strings.Join(v.Grants, " "), strings.Join(v.Scopes, " ")})
		}
		if len(clients) < page {
			break
		}
		after = clients[len(clients)-1].ID
	}
	return a.table(views, []string{"CLIENT", "NAME", "TYPE", "GRANT TYPES", "SCOPES"}, rows)
}

func clientNamed(ctx context.Context, ad admin, id string) (store.Client, error) {
	c, err := ad.db.Client(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return c, fmt.Errorf("there is no client %q; \"grantd client list\" shows all", id)
	}
	return c, err
}

func (a *app) clientShow(ctx context.Context, ad admin, args []string) error {
	c, err := clientNamed(ctx, ad, args[0])
	if err != nil {
		return err
	}
	return viewClient(c).print(a)
}

func (a *app) clientRotateSecret(ctx context.Context, ad admin, args []string) error {
	c, err := clientNamed(ctx, ad, args[0])
	if err != nil {
		return err
	}
	if c.SecretHash == nil {
		return fmt.Errorf("client %s is public and has no secret; delete it and add it without --public", c.ID)
	}
	secret := newSecret()
	now := ad.now()
	if err := ad.db.SetClientSecret(ctx, c.ID, server.HashSecret(secret), now, until(now)); err != nil {
		return err
	}
	v := viewClient(c)
	v.Secret = secret
	return v.print(a)
}

// lateIssue is for how long after the command a client may still be issued
// tokens of its own, which only their time of issue tells from those of a later
// client: the deletion waits up to 5 s for the database, and a request that was
// past client authentication by then ends within 20 s.
const lateIssue = 30 * time.Second

func (a *app) clientDeleteCommand() *cobra.Command {
	cmd := databaseCommand("delete CLIENT", "Delete a client; ends its authorizations", one("client"), a.onDatabase(a.clientDelete))
	cmd.Long = "Delete a client; ends its authorizations and revokes its tokens, those included that requests under way are\n" +
		"still given. A client added again under the same id within half a minute has its first tokens refused."
	return cmd
}

func (a *app) clientDelete(ctx context.Context, ad admin, args []string) error {
	c, err := clientNamed(ctx, ad, args[0])
	if err != nil {
		return err
	}
	last := ad.now().Add(lateIssue)
	ended, err := ad.db.DeleteClient(ctx, c.ID, last, until(last))
	return a.ended(err, "client "+c.ID+" deleted", ended)
}
