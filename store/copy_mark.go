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
	copyServed   = "served"   // has a life of its own, whether it was a copy or not: never copied to
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

// mark is what one copy writes into its target. The lock that keeps others away can be lost
// unnoticed; a copy whose mark is gone writes nothing more.
type mark struct{ source, run string }

var errMarkGone = errors.New("somebody else has copied to it or a server has started on it meanwhile; run it again")

// beginCopy marks db as an unfinished copy of source, or refuses: it must be empty, or a copy of
// that source, and no server may have run on it.
func (db *DB) beginCopy(ctx context.Context, source string) (mark, error) {
	m := mark{source: source, run: rand.Text()}
	return m, db.update(ctx, func(tx *sql.Tx) error {
		if err := db.mayBegin(ctx, tx, source); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `UPDATE copies SET id = $1, state = $2, run = $3 WHERE role = 'target'`, m.source, copyBegun, m.run)
		return err
	})
}

func (db *DB) mayBegin(ctx context.Context, tx *sql.Tx, source string) error {
	var same int
	err := tx.QueryRowContext(ctx, `SELECT count(*) FROM copies WHERE role = 'source' AND id = $1`, source).Scan(&same)
	if err != nil {
		return err
	}
	if same > 0 {
		return errors.New("it is the source itself, or a plain copy of its file; name an empty database")
	}
	// This locks the mark, which it makes if there is none. Other copies and servers wait from here on.
	var id, state string
	err = tx.QueryRowContext(ctx, `INSERT INTO copies (role, id, state) VALUES ('target', '', $1)
		ON CONFLICT (role) DO UPDATE SET role = excluded.role RETURNING id, state`, copyBegun).Scan(&id, &state)
	switch {
	case err != nil:
		return err
	case state == copyServed:
		return errors.New("a server has run on it, and it may know what the source does not; name an empty database")
	case id == source:
		return nil
	}
	full, err := db.filled(ctx, tx)
	if err == nil && len(full) > 0 {
		err = fmt.Errorf("it has rows in %s and is no copy of this source; name an empty database", strings.Join(full, ", "))
	}
	return err
}

// holdMark keeps m as it is until tx ends: no server and no other copy begins meanwhile.
func (db *DB) holdMark(ctx context.Context, tx *sql.Tx, m mark) error {
	var one int
	err := tx.QueryRowContext(ctx, db.dialect.words(`SELECT 1 FROM copies
		WHERE role = 'target' AND id = $1 AND run = $2 AND state = $3 /*lock FOR SHARE*/`), m.source, m.run, copyBegun).Scan(&one)
	if errors.Is(err, sql.ErrNoRows) {
		return errMarkGone
	}
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

// endCopy lets the copy be used if it is equal to its source. What differs without m may well be
// the doing of who took it away.
func (db *DB) endCopy(ctx context.Context, m mark, equal bool) error {
	state := copyBegun
	if equal {
		state = copyVerified
	}
	n, err := db.write.exec(ctx, `UPDATE copies SET state = $1 WHERE role = 'target' AND id = $2 AND run = $3 AND state = $4`,
		state, m.source, m.run, copyBegun)
	if err == nil && n == 0 {
		err = errMarkGone
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
	n, err := one(ctx, db.check, scanInt, `SELECT count(*) FROM copies WHERE role = 'target' AND state = $1`, state)
	return n > 0, err
}

// Adopt is for a server that is about to use db: from now on nothing can be copied to it, since it
// may know of logins and revocations that no source does. It returns ErrUnfinishedCopy if db is a
// copy that was not finished.
func (db *DB) Adopt(ctx context.Context) error {
	served, err := db.copyIs(ctx, copyServed)
	if err != nil || served { // all servers but the first write nothing
		return err
	}
	// The database decides between this and a copy that begins at the same time.
	_, err = db.write.exec(ctx, `INSERT INTO copies (role, id, state) VALUES ('target', '', $1)
		ON CONFLICT (role) DO UPDATE SET state = excluded.state WHERE copies.state = $2`, copyServed, copyVerified)
	if err != nil {
		return err
	}
	return db.checkCopy(ctx)
}
