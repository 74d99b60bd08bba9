package store_test

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/grantd/grantd/store"
	"github.com/grantd/grantd/store/storetest"
	"github.com/grantd/grantd/store/storetest/pgtest"
)

var auditKey = bytes.Repeat([]byte{1}, 32)

// Two servers append to the same chains: no event is lost, and none comes twice.
func TestAppendFromTwoServers(t *testing.T) {
	for name, url := range map[string]string{"SQLite": "sqlite:" + filepath.Join(t.TempDir(), "grantd.db"), "PostgreSQL": pgtest.URL(t)} {
		t.Run(name, func(t *testing.T) { storetest.RaceEvents(t, migratedURL(t, url), openURL(t, url)) })
	}
}

// recorded puts five batches of two decisions into the log, a command's event behind the third, and then one batch more.
func recorded(t *testing.T, db *store.DB) {
	t.Helper()
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for i := range 5 {
		add := func(key []byte, actor string, kinds ...string) {
			var events []store.Event
			for _, kind := range kinds {
				events = append(events, store.Event{At: at.Add(time.Duration(i) * time.Minute), Type: kind, Outcome: "ok", Actor: actor, Subject: "u"})
			}
			if _, err := db.AppendEvents(t.Context(), key, events); err != nil {
				t.Fatal(err)
			}
		}
		add(auditKey, "client:app", "grant.created", "grant.revoked")
		if i == 2 {
			add(nil, store.Operator+"root", "user.deleted")
		}
	}
}

// Whatever is done to the rows by who can write them shows, and where. The triggers are no hindrance to
// who owns the tables.
func TestTamperingShows(t *testing.T) {
	url := pgtest.URL(t)
	for database, open := range map[string]func(t *testing.T) *store.DB{"SQLite": newSQLite, "PostgreSQL": func(t *testing.T) *store.DB { return emptied(t, url) }} {
		for what, c := range map[string]struct{ fault, harm string }{
			"an actor":                      {"event 4 (grant.revoked, 2026-01-02T03:05:05Z) does not fit", `UPDATE audit_events SET actor = 'client:other' WHERE seq = 4`},
			"from one column into the next": {"event 4 (grant.revok", `UPDATE audit_events SET type = 'grant.revok', outcome = 'edok' WHERE seq = 4`},
			"a time":                        {"event 4", `UPDATE audit_events SET at = at + 1 WHERE seq = 4`},
			"a detail":                      {"event 4", `UPDATE audit_events SET detail = '{}' WHERE seq = 4`},
			"a hash":                        {"event 4", `UPDATE audit_events SET hash = (SELECT hash FROM audit_events WHERE seq = 3) WHERE seq = 4`},
			"a row is gone":                 {"event 4 is missing: behind 3 comes 5", `DELETE FROM audit_events WHERE seq = 4`},
			"a row is gone and those behind it moved up": {"event 4", `DELETE FROM audit_events WHERE seq = 4; UPDATE audit_events SET seq = seq - 1 WHERE seq > 4;
				UPDATE audit_chains SET seq = seq - 1`},
			"two rows in the other order": {"event 3", `UPDATE audit_events SET seq = 99 WHERE seq = 3; UPDATE audit_events SET seq = 3 WHERE seq = 4; UPDATE audit_events SET seq = 4 WHERE seq = 99`},
			"the last row is gone":        {"event 11 is missing, and all behind it up to 11", `DELETE FROM audit_events WHERE seq = 11`},
			"a row behind the end": {"event 12 lies outside of the chain", `INSERT INTO audit_events SELECT chain, 12, at, type, outcome, request_id, actor, subject, client_id, grant_id, address, detail, hash, 0, NULL
				FROM audit_events WHERE seq = 11`},
			"the front is gone": {"event 1 is missing: behind 0 comes 3", `DELETE FROM audit_events WHERE seq < 3`},
			"the front is gone as if it were pruned": {"the chain begins at event 3, and no server has pruned it up to there",
				`UPDATE audit_chains SET first_seq = 3, first_hash = (SELECT hash FROM audit_events WHERE seq = 2); DELETE FROM audit_events WHERE seq < 3`},
			"the record of the end":          {"the record of the chain's end is not that of its last event", `UPDATE audit_chains SET hash = (SELECT hash FROM audit_events WHERE seq = 2)`},
			"the record of the ends is gone": {"event 1 lies outside of the chain", `DELETE FROM audit_chains`},
			"a seal":                         {"the seal of event 4 is not made with this server's key", `UPDATE audit_events SET seal = hash WHERE seq = 4`},
			"a seal is gone":                 {"event 10 says that a server wrote it, and no server with the key did", `UPDATE audit_events SET seal = NULL, sealed_from = 0 WHERE seq = 11`},
			"a seal in the midst is gone":    {"event 3 says that a server wrote it, and no server with the key did", `UPDATE audit_events SET seal = NULL, sealed_from = 0 WHERE seq = 4`},
			"a seal spans what it did not":   {"the seal of event 6", `UPDATE audit_events SET sealed_from = 3 WHERE seq = 6; UPDATE audit_events SET seal = NULL WHERE seq = 4`},
		} {
			t.Run(database+"/"+what, func(t *testing.T) {
				db := open(t)
				recorded(t, db)
				storetest.WantChains(t, db, auditKey, 11, 0)
				disarmed(t, db, func() {
					if err := db.Exec(t.Context(), c.harm); err != nil {
						t.Fatal(err)
					}
				})
				storetest.WantFault(t, db, auditKey, c.fault)
			})
		}
	}
}

