package config

import (
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// masterKeyLen is the length of the master key in bytes: that of an AES-256 key.
const masterKeyLen = 32

// makeMasterKey refuses to overwrite: a second key in the place of the first
// makes the database unreadable.
const makeMasterKey = "make one with: (umask 077; set -C; head -c 32 /dev/urandom | base64 > master.key)"

// newMasterKey follows a remedy where there may be a master key elsewhere.
const newMasterKey = ", or for a new installation " + makeMasterKey

// Master decodes the 32-byte master key from MasterKeyFile or MasterKey. It
// reads base64 of either alphabet, padded or not, amid white space. The error,
// if any, is Problems.
func (c Config) Master() ([]byte, error) {
	switch {
	case c.MasterKey != "" && c.MasterKeyFile != "":
		return nil, Problems{{"master_key", "master_key and master_key_file are both given", "remove one"}}
	case c.MasterKey != "":
		return masterOf("master_key", c.MasterKey)
	case c.MasterKeyFile != "":
		return c.masterIn(c.MasterKeyFile)
	}
	return nil, Problems{{"master_key_file", "there is no master key", "set it to the path of the one of this database" + newMasterKey}}
}

func masterOf(where, text string) ([]byte, error) {
	key, ok := decodeMaster(text)
	if !ok {
		return nil, Problems{{where, "the master key is not base64 of exactly 32 bytes", "put back the one of this database" + newMasterKey}}
	}
	return key, nil
}

func decodeMaster(text string) ([]byte, bool) {
	text = strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimSpace(text))
	key, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(text, "="))
	return key, err == nil && len(key) == masterKeyLen
}

func (c Config) masterIn(path string) ([]byte, error) { return c.keyIn("master_key_file", path) }

// NewMaster reads the master key that is to come from a file, and takes no more of it than Master.
func (c Config) NewMaster(path string) ([]byte, error) { return c.keyIn("--new-master-key-file", path) }

// ParseMaster decodes a master key that was given otherwise.
func ParseMaster(where, text string) ([]byte, error) { return masterOf(where, text) }

func (c Config) keyIn(setting, path string) ([]byte, error) {
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		return nil, missingKey(setting, path)
	}
	text, problem := readSecret(setting, path, c.credentials)
	if problem != nil {
		return nil, Problems{*problem}
	}
	return masterOf(setting+" "+quote(path), text)
}

// missingKey says where it looked: a mistyped path or another working
// directory must lead nobody to make a second key. It does not repeat a path
// that is a key put in the wrong place.
func missingKey(setting, path string) error {
	if _, isKey := decodeMaster(path); isKey {
		return Problems{{setting, "it holds a key, where the path of a file is due", "name the file that holds it; in the settings there is master_key, too"}}
	}
	if absolute, err := filepath.Abs(path); err == nil {
		path = absolute
	}
	return Problems{{setting + " " + strconv.Quote(path), "there is no such file", "correct the path" + newMasterKey}}
}
