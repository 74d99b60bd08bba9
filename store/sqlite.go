package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

const (
	// One connection writes: writers then queue in Go, where a queue honours a context,
	// and not in SQLite, where it is a matter of luck.
	sqliteWriter = "_txlock=immediate&_pragma=journal_mode(wal)&_pragma=journal_size_limit(8388608)" +
		// full: what was answered is on the disk, whatever happens next.
		"&_pragma=synchronous(full)&_pragma=fullfsync(1)&_pragma=cache_size(-2000)"
	sqliteReader  = "mode=ro&_pragma=cache_size(-500)"
	sqliteReaders = 4
	sqliteBoth    = "&_pragma=busy_timeout(5000)&_pragma=foreign_keys(1)&_defensive=1&_dqs=0&_error_rc=1"

	// A migration of a large database may take its time.
	sqliteLock = "_txlock=exclusive&_pragma=busy_timeout(600000)&_error_rc=1"
)

func openSQLite(ctx context.Context, path string) (*DB, error) {
	path, err := sqlitePath(path)
	if err != nil {
		return nil, err
	}
	if err := createPrivate(path); err != nil {
		return nil, err
	}
	d := &dialect{
		system:   "sqlite",
		prepares: true,
		goose:    goose.DialectSQLite3,
		hasTable: `SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = $1`,
		lock:     func(ctx context.Context) (func() error, error) { return lockSQLite(ctx, path+".lock") },
		inUse:    func(ctx context.Context) (bool, error) { return sqliteInUse(ctx, path) },
		explain:  explainSQLite,
	}
	// The writer comes first: it makes the log without which a reader cannot open the file.
	write, err := openPool(ctx, "write", d, "sqlite", sqliteDSN(path, sqliteWriter+sqliteBoth), 1)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	read, err := openPool(ctx, "read", d, "sqlite", sqliteDSN(path, sqliteReader+sqliteBoth), sqliteReaders)
	if err != nil {
		write.Close()
		return nil, fmt.Errorf("open %s for reading: %w", path, err)
	}
	return &DB{write: write, read: read, watch: read, probe: write, check: read, dialect: d,
		rotations: &queue{most: 1, group: rotateQueued}}, nil
}

func sqlitePath(path string) (string, error) {
	switch {
	case path == "":
		return "", errors.New("sqlite: names no file; write sqlite:PATH")
	case strings.HasPrefix(path, ":memory:"):
		return "", errors.New("sqlite::memory: would forget every login at a restart; write sqlite:PATH with the path of a file")
	case strings.HasPrefix(path, "//"):
		return "", errors.New("sqlite:// is no form of this setting; write sqlite:PATH, or sqlite:/PATH when it is absolute")
	case strings.ContainsRune(path, 0):
		return "", errors.New("the path of the database contains a zero byte; correct it")
	}
	return filepath.Abs(path)
}

// Closing a file drops all locks that this process holds on it, whoever took them (POSIX). So
// nobody may open a new file before createPrivate has closed it.
var creating sync.Mutex

// createPrivate makes an empty file of mode 0600 unless path is there: SQLite itself would let
// the whole world read it. It never opens a file that exists.
func createPrivate(path string) error {
	creating.Lock()
	defer creating.Unlock()
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%w: cannot create the file; check that its folder exists and is writable: %w", ErrUnavailable, err)
	}
	return f.Close()
}

// sqliteDSN escapes path, which may contain spaces, '?', '#' and '%'.
func sqliteDSN(path, settings string) string {
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + settings
}

// lockSQLite locks a database of its own: goose needs the real one, the operating system frees
// the lock of a process that dies, and the wait ends with ctx.
func lockSQLite(ctx context.Context, path string) (unlock func() error, err error) {
	if err := createPrivate(path); err != nil {
		return nil, err
	}
	db, err := sql.Open("sqlite", sqliteDSN(path, sqliteLock))
	if err != nil {
		return nil, err
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		db.Close()
		return nil, err
	}
	return func() error { return errors.Join(tx.Rollback(), db.Close()) }, nil
}

// sqliteInUse tries to have the database at path for itself. Whoever has it open holds a shared lock.
func sqliteInUse(ctx context.Context, path string) (bool, error) {
	db, err := sql.Open("sqlite", sqliteDSN(path, "mode=rw&_txlock=exclusive&_pragma=locking_mode(exclusive)&_error_rc=1"))
	if err != nil {
		return false, err
	}
	tx, err := db.BeginTx(ctx, nil)
	if err == nil {
		err = tx.Rollback()
	}
	err = errors.Join(err, db.Close())
	if e := new(sqlite.Error); errors.As(err, &e) && e.Code()&0xff == sqlite3.SQLITE_BUSY {
		return true, nil
	}
	return false, err
}

// explainSQLite knows https://www.sqlite.org/rescode.html.
func explainSQLite(err error) string {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return ""
	}
	switch e.Code() & 0xff { // the rest tells kinds of one fault apart
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL:
		return "another process holds the database; end it, or try again when it is done"
	case sqlite3.SQLITE_FULL:
		return "no space is left; free some on the disk of the database"
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM:
		return "the database may not be written; let grantd's user write the file and its folder"
	case sqlite3.SQLITE_IOERR:
		return "the disk fails; check the disk and the file system of the database"
	case sqlite3.SQLITE_CORRUPT:
		return "the file is damaged; restore it from a backup"
	case sqlite3.SQLITE_NOTADB:
		return "the file is no SQLite database; correct the path"
	case sqlite3.SQLITE_CANTOPEN:
		return "the file cannot be opened; check that it is a file and its folder exists and is writable"
	case sqlite3.SQLITE_NOMEM:
		return "no memory is left; give grantd more"
	}
	return ""
}
