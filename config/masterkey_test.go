package config_test

import (
	"bytes"
	"encoding/base64"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/grantd/grantd/config"
)

// theKey has '+' and '/' in standard base64.
var theKey = bytes.Repeat([]byte{0xfb, 0xff}, 16)

const makeKey = "(umask 077; set -C; head -c 32 /dev/urandom | base64 > master.key)"

func TestMasterReadsEveryBase64(t *testing.T) {
	for name, encoding := range map[string]*base64.Encoding{
		"standard":       base64.StdEncoding,
		"standard, bare": base64.RawStdEncoding,
		"URL":            base64.URLEncoding,
		"URL, bare":      base64.RawURLEncoding,
	} {
		t.Run(name, func(t *testing.T) {
			text := " " + encoding.EncodeToString(theKey) + "\r\n"
			gives(t, config.Config{MasterKey: text})
			gives(t, config.Config{MasterKeyFile: write(t, "master.key", text)})
		})
	}
}

func gives(t *testing.T, c config.Config) {
	t.Helper()
	key, err := c.Master()
	if err != nil || !bytes.Equal(key, theKey) {
		t.Errorf("%x, %v", key, err)
	}
}

func TestMasterProblems(t *testing.T) {
	good := base64.StdEncoding.EncodeToString(theKey)
	dir := t.TempDir()
	for _, tc := range []struct {
		name     string
		c        config.Config
		problems []string
	}{
		{"none", config.Config{}, []string{"there is no master key", makeKey, "there is no master key; set it to the path of the one of this database, or for a new installation make one"}},
		{"both", config.Config{MasterKey: good, MasterKeyFile: write(t, "k", good)},
			[]string{"master_key and master_key_file are both given; remove one"}},
		{"no base64", config.Config{MasterKey: "hunter2, hunter2"}, []string{"master_key: the master key is not base64 of exactly 32 bytes", makeKey}},
		{"31 bytes", config.Config{MasterKey: base64.StdEncoding.EncodeToString(theKey[1:])}, []string{"exactly 32 bytes"}},
		{"33 bytes", config.Config{MasterKey: base64.StdEncoding.EncodeToString(append(theKey, 1))}, []string{"exactly 32 bytes"}},
		{"mask of --print", config.Config{MasterKey: "***"}, []string{"exactly 32 bytes"}},
		{"empty file", config.Config{MasterKeyFile: write(t, "k", "")}, []string{"master_key_file ", "exactly 32 bytes", makeKey}},
		{"raw bytes in file", config.Config{MasterKeyFile: write(t, "k", string(theKey))}, []string{"exactly 32 bytes", makeKey}},
		{"large file", config.Config{MasterKeyFile: write(t, "k", strings.Repeat(" ", 5000))}, []string{"the file is over 4096 bytes"}},
		{"no file", config.Config{MasterKeyFile: filepath.Join(dir, "none")}, []string{dir + "/none\": there is no such file; correct the path, or for a new installation make one with: ", makeKey}},
		{"path through a file", config.Config{MasterKeyFile: filepath.Join(write(t, "k", ""), "k")}, []string{"cannot stat it"}},
		{"directory", config.Config{MasterKeyFile: dir}, []string{"it is not a regular file; name the file that holds the secret"}},
		{"key for path", config.Config{MasterKeyFile: good}, []string{"it holds a key, where the path of a file is due; name the file that holds it; in the settings there is master_key, too"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			key, err := tc.c.Master()
			text := problems(t, err).Error()
			contains(t, text, tc.problems...)
			if key != nil || strings.Contains(text, good) || strings.Contains(text, "hunter2") {
				t.Errorf("key %x, error %s", key, text)
			}
		})
	}
}

func TestMasterKeyFileOfOthersIsRefused(t *testing.T) {
	path := write(t, "master.key", base64.StdEncoding.EncodeToString(theKey))
	c := config.Config{MasterKeyFile: path}
	for _, mode := range []os.FileMode{0o620, 0o604, 0o602, 0o644, 0o610} {
		chmod(t, path, mode)
		_, err := c.Master()
		contains(t, problems(t, err).Error(), "other users may read or write it; run: chmod 600 "+path)
	}
	for _, mode := range []os.FileMode{0o600, 0o400} {
		chmod(t, path, mode)
		gives(t, c)
	}
}

// A mistyped path is often a relative one in another working directory.
func TestMissingMasterKeyFileIsNamedInFull(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	_, err := config.Config{MasterKeyFile: "keys/master.key"}.Master()
	contains(t, problems(t, err).Error(), filepath.Join("keys", "master.key")+`": there is no such file`, `master_key_file "/`)
}

// Whoever pastes the command where a key lies keeps that key.
func TestMakingAMasterKeyOverwritesNone(t *testing.T) {
	t.Chdir(t.TempDir())
	if out, err := exec.Command("sh", "-c", makeKey).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	c := config.Config{MasterKeyFile: "master.key"}
	first, err := c.Master()
	if err != nil {
		t.Fatal(err)
	}
	if exec.Command("sh", "-c", makeKey).Run() == nil {
		t.Error("it did not refuse")
	}
	if again, err := c.Master(); err != nil || !bytes.Equal(again, first) {
		t.Errorf("the key was overwritten, or %v", err)
	}
}

func chmod(t *testing.T, path string, mode os.FileMode) {
	t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}
