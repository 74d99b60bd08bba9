package store

import (
	"cmp"
	"context"
	"strings"
	"time"
)

// Sweep asks for one bounded batch of tidying.
type Sweep struct {
	Now time.Time

	// KeyLife is how long after its successor began to sign a key is still needed, because tokens
	// that it signed are out. Zero means for good.
	KeyLife time.Duration

	// Alg is the algorithm that signs. Keys of others were left behind by a change of it. Empty
	// means that all algorithms sign.
	Alg string

	// GrantKeep is how long an expired authorization is kept: access tokens of it may be out and
	// have to be revoked yet, and in a database restored from an older copy it looks expired to
	// whom holds a newer token. Zero means not at all.
	GrantKeep time.Duration

	// RevocationKeep is how long an expired revocation is kept: the clock by which it expired may
	// have been wrong. Zero means not at all.
	RevocationKeep time.Duration

	// CodeKeep is how long an expired authorization code is kept: a second use of it is noticed
	// until then. Zero means not at all.
	CodeKeep time.Duration

	// PlaceKeep is how long after the last login a place stays known. Zero means for good.
	PlaceKeep time.Duration

	// Batch is how many rows of a table a call deletes at most, and a tenth of how many it looks
	// at. Zero means 100.
	Batch int

	// From is the id at which the walk over authorizations begins, to end there when it has come
	// round. Servers that each begin somewhere else, and anew after a restart, come by everywhere.
	// Empty means the first.
	From string

	Cursor string // of the last call; "" begins anew
}

// Swept is what a batch did.
type Swept struct {
	Deleted int    // rows
	Cursor  string // for the next call; "" when all has been gone through
}

const (
	sweepRows  = 100                   // of the first batch; a fifth to five times as many later
	sweepTime  = 10 * time.Millisecond // of a batch. One that takes longer is followed by a smaller one
	sweepPause = 50 * time.Millisecond // between batches at least, while nothing is to be deleted
)

// Next is what to ask for after swept took so long, and how long others should get their turn
// before. Where nothing was deleted there is no hurry, and where much was, the sweep has to keep up
// with what dies meanwhile.
func (in Sweep) Next(swept Swept, took time.Duration) (next Sweep, pause time.Duration) {
	next = in
	next.Cursor = swept.Cursor
	next.Batch = cmp.Or(in.Batch, sweepRows)
	switch {
	case took > sweepTime:
		next.Batch = max(next.Batch/2, sweepRows/5)
	case took < sweepTime/4:
		next.Batch = min(next.Batch*2, 5*sweepRows)
	}
	if swept.Deleted == 0 {
		return next, max(sweepPause, 9*took)
	}
	return next, 4 * took
}

// A walk begins with keys and revocations and goes on to the authorizations, first those behind
// From and then all up to there. A cursor is one of these, and behind a space the last id.
const (
	sweepToEnd = "end"
	sweepRound = "round"
	sweepSmall = "small" // without an id: keys and revocations again
)

// lookPerDelete is how many rows are looked at for each that may be deleted. Looking holds no lock.
const lookPerDelete = 10

// Sweep deletes rows that nobody needs any more: authorizations that expired or were revoked,
// revocations whose tokens have expired, and keys whose successor has long been signing. Each
// kind is one short transaction.
func (db *DB) Sweep(ctx context.Context, in Sweep) (Swept, error) {
	in.Batch = cmp.Or(max(in.Batch, 0), sweepRows)
	stage, after, walking := strings.Cut(in.Cursor, " ")
	if !walking {
		return db.sweepTables(ctx, in)
	}
	deleted, last, err := db.sweepGrants(ctx, in, after)
	return Swept{deleted, in.cursor(stage, last)}, err
}

// cursor is where a walk goes on that has come to last, or to the end if that is empty.
func (in Sweep) cursor(stage, last string) string {
	switch {
	case stage == sweepToEnd && last != "", stage == sweepRound && last != "" && last < in.From:
		return stage + " " + last
	case stage == sweepToEnd && in.From != "":
		return sweepRound + " "
	}
	return ""
}

// sweepTables deletes from the tables that need no walk.
func (db *DB) sweepTables(ctx context.Context, in Sweep) (Swept, error) {
	revocations, err := db.sweepRevocations(ctx, in)
	if err != nil {
		return Swept{}, err
	}
	keys, err := db.sweepKeys(ctx, in)
	if err != nil {
		return Swept{}, err
	}
	sessions, err := db.sweepExpired(ctx, "sessions", in.Now, in.Batch)
	if err != nil {
		return Swept{}, err
	}
	codes, err := db.sweepExpired(ctx, "codes", in.Now.Add(-in.CodeKeep), in.Batch)
	if err != nil {
		return Swept{}, err
	}
	limits, err := db.sweepLimits(ctx, in.Now, in.Batch)
	if err != nil {
		return Swept{}, err
	}
	places := 0
	if in.PlaceKeep > 0 {
		if places, err = db.sweepPlaces(ctx, in.Now.Add(-in.PlaceKeep), in.Batch); err != nil {
			return Swept{}, err
		}
	}
	sealed, err := db.sweepExpired(ctx, "sealed_keys", in.Now, in.Batch)
	if err != nil {
		return Swept{}, err
	}
	deleted := revocations + keys + sessions + codes + limits + places + sealed
	if max(revocations, sessions, codes, limits, places) == in.Batch {
		return Swept{deleted, sweepSmall}, nil
	}
	return Swept{deleted, sweepToEnd + " " + in.From}, nil
}

