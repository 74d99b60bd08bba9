package storetest

import (
	"context"
	"errors"
	"maps"
	"testing"
	"time"

	"github.com/grantd/grantd/store"
)

// calls are calls of methods, by the method's name.
type calls = map[string]func(context.Context) error

// Methods returns a call of every method of db that reaches the database.
func Methods(db *store.DB) calls {
	all := callsOfOthers(db)
	maps.Copy(all, callsAboutPeople(db))
	maps.Copy(all, callsAboutTokens(db))
	maps.Copy(all, callsAboutEvents(db))
	return all
}

// callsAboutPeople are of users, clients, sessions and consents.
func callsAboutPeople(db *store.DB) calls {
	return calls{
		"CreateUser":  func(ctx context.Context) error { return db.CreateUser(ctx, johndoe()) },
		"User":        func(ctx context.Context) error { return drop(db.User(ctx, "u")) },
		"UserByLogin": func(ctx context.Context) error { return drop(db.UserByLogin(ctx, "u")) },
		"Users":       func(ctx context.Context) error { return drop(db.Users(ctx, "", 0)) },
		"SetPassword": func(ctx context.Context) error { return drop(db.SetPassword(ctx, "u", "h", now, until)) },
		"ChangePassword": func(ctx context.Context) error {
			return drop(db.ChangePassword(ctx, store.PasswordChange{Renewed: session("s"), Now: now, Until: until}))
		},
		"ReplaceHash": func(ctx context.Context) error { return db.ReplaceHash(ctx, "u", "old", "new") },
		"DisableUser": func(ctx context.Context) error { return drop(db.DisableUser(ctx, "u", now, until)) },
		"EnableUser":  func(ctx context.Context) error { return db.EnableUser(ctx, "u") },
		"DeleteUser":  func(ctx context.Context) error { return drop(db.DeleteUser(ctx, "u", now, until)) },

		"CreateClient":        func(ctx context.Context) error { return db.CreateClient(ctx, app("app")) },
		"Client":              func(ctx context.Context) error { return drop(db.Client(ctx, "c")) },
		"Clients":             func(ctx context.Context) error { return drop(db.Clients(ctx, "", 0)) },
		"ReplaceClientSecret": func(ctx context.Context) error { return db.ReplaceClientSecret(ctx, "c", nil, later, now, until) },
		"DropOldSecret":       func(ctx context.Context) error { return db.DropOldSecret(ctx, "c", now, until) },
		"SetClientSecret":     func(ctx context.Context) error { return db.SetClientSecret(ctx, "c", nil, now, until) },
		"DeleteClient":        func(ctx context.Context) error { return drop(db.DeleteClient(ctx, "c", now, until)) },

		"Origins": func(ctx context.Context) error { return drop(db.Origins(ctx)) },

		"PutSession":      func(ctx context.Context) error { return drop(db.PutSession(ctx, session("s"), "h")) },
		"RenewSession":    func(ctx context.Context) error { return drop(db.RenewSession(ctx, session("s"), "h")) },
		"SessionByCookie": func(ctx context.Context) error { return drop(db.SessionByCookie(ctx, "c")) },
		"Sessions":        func(ctx context.Context) error { return drop(db.Sessions(ctx, "u", now)) },
		"TouchSession":    func(ctx context.Context) error { return db.TouchSession(ctx, "s", now, time.Hour, "") },
		"JoinSession":     func(ctx context.Context) error { return drop(db.JoinSession(ctx, "s", "c")) },
		"EndSessions": func(ctx context.Context) error {
			return drop(db.EndSessions(ctx, store.SessionEnd{UserID: "u", Now: now, Until: until}))
		},

		"Consent":  func(ctx context.Context) error { return drop(db.Consent(ctx, "u", "c")) },
		"Consents": func(ctx context.Context) error { return drop(db.Consents(ctx, "u")) },
		"PutConsent": func(ctx context.Context) error {
			return drop(db.PutConsent(ctx, store.Consent{UserID: "u", ClientID: "c"}, "s"))
		},
		"KnownPlaces":    func(ctx context.Context) error { return drop(db.KnownPlaces(ctx, "u", "here", "there")) },
		"LatestPlaces":   func(ctx context.Context) error { return drop(db.LatestPlaces(ctx, now, 1)) },
		"NotePlaces":     func(ctx context.Context) error { return db.NotePlaces(ctx, "u", now, "here") },
		"ForgetConsents": func(ctx context.Context) error { return drop(db.ForgetConsents(ctx, "u", "", now, until)) },
	}
}

// callsAboutTokens are of authorizations, codes and revocations.
func callsAboutTokens(db *store.DB) calls {
	return calls{
		"CreateGrant":  func(ctx context.Context) error { return drop(db.CreateGrant(ctx, grant("g", "app"), "")) },
		"Grant":        func(ctx context.Context) error { return drop(db.Grant(ctx, "g")) },
		"Grants":       func(ctx context.Context) error { return drop(db.Grants(ctx, store.GrantFilter{})) },
		"RevokeGrant":  func(ctx context.Context) error { return drop(db.RevokeGrant(ctx, "g", now, until)) },
		"RevokeGrants": func(ctx context.Context) error { return drop(db.RevokeGrants(ctx, store.GrantFilter{}, until)) },
		"RotateGrant":  func(ctx context.Context) error { return drop(db.RotateGrant(ctx, rotation("g"))) },

		"RevokeToken":   func(ctx context.Context) error { return db.RevokeToken(ctx, "j", now, until) },
		"RevocationsOf": func(ctx context.Context) error { return drop(db.RevocationsOf(ctx, "j", "g", "c")) },
		"Revocations":   func(ctx context.Context) error { return drop(db.Revocations(ctx, now, now)) },

		"CreateCode": func(ctx context.Context) error { return drop(db.CreateCode(ctx, code("c"))) },
		"Code":       func(ctx context.Context) error { return drop(db.Code(ctx, "c")) },
		"RedeemCode": func(ctx context.Context) error { return drop(db.RedeemCode(ctx, redemption("c"))) },
	}
}

