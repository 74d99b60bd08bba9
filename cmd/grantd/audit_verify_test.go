package main

import (
	"bytes"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/grantd/grantd/store"
)

// auditLog is a new database, whose log has a command's event.
func auditLog(t *testing.T) *store.DB {
	t.Helper()
	database := "sqlite:" + filepath.Join(t.TempDir(), "grantd.db")
	t.Setenv("GRANTD_DATABASE", database)
	if code := (&app{stdout: io.Discard, stderr: t.Output()}).execute(t.Context(), []string{"migrate"}); code != exitOK {
		t.Fatalf("exit status %d", code)
	}
	db, err := store.Open(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	appendEvent(t, db, store.Operator+"root")
	return db
}

func appendEvent(t *testing.T, db *store.DB, actor string) store.Head {
	t.Helper()
	heads, err := db.AppendEvents(t.Context(), nil, []store.Event{{At: time.Now().Add(-time.Hour), Type: "user.added", Actor: actor}})
	if err != nil {
		t.Fatal(err)
	}
	return heads[0]
}

func wantVerify(t *testing.T, code int, text string, args ...string) {
	t.Helper()
	var out bytes.Buffer
	a := &app{stdout: &out, stderr: &out}
	if got := a.execute(t.Context(), append([]string{"audit", "verify"}, args...)); got != code || !strings.Contains(out.String(), text) {
		t.Errorf("exit status %d, want %d with %q:\n%s", got, code, text, &out)
	}
}

// Who takes the key of the seals out of the database, and the seals, does not make everything fit.
func TestVerifyWithoutTheKeyOfTheSeals(t *testing.T) {
	t.Setenv("GRANTD_MASTER_KEY", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")
	db := auditLog(t)
	wantVerify(t, exitOK, "0 sealed, 1 by commands since the last seal")
	appendEvent(t, db, "client:app")
	wantVerify(t, exitFailed, "event 2 says that a server wrote it, and no server with the key did")
}

// A head of what was pruned proves nothing, and is not passed over.
func TestVerifyByAHeadThatWasPruned(t *testing.T) {
	db := auditLog(t)
	head := appendEvent(t, db, store.Operator+"root")
	now := appendEvent(t, db, store.Operator+"root")
	if n, err := db.PruneEvents(t.Context(), nil, store.Decisions, time.Now(), 2); n != 2 || err != nil {
		t.Fatal(n, err)
	}
	wantVerify(t, exitOK, "those before event 3 were pruned", "--head", now.String())
	wantVerify(t, exitFailed, "says nothing any more: the log begins at event 3", "--head", head.String())
}