// Ids come in order, and as far as Batch of them are dead.
const lookAtGrants = `SELECT COALESCE(max(id), ''), COALESCE(max(dead), 0) FROM
	(SELECT id, sum(CASE WHEN revoked_at IS NOT NULL OR expires_at <= $2 THEN 1 ELSE 0 END) OVER (ORDER BY id) AS dead
	FROM (SELECT id, revoked_at, expires_at FROM grants WHERE id > $1 ORDER BY id LIMIT $3) AS next) AS counted
	WHERE dead <= $4`

const deleteGrants = `DELETE FROM grants WHERE id > $1 AND id <= $2 AND (revoked_at IS NOT NULL OR expires_at <= $3)`

// sweepGrants walks by primary key: an index by expiry would make every refresh dearer. It returns
// how far it came, "" at the end.
func (db *DB) sweepGrants(ctx context.Context, in Sweep, after string) (deleted int, last string, err error) {
	expired := millis(in.Now.Add(-in.GrantKeep))
	seen, err := one(ctx, db.read, scanSeen, lookAtGrants, after, expired, lookPerDelete*in.Batch, in.Batch)
	if err != nil || seen.dead == 0 {
		return 0, seen.last, err
	}
	deleted, err = db.write.exec(ctx, deleteGrants, after, seen.last, expired)
	return deleted, seen.last, err
}

type seenGrants struct {
	last string
	dead int
}

func scanSeen(row scanner) (s seenGrants, err error) {
	err = row.Scan(&s.last, &s.dead)
	return s, err
}

// The oldest go first: all are needed for about as long. One that is not must wait its turn, since
// to look for it would be to look at all, again and again.
const lookAtRevocations = `SELECT count(*) FROM
	(SELECT expires_at FROM revocations ORDER BY revoked_at LIMIT $2) AS oldest WHERE expires_at <= $1`

const deleteRevocations = `DELETE FROM revocations WHERE expires_at <= $1 AND (kind, id) IN
	(SELECT kind, id FROM (SELECT kind, id, expires_at, revoked_at FROM revocations ORDER BY revoked_at LIMIT $2) AS oldest
	WHERE expires_at <= $1 ORDER BY revoked_at LIMIT $3)`

func (db *DB) sweepRevocations(ctx context.Context, in Sweep) (deleted int, err error) {
	expired := millis(in.Now.Add(-in.RevocationKeep))
	dead, err := one(ctx, db.read, scanInt, lookAtRevocations, expired, lookPerDelete*in.Batch)
	if err != nil || dead == 0 {
		return 0, err
	}
	return db.write.exec(ctx, deleteRevocations, expired, lookPerDelete*in.Batch, in.Batch)
}

func (db *DB) sweepExpired(ctx context.Context, table string, expired time.Time, batch int) (deleted int, err error) {
	return db.sweepOld(ctx, table, "id", "expires_at", millis(expired), batch)
}

// sweepOld deletes rows whose column of a time is not later than until. It looks before it writes:
// mostly there is nothing to delete.
func (db *DB) sweepOld(ctx context.Context, table, key, column string, until int64, batch int) (deleted int, err error) {
	dead, err := one(ctx, db.read, scanInt, `SELECT count(*) FROM (SELECT 1 FROM `+table+` WHERE `+column+` <= $1 LIMIT $2) AS dead`, until, batch)
	if err != nil || dead == 0 {
		return 0, err
	}
	return db.write.exec(ctx, `DELETE FROM `+table+` WHERE (`+key+`) IN
		(SELECT `+key+` FROM `+table+` WHERE `+column+` <= $1 ORDER BY `+column+` LIMIT $2) AND `+column+` <= $1`, until, batch)
}

// algChange is how long servers may take to go over to another algorithm one by one.
const algChange = 24 * time.Hour

// sweepKeys leaves the keys alone that sign now or will: they have no successor that signs.
func (db *DB) sweepKeys(ctx context.Context, in Sweep) (deleted int, err error) {
	if in.KeyLife <= 0 {
		return 0, nil
	}
	return db.write.exec(ctx, `DELETE FROM signing_keys WHERE id IN
		(SELECT k.id FROM signing_keys AS k WHERE EXISTS
			(SELECT 1 FROM signing_keys AS s
			WHERE s.sign_from > k.sign_from AND (s.alg = k.alg AND s.sign_from < $1 OR s.alg = $3 AND s.sign_from < $4))
		ORDER BY k.id LIMIT $2)`, millis(in.Now.Add(-in.KeyLife)), in.Batch, in.Alg, millis(in.Now.Add(-in.KeyLife-algChange)))
}
