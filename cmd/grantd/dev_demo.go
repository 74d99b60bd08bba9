package main

import (
	"bytes"
	"context"
	"errors"
	"time"

	"github.com/grantd/grantd/server"
	"github.com/grantd/grantd/store"
)

// The demo's passwords are "secret", in the hash that the FastAPI tutorial
// prints, and "secret2". They are stored as hashes so that a start hashes nothing.
var demoUsers = []store.User{
	{
		ID: "demo-johndoe", Username: "johndoe", FullName: "John Doe", Email: "johndoe@example.com",
		PasswordHash: "$2b$12$EixZaYVK1fsbw1ZfbX3OXePaWxn96p36WQoeG6Lruj3vjPGga31lW",
		Scopes:       []string{"me", "items", "items:write"},
	},
	{
		ID: "demo-alice", Username: "alice", FullName: "Alice Chains", Email: "alicechains@example.com",
		PasswordHash: "$2b$12$COHldRjEb.RPAUHTx3JQGuI1qfhvk47odhay6voL2yJke4HGk.9pS",
	},
}

// demoAppID is the client of the demo app, which "grantd dev" serves beside itself,
// and demoAppSecret its secret. Of both loopback URIs every port is meant (RFC 8252 §7.3).
const (
	demoAppID     = "demo-app"
	demoAppSecret = "demo-app-secret"
)

var demoClients = []store.Client{
	{
		ID: "dev", Name: "grantd's API page and tools (dev)", Kind: store.NativeClient,
		Grants: []string{"password", "refresh_token", "authorization_code"},
		Scopes: demoScopes,
		RedirectURIs: []string{
			"http://127.0.0.1/callback", "http://localhost/callback",
			"http://127.0.0.1/docs/oauth2-redirect.html", "http://localhost/docs/oauth2-redirect.html", // Swagger UI
		},
	},
	{
		ID: "dev-service", Name: "Development service", SecretHash: server.HashSecret("dev-service-secret"),
		Grants: []string{"client_credentials"}, Scopes: []string{"me", "items", "items:write"}, Introspect: true,
	},
}

// demoAppClient is what the demo app is registered as. It is added where the app is served.
var demoAppClient = store.Client{
	ID: demoAppID, Name: "Demo app", Kind: store.WebClient, SecretHash: server.HashSecret(demoAppSecret),
	Grants: []string{"authorization_code", "refresh_token"}, Scopes: demoScopes,
	RedirectURIs: []string{"http://localhost/callback"}, LogoutURIs: []string{"http://localhost/"},
}

var demoScopes = append(server.IdentityScopes(), "me", "items", "items:write")

// loadDemo puts the demo's rows into a database that does not have them yet. What
// was changed or added since is left alone.
func loadDemo(ctx context.Context, db *store.DB) error {
	now := time.Now()
	_, err := db.Client(ctx, demoClients[0].ID)
	if !errors.Is(err, store.ErrNotFound) {
		return err // nil: loaded by an earlier run
	}
	for _, u := range demoUsers {
		u.CreatedAt = now
		if madeDisabled(u) {
			u.DisabledAt = now
		}
		if err := db.CreateUser(ctx, u); err != nil && !taken(err) {
			return err
		}
	}
	if err := db.AddItem(ctx, demoUsers[0].ID, store.Item{ID: "Foo", CreatedAt: now}); err != nil && !taken(err) {
		return err
	}
	for _, c := range demoClients {
		c.CreatedAt = now
		if err := db.CreateClient(ctx, c); err != nil && !taken(err) {
			return err
		}
	}
	return nil
}

// addDemoApp adds the client of the demo app at url, also to a database of an
// earlier run, since the app cannot do without. It hears at that url that
// somebody signed out. usable tells whether the app knows the client's secret.
func addDemoApp(ctx context.Context, db *store.DB, url string) (usable bool, err error) {
	c := demoAppClient
	c.CreatedAt, c.BackchannelURI = time.Now(), url+"/backchannel-logout"
	err = db.CreateClient(ctx, c)
	if err == nil || !taken(err) {
		return err == nil, err
	}
	kept, err := db.Client(ctx, c.ID)
	return bytes.Equal(kept.SecretHash, c.SecretHash), err
}

// madeDisabled: a user of the demo for seeing how a disabled one is refused.
func madeDisabled(u store.User) bool { return u.Username == "alice" }

func taken(err error) bool {
	var t *store.TakenError
	return errors.As(err, &t)
}