// callsAboutEvents are of the audit log.
func callsAboutEvents(db *store.DB) calls {
	return calls{
		"AppendEvents": func(ctx context.Context) error {
			return drop(db.AppendEvents(ctx, auditKey, []store.Event{event("grant.created", 0)}))
		},
		"Events":       func(ctx context.Context) error { return drop(db.Events(ctx, store.EventFilter{})) },
		"EventsSince":  func(ctx context.Context) error { return drop(db.EventsSince(ctx, store.Decisions, now)) },
		"EventHeads":   func(ctx context.Context) error { return drop(db.EventHeads(ctx)) },
		"VerifyEvents": func(ctx context.Context) error { return drop(db.VerifyEvents(ctx, auditKey, nil)) },
		"PruneEvents":  func(ctx context.Context) error { return drop(db.PruneEvents(ctx, auditKey, store.Decisions, later, 1)) },
	}
}

// callsOfOthers are of the database itself, keys and items.
func callsOfOthers(db *store.DB) calls {
	return calls{
		"Ready":       db.Ready,
		"CheckSchema": db.CheckSchema,
		"Adopt":       db.Adopt,
		"Migrate":     func(ctx context.Context) error { _, _, err := db.Migrate(ctx); return err },

		"ReplaceSigningKeys": func(ctx context.Context) error { return drop(db.ReplaceSigningKeys(ctx, key("k", now))) },
		"AddSigningKey":      func(ctx context.Context) error { return db.AddSigningKey(ctx, key("k", now)) },
		"AddFirstSigningKey": func(ctx context.Context) error { return drop(db.AddFirstSigningKey(ctx, key("k", now))) },
		"AddSealedKey":       func(ctx context.Context) error { return drop(db.AddSealedKey(ctx, sealed("k"))) },
		"AddNextMaster":      func(ctx context.Context) error { return drop(db.AddNextMaster(ctx, sealed("k"), "m1")) },
		"DropSealedKey":      func(ctx context.Context) error { return drop(db.DropSealedKey(ctx, "k", "")) },
		"LastRefresh":        func(ctx context.Context) error { return drop(db.LastRefresh(ctx)) },
		"Reseal": func(ctx context.Context) error {
			return db.Reseal(ctx, "m1", func([]store.SigningKey, []store.SealedKey) (store.Resealed, error) { return store.Resealed{}, nil })
		},
		"SealedKey":   func(ctx context.Context) error { return drop(db.SealedKey(ctx, "k")) },
		"SealedKeys":  func(ctx context.Context) error { return drop(db.SealedKeys(ctx)) },
		"SigningKeys": func(ctx context.Context) error { return drop(db.SigningKeys(ctx)) },

		"NoteAccessLife": func(ctx context.Context) error { return db.NoteAccessLife(ctx, store.AccessLife{UsedUntil: now}, now) },
		"AccessLives":    func(ctx context.Context) error { return drop(db.AccessLives(ctx)) },

		"Take":        func(ctx context.Context) error { return drop(db.Take(ctx, now, bucket("b"))) },
		"GiveBack":    func(ctx context.Context) error { return db.GiveBack(ctx, []store.Bucket{bucket("b")}, "c") },
		"FillBuckets": func(ctx context.Context) error { return drop(db.FillBuckets(ctx, "b")) },

		"AddItem": func(ctx context.Context) error { return db.AddItem(ctx, "u", store.Item{ID: "i"}) },
		"Items":   func(ctx context.Context) error { return drop(db.Items(ctx, "u", "", 0)) },
		"Sweep":   func(ctx context.Context) error { return drop(db.Sweep(ctx, store.Sweep{Now: now, KeyLife: 1})) },
	}
}

func drop[T any](_ T, err error) error { return err }

func testContext(t *testing.T, db *store.DB) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for name, call := range Methods(db) {
		if err := call(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("%s with a canceled context: %v", name, err)
		}
	}
}

func testClosed(t *testing.T, db *store.DB) {
	for name, call := range Methods(db) { // once before: prepared statements must not outlive the rest
		if err := call(t.Context()); errors.Is(err, store.ErrUnavailable) {
			t.Errorf("%s: %v", name, err)
		}
	}
	must(t, db.Close())
	for name, call := range Methods(db) {
		if err := call(t.Context()); !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("%s on a closed database: %v", name, err)
		}
	}
}

func testSchema(t *testing.T, db *store.DB) {
	must(t, db.CheckSchema(t.Context()))
	for range 2 {
		must(t, db.Ready(t.Context()))
	}
	from, to, err := db.Migrate(t.Context())
	if err != nil || from != to || to < 1 {
		t.Errorf("Migrate of a current database: from %d to %d, %v", from, to, err)
	}
}
