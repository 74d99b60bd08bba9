package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"strings"
)

// ErrUnfinishedCopy says that the database is a copy which may lack anything: revocations, too.
var ErrUnfinishedCopy = errors.New(`the database is an unfinished copy; run "grantd store copy" to its end`)

// The states of a target.
const (
	copyBegun    = "begun"    // rows may be missing: nobody may use it
	copyVerified = "verified" // was equal to its source: may be used, and copied to again
	copyServed   = "served"   // has a life of its own: never copied to again
)

// identity is the random id of db as a source of copies, made when it is first asked for.
func (db *DB) identity(ctx context.Context) (id string, err error) {
	_, err = db.write.exec(ctx, `INSERT INTO copies (role, id, state) VALUES ('source', $1, '') ON CONFLICT DO NOTHING`, rand.Text())
	if err != nil {
		return "", err
	}
	return one(ctx, db.read, scanText, `SELECT id FROM copies WHERE role = 'source'`)
}

func scanText(row scanner) (s string, err error) {
	err = row.Scan(&s)
	return s, err
}

// beginCopy marks db as an unfinished copy of source, or refuses: it must be empty, or a copy of
// that source on which no server has run.
func (db *DB) beginCopy(ctx context.Context, source string) error {
	return db.update(ctx, func(tx *sql.Tx) error {
		var same int
		err := tx.QueryRowContext(ctx, `SELECT count(*) FROM copies WHERE role = 'source' AND id = $1`, source).Scan(&same)
		if err != nil {
			return err
		}
		if same > 0 {
			return errors.New("it is the source itself, or a plain copy of its file; name an empty database")
		}
		n, err := affected(tx.ExecContext(ctx,
			`UPDATE copies SET state = $1 WHERE role = 'target' AND id = $2 AND state <> $3`, copyBegun, source, copyServed))
		if err != nil || n == 1 {
			return err
		}
		return db.beginEmpty(ctx, tx, source)
	})
}

func (db *DB) beginEmpty(ctx context.Context, tx *sql.Tx, source string) error {
	full, err := db.filled(ctx, tx)
	if err != nil {
		return err
	}
	var known int
	err = tx.QueryRowContext(ctx, `SELECT count(*) FROM copies WHERE role = 'target' AND id = $1`, source).Scan(&known)
	switch {
	case err != nil:
		return err
	case len(full) > 0 && known > 0:
		return errors.New("a server has run on it since it was copied, and it may know what the source does not; name an empty database")
	case len(full) > 0:
		return fmt.Errorf("it has rows in %s and is no copy of this source; name an empty database", strings.Join(full, ", "))
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO copies (role, id, state) VALUES ('target', $1, $2)
		ON CONFLICT (role) DO UPDATE SET id = excluded.id, state = excluded.state`, source, copyBegun)
	return err
}

// filled are the tables that hold anything. A database of an older schema does not have all.
func (db *DB) filled(ctx context.Context, in interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}) (names []string, err error) {
	for _, t := range copied {
		found := 0
		err := in.QueryRowContext(ctx, db.dialect.hasTable, t.name).Scan(&found)
		if err == nil && found > 0 {
			err = in.QueryRowContext(ctx, `SELECT count(*) FROM (SELECT 1 FROM `+t.name+` LIMIT 1) AS found`).Scan(&found)
		}
		if err != nil {
			return nil, err
		}
		if found > 0 {
			names = append(names, t.name)
		}
	}
	return names, nil
}

// endCopy lets the copy be used.
func (db *DB) endCopy(ctx context.Context, source string) error {
	n, err := db.write.exec(ctx, `UPDATE copies SET state = $1 WHERE role = 'target' AND id = $2 AND state = $3`,
		copyVerified, source, copyBegun)
	if err == nil && n == 0 {
		err = errors.New("somebody else has changed it meanwhile")
	}
	return err
}

// CloseSource closes db when it has been copied to to, and then looks whether somebody else still
// has it open: then to may lack what is written to db from now on, and becomes an unfinished copy
// again. Of PostgreSQL nobody can tell.
func (db *DB) CloseSource(ctx context.Context, to *DB) (inUse bool, err error) {
	if err := db.Close(); err != nil || db.dialect.inUse == nil {
		return false, err
	}
	inUse, err = db.dialect.inUse(ctx)
	if err == nil && !inUse {
		return false, nil
	}
	_, undo := to.write.exec(context.WithoutCancel(ctx),
		`UPDATE copies SET state = $1 WHERE role = 'target' AND state = $2`, copyBegun, copyVerified)
	return inUse, errors.Join(db.dialect.fault(ctx, err), undo)
}

// checkCopy returns ErrUnfinishedCopy if db is one.
func (db *DB) checkCopy(ctx context.Context) error {
	begun, err := db.copyIs(ctx, copyBegun)
	if err == nil && begun {
		err = ErrUnfinishedCopy
	}
	return err
}

func (db *DB) copyIs(ctx context.Context, state string) (bool, error) {
	n, err := one(ctx, db.watch, scanInt, `SELECT count(*) FROM copies WHERE role = 'target' AND state = $1`, state)
	return n > 0, err
}

// Adopt is for a server that is about to use db: if db is a copy it can from now on not be copied
// to again, since it may know of logins and revocations that its source does not. It returns
// ErrUnfinishedCopy if the copy was not finished.
func (db *DB) Adopt(ctx context.Context) error {
	verified, err := db.copyIs(ctx, copyVerified)
	if err == nil && verified { // a server that starts on anything else has nothing to write
		_, err = db.write.exec(ctx, `UPDATE copies SET state = $1 WHERE role = 'target' AND state = $2`, copyServed, copyVerified)
	}
	if err != nil {
		return err
	}
	return db.checkCopy(ctx)
}
