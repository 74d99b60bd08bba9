package storetest

import (
	"testing"
	"time"

	"github.com/grantd/grantd/store"
)

func testClients(t *testing.T, db *store.DB) {
	ctx := t.Context()
	public := store.Client{ID: "b", Scopes: []string{}, CreatedAt: now}
	for _, c := range []store.Client{app("c"), app("a"), public} {
		must(t, db.CreateClient(ctx, c))
		equal(t, "client as it was added", get(db.Client(ctx, c.ID))(t), c)
	}
	equal(t, "clients by id", get(db.Clients(ctx, "", 2))(t), []store.Client{app("a"), public})
	equal(t, "clients behind b", get(db.Clients(ctx, "b", 0))(t), []store.Client{app("c")})
	wantTaken(t, db.CreateClient(ctx, app("a")), "client_id")

	must(t, db.SetClientSecret(ctx, "b", []byte("sha"), now, until))
	equal(t, "secret", get(db.Client(ctx, "b"))(t).SecretHash, []byte("sha"))
	must(t, db.SetClientSecret(ctx, "b", []byte{}, now, until))
	equal(t, "client without a secret", get(db.Client(ctx, "b"))(t), public)

	must(t, db.ReplaceClientSecret(ctx, "a", []byte("second"), later, now, until))
	second := app("a")
	second.SecretHash, second.OldSecretHash, second.OldSecretUntil = []byte("second"), app("a").SecretHash, later
	equal(t, "two secrets", get(db.Client(ctx, "a"))(t), second)
	must(t, db.ReplaceClientSecret(ctx, "a", []byte("third"), until, now, until))
	second.SecretHash, second.OldSecretHash, second.OldSecretUntil = []byte("third"), []byte("second"), until
	equal(t, "the first is gone", get(db.Client(ctx, "a"))(t), second)
	must(t, db.DropOldSecret(ctx, "a", now, until))
	second.OldSecretHash, second.OldSecretUntil = nil, time.Time{}
	equal(t, "the old one is dropped", get(db.Client(ctx, "a"))(t), second)
	must(t, db.SetClientSecret(ctx, "c", []byte("at once"), now, until))
	equal(t, "at once", get(db.Client(ctx, "c"))(t).OldSecretHash, nil)

	missing(t, "ReplaceClientSecret", db.ReplaceClientSecret(ctx, "nothing", nil, later, now, until))
	missing(t, "DropOldSecret", db.DropOldSecret(ctx, "nothing", now, until))
	missing(t, "Client", drop(db.Client(ctx, "A"))) // ids have letter case
	missing(t, "SetClientSecret", db.SetClientSecret(ctx, "nothing", nil, now, until))
	missing(t, "DeleteClient", drop(db.DeleteClient(ctx, "nothing", now, until)))
	equal(t, "feed: a new secret, and no deletion of nothing", revoked(t, db), []string{"secret a", "secret b", "secret c"})
}

func testDeleteClient(t *testing.T, db *store.DB) {
	ctx := t.Context()
	populate(t, db, "g1", "g2")
	must(t, db.CreateClient(ctx, app("other")))
	addGrant(t, db, grant("g3", "other"))
	equal(t, "ended", get(db.DeleteClient(ctx, "app", now, until))(t), 2)
	missing(t, "Client", drop(db.Client(ctx, "app")))
	equal(t, "authorizations", live(t, db), []string{"g3"})
	equal(t, "feed", revoked(t, db), []string{"client app", "grant g1", "grant g2"})
	equal(t, "created for a deleted client", get(db.CreateGrant(ctx, grant("g4", "app"), ""))(t), false)

	must(t, db.CreateClient(ctx, app("app")))
	equal(t, "outcome at the client made again", get(db.RotateGrant(ctx, rotation("g1")))(t).Outcome, store.Unknown)
	addGrant(t, db, grant("g4", "app"))
	equal(t, "ended again", get(db.DeleteClient(ctx, "app", later, until))(t), 1)
	// The feed must name the second deletion, or tokens issued between the two would live on.
	feed := get(db.Revocations(ctx, later, now))(t)
	equal(t, "client in the feed", feed[0],
		store.Revocation{Kind: store.RevokedClient, ID: "app", RevokedAt: later, ExpiresAt: until})
}