// Who dates events back has the server delete them, and seal that it did. It looks first.
func TestPruningCoversNothingUp(t *testing.T) {
	url := pgtest.URL(t)
	for database, open := range map[string]func(t *testing.T) *store.DB{"SQLite": newSQLite, "PostgreSQL": func(t *testing.T) *store.DB { return emptied(t, url) }} {
		for what, c := range map[string]struct{ fault, harm string }{
			"all dated back":     {"event 1", `UPDATE audit_events SET at = 1`},
			"one dated back":     {"event 1", `UPDATE audit_events SET at = 1 WHERE seq = 1`},
			"one changed":        {"event 2", `UPDATE audit_events SET actor = 'client:other' WHERE seq = 2`},
			"one gone":           {"event 3 is missing", `DELETE FROM audit_events WHERE seq = 3`},
			"a seal gone":        {"event 1 says that a server wrote it", `UPDATE audit_events SET seal = NULL, sealed_from = 0 WHERE seq = 2`},
			"the last seal gone": {"event 10 says that a server wrote it", `UPDATE audit_events SET seal = NULL, sealed_from = 0 WHERE seq = 11`},
			"the front taken out": {"the chain begins at event 3, and no server has pruned it up to there",
				`UPDATE audit_chains SET first_seq = 3, first_hash = (SELECT hash FROM audit_events WHERE seq = 2); DELETE FROM audit_events WHERE seq < 3`},
		} {
			t.Run(database+"/"+what, func(t *testing.T) {
				db := open(t)
				recorded(t, db)
				disarmed(t, db, func() {
					if err := db.Exec(t.Context(), c.harm); err != nil {
						t.Fatal(err)
					}
				})
				n, err := db.PruneEvents(t.Context(), auditKey, store.Decisions, time.Date(2026, 1, 2, 3, 9, 5, 0, time.UTC), 100)
				if n != 0 || err == nil || !strings.Contains(err.Error(), c.fault) {
					t.Errorf("deleted %d: %v, want %q", n, err, c.fault)
				}
				storetest.WantFault(t, db, auditKey, c.fault)
			})
		}
	}
}

// A chain that was written anew from some event on, with hashes that fit, has no seals that do. In the name of a command it could be: that is
// what noted heads are for.
func TestForgedChainShows(t *testing.T) {
	for name, open := range map[string]func(*testing.T) *store.DB{"SQLite": newSQLite, "PostgreSQL": newPostgres} {
		for forger, fault := range map[string]string{"client:app": "event 5 says that a server wrote it", store.Operator + "root": ""} {
			t.Run(name+"/"+forger, func(t *testing.T) {
				db := open(t)
				recorded(t, db)
				heads, err := db.EventHeads(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				disarmed(t, db, func() {
					err = db.Exec(t.Context(), `DELETE FROM audit_events WHERE seq > 4;
						UPDATE audit_chains SET seq = 4, hash = (SELECT hash FROM audit_events WHERE seq = 4)`)
				})
				if err != nil {
					t.Fatal(err)
				}
				for range 20 {
					if _, err := db.AppendEvents(t.Context(), nil, []store.Event{{Type: "grant.created", Actor: forger}}); err != nil {
						t.Fatal(err)
					}
				}
				if fault == "" {
					storetest.WantChains(t, db, auditKey, 24, 0)
				} else {
					storetest.WantFault(t, db, auditKey, fault)
				}
				storetest.WantFault(t, db, auditKey, "event 11 is not the one that was noted", heads[0])
			})
		}
	}
}

// disarmed does what the database itself would refuse.
func disarmed(t *testing.T, db *store.DB, do func()) {
	t.Helper()
	exec := func(query string) {
		t.Helper()
		if err := db.Exec(t.Context(), query); err != nil {
			t.Fatal(err)
		}
	}
	exec(`INSERT INTO copies (role, id, state) VALUES ('target', '', 'begun')`)
	do()
	exec(`DELETE FROM copies`)
}

func TestEventsAreOnlyAdded(t *testing.T) {
	for name, db := range map[string]*store.DB{"SQLite": newSQLite(t), "PostgreSQL": newPostgres(t)} {
		recorded(t, db)
		for _, harm := range []string{
			`UPDATE audit_events SET actor = '' WHERE seq = 4`, `DELETE FROM audit_events WHERE seq = 1`, `DELETE FROM audit_events WHERE seq = 11`,
			`DELETE FROM audit_events`,
		} {
			if err := db.Exec(t.Context(), harm); err == nil || !strings.Contains(err.Error(), "audit events are only ever added") {
				t.Errorf("%s: %s: %v", name, harm, err)
			}
		}
		storetest.WantChains(t, db, auditKey, 11, 0)
	}
}

func FuzzParseHead(f *testing.F) {
	for _, seed := range []string{"", "decisions:1:00", "decisions:17:" + strings.Repeat("9f", 32), "routine:-1:" + strings.Repeat("00", 32), "decisions:+1:" + strings.Repeat("00", 32)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		head, err := store.ParseHead(text)
		if err != nil {
			return
		}
		if again, err := store.ParseHead(head.String()); err != nil || again.String() != head.String() {
			t.Fatalf("%q -> %q, %v", text, again, err)
		}
	})
}
