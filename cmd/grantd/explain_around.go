package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/grantd/grantd/server/reason"
	"github.com/grantd/grantd/store"
)

// lookAround adds what other requests did to the same authorization, what is known by now, and how to mend it.
func (v *requestView) lookAround(ctx context.Context, ad admin) error {
	if err := v.lookAtGrant(ctx, ad.db); err != nil {
		return err
	}
	client, err := v.lookAtClient(ctx, ad)
	if err != nil {
		return err
	}
	user, err := v.lookAtUser(ctx, ad)
	if err != nil {
		return err
	}
	if entry, ok := reason.Find(reason.Word(v.Reason)); ok {
		v.What, v.Fix = entry.What, entry.Fill(cmp.Or(client, v.ClientID), cmp.Or(user, v.UserID), v.GrantID)
	}
	return nil
}

// mostAround bounds what is looked through and shown of an authorization's other requests.
const (
	mostLooked = 1000
	mostAround = 20
)

func (v *requestView) lookAtGrant(ctx context.Context, db *store.DB) error {
	if v.GrantID == "" {
		return nil
	}
	// Of the refreshes, too: of a token that came twice they tell where it came from first.
	near, err := eventsOfBoth(ctx, db, store.EventFilter{Subject: v.UserID, ClientID: v.ClientID, Limit: mostLooked, Newest: true})
	if err != nil {
		return err
	}
	began := false
	for _, e := range near {
		if e.GrantID != v.GrantID {
			continue
		}
		began = began || e.Type == "grant.created" || strings.HasPrefix(e.Type, "refresh_token.")
		if e.RequestID != v.ID {
			v.Around = append(v.Around, lineOf(e))
		}
	}
	v.Around = v.Around[max(0, len(v.Around)-mostAround):]
	g, err := db.Grant(ctx, v.GrantID)
	switch {
	case errors.Is(err, store.ErrNotFound) && began:
		v.now("authorization %s is not there any more: it was swept, or its user or client was deleted", v.GrantID)
	case errors.Is(err, store.ErrNotFound):
		v.now("authorization %s is not there: it never began, was swept, or its user or client was deleted", v.GrantID)
	case err != nil:
		return err
	case !g.RevokedAt.IsZero():
		v.now("authorization %s was revoked at %s", v.GrantID, when(g.RevokedAt))
	default:
		v.now("authorization %s is not revoked, and good until %s", v.GrantID, when(g.ExpiresAt))
	}
	return nil
}

func (v *requestView) lookAtClient(ctx context.Context, ad admin) (id string, err error) {
	if v.ClientID == "" {
		return "", nil
	}
	c, err := ad.db.Client(ctx, v.ClientID)
	if errors.Is(err, store.ErrNotFound) {
		v.now("client %s has been deleted", v.ClientID)
		return "", nil
	}
	if err != nil {
		return "", err
	}
	view := viewClient(c, ad.now())
	v.now("client %s is %s; grant types: %s; scopes: %s", c.ID, view.Type, orNone(view.Grants), orNone(view.Scopes))
	if len(c.RedirectURIs) > 0 {
		v.now("its redirect URIs: %s", orNone(view.RedirectURIs))
	}
	if len(c.LogoutURIs) > 0 {
		v.now("its sign-out URIs: %s", orNone(view.LogoutURIs))
	}
	return c.ID, nil
}

// lookAtUser tells of the user by the name that commands take.
func (v *requestView) lookAtUser(ctx context.Context, ad admin) (username string, err error) {
	if v.UserID == "" || v.UserID == v.ClientID { // a client's own token is about the client
		return "", nil
	}
	u, err := ad.db.User(ctx, v.UserID)
	switch {
	case errors.Is(err, store.ErrNotFound):
		v.now("user %s has been deleted", v.UserID)
		return "", nil
	case err != nil:
		return "", err
	case !u.DisabledAt.IsZero():
		v.now("user %s (%s) is disabled since %s", u.Username, u.ID, when(u.DisabledAt))
	default:
		v.now("user %s (%s) is enabled", u.Username, u.ID)
	}
	return u.Username, nil
}

func (v *requestView) now(format string, args ...any) {
	v.Now = append(v.Now, fmt.Sprintf(format, args...))
}

func orNone(names []string) string { return cmp.Or(strings.Join(names, " "), "none") }
