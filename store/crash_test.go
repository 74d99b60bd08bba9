package store_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/grantd/grantd/store"
	"github.com/grantd/grantd/store/storetest"
	"github.com/grantd/grantd/store/storetest/pgtest"
)

// TestMain makes the test binary a program that tests can run and kill.
func TestMain(m *testing.M) {
	task, path := os.Getenv("STORE_TEST_TASK"), os.Getenv("STORE_TEST_PATH")
	if task == "" {
		os.Exit(pgtest.Main(m))
	}
	if err := perform(context.Background(), task, path); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// child is a process that performs task on the database at path.
func child(t *testing.T, task, path string) *exec.Cmd {
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), "STORE_TEST_TASK="+task, "STORE_TEST_PATH="+path)
	return cmd
}

func perform(ctx context.Context, task, path string) error {
	db, err := store.Open(ctx, "sqlite:"+path)
	if err != nil {
		return err
	}
	defer db.Close()
	if task == "append" {
		return appendForever(ctx, db)
	}
	if task == "migrate" {
		from, _, err := db.Migrate(ctx)
		fmt.Println(from)
		return err
	}
	return rotateForever(ctx, db)
}

// rotateForever refreshes every authorization at the same time as the others, and prints each
// generation when its rotation has been answered.
func rotateForever(ctx context.Context, db *store.DB) error {
	all, err := db.Grants(ctx, store.GrantFilter{})
	if err != nil {
		return err
	}
	failed := make(chan error)
	for _, g := range all {
		go func() {
			for {
				res, err := db.RotateGrant(ctx, rotationOf(g))
				if err != nil || res.Outcome != store.Rotated {
					failed <- fmt.Errorf("%v, %w", res.Outcome, err)
				}
				g = res.Grant
				fmt.Println(g.ID, g.Generation)
			}
		}()
	}
	return <-failed
}

// rotationOf refreshes g by the token that counts.
func rotationOf(g store.Grant) store.Rotation {
	return store.Rotation{
		ID: g.ID, ClientID: g.ClientID, UserID: g.UserID, Generation: g.Generation,
		Now: g.RotatedAt.Add(time.Second), IdleTTL: time.Hour, Grace: time.Minute,
	}
}

// No test can cut the power, but with these settings SQLite outlives that too.
func TestSettingsThatKeepWhatWasAnswered(t *testing.T) {
	db := open(t, filepath.Join(t.TempDir(), "grantd.db"))
	journal, synchronous, foreignKeys, err := db.Settings(t.Context())
	if err != nil || journal != "wal" || synchronous != 2 || foreignKeys != 1 {
		t.Errorf("journal_mode %s, synchronous %d, foreign_keys %d, %v", journal, synchronous, foreignKeys, err)
	}
}

// TestKilledProcessKeepsWhatItAnswered: each who was answered, of a group that shared a commit, too.
func TestKilledProcessKeepsWhatItAnswered(t *testing.T) {
	path := filepath.Join(t.TempDir(), "grantd.db")
	db := migrated(t, path)
	storetest.Populate(t, db, "g")
	g, err := db.Grant(t.Context(), "g")
	if err != nil {
		t.Fatal(err)
	}
	rotations(t, db, g, 15)
	if err := db.Exec(t.Context(), `UPDATE grants SET max_expires_at = $1`, int64(1)<<60); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	for round := range 5 {
		answered := killWhileRotating(t, path, 100+150*round)
		db := open(t, path)
		for id, generation := range answered {
			g, err := db.Grant(t.Context(), id)
			if err != nil || g.Generation < generation || g.Generation > generation+1 {
				t.Fatalf("%s: answered %d, found %d, %v", id, generation, g.Generation, err)
			}
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// killWhileRotating returns the last generation of each authorization that the process answered
// before it died.
func killWhileRotating(t *testing.T, path string, after int) (answered map[string]int64) {
	cmd := child(t, "rotate", path)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	answered = map[string]int64{}
	lines := bufio.NewScanner(out)
	for n := 0; lines.Scan(); n++ { // to the end: lines written before the kill count
		id, generation, _ := strings.Cut(lines.Text(), " ")
		if answered[id], err = strconv.ParseInt(generation, 10, 64); err != nil {
			t.Fatal(err)
		}
		if n >= after && len(answered) == 16 { // on a busy machine some come late to their first turn
			cmd.Process.Kill() // SIGKILL
		}
	}
	if err := cmd.Wait(); err == nil || len(answered) != 16 {
		t.Fatalf("was not killed: %v, answered %d", err, len(answered))
	}
	return answered
}
