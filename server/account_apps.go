package server

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/grantd/grantd/scopes"
	"github.com/grantd/grantd/server/pages"
	"github.com/grantd/grantd/store"
)

// connection is what a user lets an app do.
type connection struct {
	clientID string
	scope    scopes.Set
	since    time.Time
	usedAt   time.Time // zero: nothing of it lives
	usedFrom string
}

func (c *connection) add(scope []string, since time.Time) {
	c.scope = append(c.scope, scopes.Set(scope).Minus(c.scope)...)
	if c.since.IsZero() || since.Before(c.since) {
		c.since = since
	}
}

// connectedApps are the apps that a user has authorized or consented to, the one
// used last first.
func (s *Server) connectedApps(ctx context.Context, userID string) ([]pages.App, error) {
	found := map[string]*connection{}
	of := func(clientID string) *connection {
		if found[clientID] == nil {
			found[clientID] = &connection{clientID: clientID}
		}
		return found[clientID]
	}
	consents, err := s.DB.Consents(ctx, userID)
	if err != nil {
		return nil, err
	}
	for _, c := range consents {
		of(c.ClientID).add(c.Granted, c.CreatedAt)
	}
	err = s.eachGrant(ctx, userID, func(g store.Grant) {
		c := of(g.ClientID)
		c.add(g.Scope, g.CreatedAt)
		if g.RotatedAt.After(c.usedAt) {
			c.usedAt, c.usedFrom = g.RotatedAt, g.UsedFrom
		}
	})
	if err != nil {
		return nil, err
	}
	return s.appViews(ctx, slices.Collect(maps.Values(found)))
}

// eachGrant goes through the live authorizations of a user: a script that logs in
// often can have many.
func (s *Server) eachGrant(ctx context.Context, userID string, see func(store.Grant)) error {
	const batch = 500
	filter := store.GrantFilter{UserID: userID, Limit: batch, Now: s.Now()}
	for {
		grants, err := s.DB.Grants(ctx, filter)
		if err != nil {
			return err
		}
		for _, g := range grants {
			see(g)
			filter.After = g.ID
		}
		if len(grants) < batch {
			return nil
		}
	}
}

func (s *Server) appViews(ctx context.Context, connections []*connection) (views []pages.App, err error) {
	for _, c := range connections {
		client, _, err := s.client(ctx, c.clientID)
		if errors.Is(err, store.ErrNotFound) { // deleted meanwhile
			continue
		}
		if err != nil {
			return nil, err
		}
		views = append(views, pages.App{
			ID: client.ID, Name: appName(client), Host: appHosts(client), Scopes: s.scopeViews(c.scope),
			Since: c.since, UsedAt: c.usedAt, UsedFrom: c.usedFrom,
		})
	}
	slices.SortFunc(views, func(a, b pages.App) int {
		if byUse := b.UsedAt.Compare(a.UsedAt); byUse != 0 {
			return byUse
		}
		return strings.Compare(a.ID, b.ID)
	})
	return views, nil
}

// scopeViews are scopes in the order of the settings, with what they are for.
func (s *Server) scopeViews(granted scopes.Set) (views []pages.Scope) {
	known := s.scopes.Intersect(granted)
	for _, name := range append(known, granted.Minus(known)...) {
		views = append(views, pages.Scope{Name: name, Description: s.describe(name)})
	}
	return views
}

// appHosts are the hosts that an app's people are sent to, each once.
func appHosts(c *store.Client) string {
	var hosts []string
	for _, uri := range c.RedirectURIs {
		if host := appHost(uri); host != "" && !slices.Contains(hosts, host) {
			hosts = append(hosts, host)
		}
	}
	return strings.Join(hosts, ", ")
}
