package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// maxSecretBytes bounds a file with a secret.
const maxSecretBytes = 4096

// readSecret reads a secret from the file that a setting names, without the white space around it. It
// refuses a file that others may read. The credentials are the folder that systemd made for this process, if it did.
func readSecret(setting, path, credentials string) (string, *Problem) {
	where := setting + " " + quote(path)
	info, err := os.Stat(path)
	switch {
	case misplaced(path):
		return "", &Problem{setting, "it holds what looks like a secret, where the path of a file is due", "name the file that holds it"}
	case errors.Is(err, fs.ErrNotExist):
		if absolute, err := filepath.Abs(path); err == nil {
			where = setting + " " + quote(absolute)
		}
		return "", &Problem{where, "there is no such file", "correct the path"}
	case err != nil:
		return "", &Problem{where, cause(err).Error(), "let the user that runs grantd read it"}
	case !info.Mode().IsRegular():
		return "", &Problem{where, "it is not a regular file", "name the file that holds the secret"}
	case !isCredential(path, credentials) && othersMayRead(info):
		return "", &Problem{where, "other users may read or write it", "run: chmod 600 " + path + ", or give it to root with mode 640 and a group of grantd's"}
	}
	data, err := readAtMost(path, maxSecretBytes)
	if err != nil {
		return "", &Problem{where, err.Error(), "let the user that runs grantd read it"}
	}
	defer clear(data)
	return strings.TrimSpace(string(data)), nil
}

// misplaced is whether the secret itself may have been put where the path of its file is due, which nothing is to repeat: the
// URL of a database, a master key, or something long that names no folder.
func misplaced(path string) bool {
	if _, err := os.Stat(path); err == nil {
		return false
	}
	_, isKey := decodeMaster(path)
	return isKey || strings.Contains(path, "://") || len(path) >= 32 && filepath.Base(path) == path
}

// showPath shows the path of a file with a secret.
func showPath(path string) string {
	if misplaced(path) {
		return mask
	}
	return path
}

// isCredential is whether systemd put the file there: nobody but the service can reach it, whatever its
// mode looks like, since systemd lets the service in by an ACL, which shows as its group's permission.
func isCredential(path, credentials string) bool {
	return credentials != "" && filepath.Dir(filepath.Clean(path)) == filepath.Clean(credentials)
}

// othersMayRead goes by the rule of PostgreSQL for its private key: a file of grantd's own user is for
// nobody else, and one of root may be readable by its group, which is how orchestrators hand a secret
// to a process that is not root.
func othersMayRead(info fs.FileInfo) bool {
	return runtime.GOOS != "windows" && tooOpen(info.Mode(), ownedByRoot(info))
}

func tooOpen(mode fs.FileMode, byRoot bool) bool {
	if byRoot {
		return mode.Perm()&0o037 != 0
	}
	return mode.Perm()&0o077 != 0
}
