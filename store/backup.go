package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/pressly/goose/v3"
)

// Backup is what was backed up.
type Backup struct {
	Bytes  int64
	Schema int64 // version
}

// Backup writes a SQLite database as it is now to a new file, readable to its owner alone, while
// servers read and write it. When Backup returns nil the file is checked and on the disk; until
// then there is none of that name. A file that exists is never touched.
func (db *DB) Backup(ctx context.Context, path string) (Backup, error) {
	if db.dialect.goose != goose.DialectSQLite3 {
		return Backup{}, errors.New("this is for SQLite; back up PostgreSQL with pg_dump or by its provider's point-in-time recovery")
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return Backup{}, err
	}
	if _, err := os.Lstat(path); err == nil {
		return Backup{}, existing(path)
	}
	partial, err := emptyBeside(path)
	if err != nil {
		return Backup{}, fmt.Errorf("cannot create the file; check that its folder exists and is writable: %w", err)
	}
	defer os.Remove(partial)
	defer os.Remove(partial + "-journal")
	made, err := db.backup(ctx, partial)
	if err != nil {
		return Backup{}, canceled(ctx, db.dialect.fault(ctx, err))
	}
	return made, publish(partial, path)
}

func existing(path string) error { return fmt.Errorf("%s exists; name a new file", path) }

// emptyBeside makes an empty file of mode 0600 in the folder of path.
func emptyBeside(path string) (string, error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".partial-*")
	if err != nil {
		return "", err
	}
	return f.Name(), f.Close()
}

// backup fills the empty file at path. VACUUM INTO reads in one transaction, which in WAL mode
// keeps no writer waiting, and leaves out what was deleted.
func (db *DB) backup(ctx context.Context, path string) (made Backup, err error) {
	if _, err := db.read.ExecContext(ctx, `VACUUM INTO $1`, path); err != nil {
		return Backup{}, err
	}
	if made.Schema, err = checkBackup(ctx, path); err != nil {
		return Backup{}, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return Backup{}, err
	}
	made.Bytes = info.Size()
	return made, nil
}

// checkBackup reads all of the backup and returns the version of its schema.
func checkBackup(ctx context.Context, path string) (schema int64, err error) {
	db, err := sql.Open("sqlite", sqliteDSN(path, "mode=ro&immutable=1"))
	if err != nil {
		return 0, err
	}
	defer db.Close()
	var verdict string
	if err := db.QueryRowContext(ctx, `PRAGMA integrity_check(1)`).Scan(&verdict); err != nil {
		return 0, err
	}
	if verdict != "ok" {
		return 0, fmt.Errorf("the backup is damaged, and the database may be: %s", strings.TrimSpace(verdict))
	}
	err = db.QueryRowContext(ctx, `SELECT max(version_id) FROM `+schemaTable).Scan(&schema)
	return schema, err
}

// publish puts the file partial, once it is on the disk, in the place of path, where none may be.
func publish(partial, path string) error {
	if err := toDisk(partial); err != nil {
		return err
	}
	err := os.Link(partial, path) // which, other than a renaming, never replaces a file
	if err != nil && !errors.Is(err, fs.ErrExist) {
		err = renameTo(partial, path) // on a file system without links
	}
	if errors.Is(err, fs.ErrExist) {
		return existing(path)
	}
	return errors.Join(err, toDisk(filepath.Dir(path)))
}

// renameTo takes the name first, which one alone can do, and replaces nothing but its own claim.
func renameTo(partial, path string) error {
	claim, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if err := errors.Join(claim.Close(), os.Rename(partial, path)); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}

// toDisk returns once the file or folder survives a power cut. SQLite does not see to that for the
// target of VACUUM INTO.
func toDisk(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
