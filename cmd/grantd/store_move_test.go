package main

import (
	"database/sql"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/grantd/grantd/store"
	"github.com/grantd/grantd/store/storetest/pgtest"
)

// storeCopy runs "store copy" to the database of the settings, with the URL out of the arguments.
func storeCopy(t *testing.T, from, to string) (status int, stdout, stderr string) {
	t.Helper()
	cmd := exec.Command("grantd", "store", "copy", "--from", from)
	cmd.Env = settings("GRANTD_DATABASE=" + to)
	return runCommand(t, cmd, "")
}

// onPostgres is a server on PostgreSQL with the master key of the SQLite database at path.
func onPostgres(url, path string) *process {
	p := newProcess("dev", "--issuer", "http://localhost", "--master-key-file", path+".master-key")
	p.cmd.Env = settings("GRANTD_DATABASE=" + url)
	return p
}

func TestMoveToPostgres(t *testing.T) {
	t.Parallel()
	path, url := filepath.Join(t.TempDir(), "grantd.db"), pgtest.URL(t)
	s := start(t, "dev", "--database", "sqlite:"+path, "--issuer", "http://localhost")
	kept, gone, spent := login(t, s, "kept"), login(t, s, "gone"), login(t, s, "spent")
	wantStatus(t, "revoke", s.post("/revoke", form("client_id", "dev", "token", gone.Refresh)), 200)

	status, stdout, stderr := storeCopy(t, "sqlite:"+path, url)
	if status != exitFailed || !strings.Contains(stderr, "equal, but a server or command still has the source open") {
		t.Fatalf("copy while it is served: %d\n%s%s", status, stdout, stderr)
	}
	if err := onPostgres(url, path).launch(); err == nil || !strings.Contains(err.Error(), "unfinished copy") {
		t.Errorf("served although the source may still be written to: %v", err)
	}
	next := tokensOf(t, refresh(s, kept.Refresh))
	wantStatus(t, "revoke meanwhile", s.post("/revoke", form("client_id", "dev", "token", spent.Refresh)), 200)
	s.mustStop(t)
	if status, stdout, stderr = storeCopy(t, "sqlite:"+path, url); status != exitOK {
		t.Fatalf("copy after the stop: %d\n%s%s", status, stdout, stderr)
	}

	p := onPostgres(url, path)
	p.run(t)
	wantStatus(t, "an access token of before", p.get("/users/me/", kept.Access), 200, `"kept"`)
	wantStatus(t, "what was revoked before", refresh(p, gone.Refresh), 400, "invalid_grant")
	wantStatus(t, "its access token", p.get("/users/me/", gone.Access), 401, "invalid_token")
	wantStatus(t, "what was revoked between the copies", refresh(p, spent.Refresh), 400, "invalid_grant")
	wantStatus(t, "its access token", p.get("/users/me/", spent.Access), 401, "invalid_token")
	wantStatus(t, "a repeat of the last refresh", refresh(p, kept.Refresh), 200, next.Refresh)
	wantStatus(t, "a new access token", p.get("/users/me/", tokensOf(t, refresh(p, next.Refresh)).Access), 200)
	wantStatus(t, "log in", p.post("/token", form("grant_type", "password", "username", "kept", "password", password)), 200)
	// While that server runs, and for ever after.
	status, _, stderr = storeCopy(t, "sqlite:"+path, url)
	wantFailure(t, status, stderr, "a server has run on it, and it may know what the source does not")
	if !strings.Contains(stderr, ":***@") {
		t.Errorf("is the password shown? %s", stderr)
	}
	p.mustStop(t)
}

