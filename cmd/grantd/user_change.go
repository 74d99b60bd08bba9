package main

import (
	"context"

	"github.com/grantd/grantd/server"
	"github.com/grantd/grantd/store"
)

// onUser makes a RunE of a function that works on the user that the argument names.
func onUser(do func(ctx context.Context, ad admin, u store.User) error) func(context.Context, admin, []string) error {
	return func(ctx context.Context, ad admin, args []string) error {
		u, err := userNamed(ctx, ad, args[0])
		if err != nil {
			return err
		}
		return do(ctx, ad, u)
	}
}

func (a *app) userSetPassword(ctx context.Context, ad admin, u store.User) error {
	hash, err := a.newPasswordHash(ctx, ad)
	if err != nil {
		return err
	}
	now := ad.now()
	ended, err := ad.db.SetPassword(ctx, u.ID, hash, now, until(now))
	if err == nil { // whose password was guessed at is to get in with the new one
		_, err = ad.db.FillBuckets(ctx, server.LimitKey(u.ID))
	}
	return a.ended(ctx, ad, store.Event{Type: "password.set", Subject: u.ID}, err, "password of "+u.Username+" set", ended)
}

// userUnlock forgets the wrong passwords that were counted. Servers remember for a few seconds that
// there were too many.
func (a *app) userUnlock(ctx context.Context, ad admin, u store.User) error {
	n, err := ad.db.FillBuckets(ctx, server.LimitKey(u.ID))
	if err != nil {
		return err
	}
	if err := a.recorded(ctx, ad, store.Event{Type: "user.unlocked", Subject: u.ID, Detail: store.Detail{"limits": n}}); err != nil {
		return err
	}
	return a.say(map[string]any{"done": "user " + u.Username + " unlocked", "limits": n}, "user %s unlocked; %s lifted", u.Username, count(n, "limit"))
}

func (a *app) userEnable(ctx context.Context, ad admin, u store.User) error {
	if err := ad.db.EnableUser(ctx, u.ID); err != nil {
		return err
	}
	if err := a.recorded(ctx, ad, store.Event{Type: "user.enabled", Subject: u.ID}); err != nil {
		return err
	}
	return a.say(map[string]string{"done": "user " + u.Username + " enabled"}, "user %s enabled", u.Username)
}

func (a *app) userDisable(ctx context.Context, ad admin, u store.User) error {
	now := ad.now()
	ended, err := ad.db.DisableUser(ctx, u.ID, now, until(now))
	return a.ended(ctx, ad, store.Event{Type: "user.disabled", Subject: u.ID}, err, "user "+u.Username+" disabled", ended)
}

func (a *app) userDelete(ctx context.Context, ad admin, u store.User) error {
	now := ad.now()
	ended, err := ad.db.DeleteUser(ctx, u.ID, now, until(now))
	return a.ended(ctx, ad, store.Event{Type: "user.deleted", Subject: u.ID}, err, "user "+u.Username+" deleted", ended)
}

// ended reports a change that ended authorizations, to the audit log too.
func (a *app) ended(ctx context.Context, ad admin, e store.Event, err error, done string, ended int) error {
	if err != nil {
		return err
	}
	e.Detail = store.Detail{"grants": ended}
	if err := a.recorded(ctx, ad, e); err != nil {
		return err
	}
	return a.say(map[string]any{"done": done, "authorizations_ended": ended}, "%s; %s ended", done, count(ended, "authorization"))
}
