package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A file that is no database any more is refused by every command, and told
// apart from one that never was.
func TestDamagedDatabaseIsRefused(t *testing.T) {
	t.Parallel()
	sound := filepath.Join(t.TempDir(), "grantd.db")
	mustRun(t, "", "migrate", "--database", "sqlite:"+sound)
	whole, err := os.ReadFile(sound)
	if err != nil {
		t.Fatal(err)
	}
	const pageSize = 4096
	if len(whole) < 10*pageSize {
		t.Fatalf("only %d bytes", len(whole))
	}
	for _, damage := range []struct {
		name, remedy string
		content      []byte
	}{
		{"another kind of file", "is no SQLite database; correct the path", bytes.Repeat([]byte("issuer: x\n"), 1000)},
		{"overwritten from the first page", "is no SQLite database; correct the path", overwritten(whole, 0)},
		{"overwritten from the second page", "is damaged; restore it from a backup", overwritten(whole, pageSize)},
		{"cut off", "is damaged; restore it from a backup", whole[:5*pageSize]},
	} {
		t.Run(damage.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "grantd.db")
			if err := os.WriteFile(path, damage.content, 0o600); err != nil {
				t.Fatal(err)
			}
			for _, command := range []string{
				"dev --listen 127.0.0.1:0 --ops-listen 127.0.0.1:0", "migrate", "user list", "key list", "grant list", "client show dev",
			} {
				status, _, stderr := grantd(t, "", append(strings.Fields(command), "--database", "sqlite:"+path)...)
				wantFailure(t, status, stderr, damage.remedy)
			}
		})
	}
}

func overwritten(whole []byte, from int) []byte {
	damaged := bytes.Clone(whole)
	for i := range damaged[from:] {
		damaged[from+i] = byte(i*7 + i>>8)
	}
	return damaged
}