// sqlOf opens a database past the store.
func sqlOf(t *testing.T, driver, name string) *sql.DB {
	t.Helper()
	db, err := sql.Open(driver, name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// A copy that was interrupted is used by nothing but the next copy.
func TestUnfinishedCopyIsRefused(t *testing.T) {
	t.Parallel()
	path, url := filepath.Join(t.TempDir(), "grantd.db"), pgtest.URL(t)
	s := start(t, "dev", "--database", "sqlite:"+path, "--issuer", "http://localhost")
	login(t, s, "kept")
	s.mustStop(t)
	const rows = 30_000
	source := sqlOf(t, "sqlite", path)
	if _, err := source.Exec(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1)
		INSERT INTO revocations (kind, id, revoked_at, expires_at) SELECT 'token', i, i, i FROM n`, rows); err != nil {
		t.Fatal(err)
	}
	source.Close() // or the copy would say that it is in use
	target := sqlOf(t, "pgx", url)
	arrived := func() (n int) {
		if err := target.QueryRow(`SELECT count(*) FROM revocations`).Scan(&n); err != nil {
			return 0 // not migrated yet
		}
		return n
	}
	cmd := exec.Command("grantd", "store", "copy", "--from", "sqlite:"+path)
	cmd.Env = settings("GRANTD_DATABASE=" + url)
	var said buffer
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "rows arrive", func() bool { return arrived() > 0 })
	cmd.Process.Signal(syscall.SIGINT)
	if err := cmd.Wait(); err == nil || !strings.Contains(said.String(), "interrupted; the copy is unfinished, and goes on where it was") {
		t.Fatalf("%v: %s", err, said.String())
	}
	const why = `the database is an unfinished copy; run "grantd store copy" to its end`
	if err := onPostgres(url, path).launch(); err == nil || !strings.Contains(err.Error(), why) {
		t.Errorf("served: %v", err)
	}
	for _, args := range []string{"user list", "check", "migrate", "serve", "serve --migrate", "store copy --to sqlite:" + path + ".2"} {
		cmd := exec.Command("grantd", strings.Fields(args)...)
		cmd.Env = settings("GRANTD_DATABASE="+url, "GRANTD_ISSUER=http://localhost", "GRANTD_PASSWORD_BCRYPT_COST=10",
			"GRANTD_MASTER_KEY_FILE="+path+".master-key", "GRANTD_LISTEN=127.0.0.1:0", "GRANTD_OPS_LISTEN=127.0.0.1:0")
		status, _, stderr := runCommand(t, cmd, "")
		wantFailure(t, status, stderr, why)
	}
	before := arrived()
	status, stdout, stderr := storeCopy(t, "sqlite:"+path, url)
	if status != exitOK || before == rows {
		t.Fatalf("to its end, after %d rows: %d\n%s%s", before, status, stdout, stderr)
	}
	if all := fmt.Sprintf("revocations 30000 30000 %d ", rows-before); !strings.Contains(strings.Join(strings.Fields(stdout), " "), all) {
		t.Errorf("%q is not in\n%s", all, stdout)
	}
	p := onPostgres(url, path)
	p.run(t)
	p.mustStop(t)
}

func TestCopyOfChangedSource(t *testing.T) {
	var out, errs strings.Builder
	a := &app{stdout: &out, stderr: &errs, output: "table"}
	same, other := store.Content{Rows: 2, SHA256: strings.Repeat("ab", 32)}, store.Content{Rows: 1, SHA256: strings.Repeat("cd", 32)}
	err := a.copied(ends{"sqlite:a.db", "postgres://u:hunter2@h/n"}, []store.CopiedTable{
		{Name: "users", Source: same, Target: same, Written: 2}, {Name: "grants", Source: same, Target: other},
	}, time.Second)
	const want = "the source changed while it was copied (grants); stop the servers on it and run this again, which takes up what has changed"
	if err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
	for _, line := range []string{
		`users   2       2       2        0        abababababababab  equal`,
		`grants  2       1       0        0        cdcdcdcdcdcdcdcd  DIFFERENT`,
	} {
		if !strings.Contains(out.String(), line) {
			t.Errorf("%q is not in\n%s", line, out.String())
		}
	}
}
