package config_test

import (
	"encoding/base64"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/grantd/grantd/config"
)

const sharedSecret = "0123456789abcdef0123456789abcdef"

func TestModesOfSecretFiles(t *testing.T) {
	for _, c := range []struct {
		mode           fs.FileMode
		byRoot, refuse bool
	}{
		{0o600, false, false}, {0o400, false, false}, {0o640, false, true}, {0o440, false, true}, {0o604, false, true}, {0o644, false, true},
		{0o600, true, false}, {0o400, true, false}, {0o640, true, false}, {0o440, true, false}, // fsGroup of Kubernetes
		{0o660, true, true}, {0o644, true, true}, {0o444, true, true}, {0o650, true, true}, {0o641, true, true},
	} {
		if got := config.TooOpen(c.mode, c.byRoot); got != c.refuse {
			t.Errorf("%v, of root: %v: refused: %v, want %v", c.mode, c.byRoot, got, c.refuse)
		}
	}
}

// credentials makes a folder as systemd does, whose files look as if their group could read them.
func credentials(t *testing.T, files map[string]string) (dir, env string) {
	t.Helper()
	dir = t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		chmod(t, path, 0o444)
	}
	return dir, "CREDENTIALS_DIRECTORY=" + dir
}

func TestSecretsFromFiles(t *testing.T) {
	key := base64.StdEncoding.EncodeToString(theKey)
	const database = "postgres://grantd:hunter2@db.example.com/grantd?sslmode=verify-full"
	hs256 := "GRANTD_TOKENS_SIGNING_ALG=HS256"
	secretFile := write(t, "shared", sharedSecret+"\n")
	databaseFile := write(t, "database", database+"\r\n")
	dir, env := credentials(t, map[string]string{"grantd.master_key": key + "\n", "grantd.shared_secret": sharedSecret + "\n", "grantd.database": database + "\n"})
	other := write(t, "other", strings.Repeat("x", 40))

	for name, environ := range map[string][]string{
		"files": {
			hs256, "GRANTD_MASTER_KEY_FILE=" + write(t, "master", key), "GRANTD_TOKENS_SHARED_SECRET_FILE=" + secretFile, "GRANTD_DATABASE_FILE=" + databaseFile,
		},
		"credentials": {hs256, env},
		"values":      {hs256, "GRANTD_MASTER_KEY=" + key, "GRANTD_TOKENS_SHARED_SECRET=" + sharedSecret, "GRANTD_DATABASE=" + database, env},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := config.Load(config.Sources{Base: config.Default(), Environ: environ})
			if err != nil {
				t.Fatal(err)
			}
			gives(t, c)
			if c.Tokens.SharedSecret != sharedSecret || c.Database != database {
				t.Errorf("shared secret %q, database %q", c.Tokens.SharedSecret, c.Database)
			}
			var printed strings.Builder
			if err := c.Print(&printed); err != nil {
				t.Fatal(err)
			}
			for _, secret := range []string{key, sharedSecret, "hunter2"} {
				if strings.Contains(printed.String(), secret) {
					t.Errorf("--print shows %s", secret)
				}
			}
			if name == "credentials" && !strings.Contains(printed.String(), "database_file: "+dir+"/grantd.database") {
				t.Errorf("--print does not tell where the database is named:\n%s", printed.String())
			}
		})
	}

	// A setting counts, and a credential is what is left.
	c, err := config.Load(config.Sources{Base: config.Default(), Environ: []string{env, "GRANTD_TOKENS_SHARED_SECRET_FILE=" + other, "GRANTD_DATABASE=sqlite:x.db"}})
	if err != nil || c.Tokens.SharedSecret != strings.Repeat("x", 40) || c.Database != "sqlite:x.db" {
		t.Errorf("%q, %q, %v", c.Tokens.SharedSecret, c.Database, err)
	}
	// The one of the resource router is none of its business.
	if err := c.CheckResource(""); err == nil || !strings.Contains(err.Error(), "master_key_file") {
		t.Errorf("the resource router took the master key: %v", err)
	}
	// Without a file of its name, the folder means nothing.
	_, empty := credentials(t, nil)
	if c, err := config.Load(config.Sources{Base: config.Default(), Environ: []string{empty}}); err != nil || c.MasterKeyFile != "" || c.DatabaseFile != "" {
		t.Errorf("%q, %q, %v", c.MasterKeyFile, c.DatabaseFile, err)
	}
}

func TestProblemsOfSecretFiles(t *testing.T) {
	open := write(t, "open", sharedSecret)
	chmod(t, open, 0o644)
	_, env := credentials(t, map[string]string{"grantd.shared_secret": "", "grantd.database": strings.Repeat("x", 5000)})
	for _, c := range []struct {
		name    string
		environ []string
		want    []string
	}{
		{"both", []string{"GRANTD_TOKENS_SHARED_SECRET=" + sharedSecret, "GRANTD_TOKENS_SHARED_SECRET_FILE=" + open, "GRANTD_DATABASE=sqlite:x.db", "GRANTD_DATABASE_FILE=" + open},
			[]string{"tokens.shared_secret and tokens.shared_secret_file are both given; remove one", "database and database_file are both given; remove one"}},
		{"of others", []string{"GRANTD_DATABASE_FILE=" + open}, []string{"database_file ", "other users may read or write it; run: chmod 600 " + open}},
		{"none", []string{"GRANTD_TOKENS_SHARED_SECRET_FILE=/nowhere/x"}, []string{`tokens.shared_secret_file "/nowhere/x": there is no such file; correct the path`}},
		{"the secret itself", []string{"GRANTD_TOKENS_SHARED_SECRET_FILE=" + sharedSecret, "GRANTD_DATABASE_FILE=postgres://u:" + sharedSecret + "@db/x"},
			[]string{"tokens.shared_secret_file: it holds what looks like a secret", "database_file: it holds what looks like a secret"}},
		{"a folder", []string{"GRANTD_DATABASE_FILE=" + t.TempDir()}, []string{"it is not a regular file"}},
		{"credentials", []string{env}, []string{"tokens.shared_secret_file ", "the file is empty", "database_file ", "the file is over 4096 bytes"}},
	} {
		loaded, err := config.Load(config.Sources{Base: config.Default(), Environ: c.environ})
		contains(t, problems(t, err).Error(), c.want...)
		var printed strings.Builder
		if err := loaded.Print(&printed); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(err.Error()+printed.String(), sharedSecret) {
			t.Errorf("%s: the secret is shown: %v\n%s", c.name, err, &printed)
		}
	}
}
