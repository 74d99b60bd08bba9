package store

import (
	"context"
	"database/sql"
	"time"
)

// MostPlaces is how many known places are kept of a user: the latest.
const MostPlaces = 20

// Place is where a user has logged in: an address, or a browser.
type Place struct {
	UserID string // of LatestPlaces alone
	Name   string
	SeenAt time.Time // when it was last noted
}

func scanPlace(row scanner) (p Place, err error) {
	err = row.Scan(&p.Name, instant{&p.SeenAt})
	return p, err
}

// KnownPlaces returns which of two places the user has logged in at. It takes the same time when there is no such user.
func (db *DB) KnownPlaces(ctx context.Context, userID, one, other string) ([]Place, error) {
	return list(ctx, db.read, scanPlace,
		`SELECT place, seen_at FROM known_places WHERE user_id = $1 AND place IN ($2, $3) ORDER BY place`, userID, one, other)
}

// LatestPlaces returns where anybody has logged in at or after since, the latest first.
func (db *DB) LatestPlaces(ctx context.Context, since time.Time, limit int) ([]Place, error) {
	return list(ctx, db.read, scanUserPlace,
		`SELECT user_id, place, seen_at FROM known_places WHERE seen_at >= $1 ORDER BY seen_at DESC LIMIT $2`, millis(since), atMost(limit))
}

func scanUserPlace(row scanner) (p Place, err error) {
	err = row.Scan(&p.UserID, &p.Name, instant{&p.SeenAt})
	return p, err
}

const notePlace = `INSERT INTO known_places (user_id, place, seen_at)
	SELECT id, $2, $3 FROM users WHERE id = $1 /*lock FOR SHARE*/
	ON CONFLICT (user_id, place) DO UPDATE SET seen_at = excluded.seen_at WHERE known_places.seen_at < excluded.seen_at`

const dropPlaces = `DELETE FROM known_places WHERE user_id = $1 AND place IN
	(SELECT place FROM known_places WHERE user_id = $1 ORDER BY seen_at DESC, place LIMIT $2 OFFSET $3)`

// NotePlaces notes that the user logged in at those places now. Of a user who is gone it notes nothing.
func (db *DB) NotePlaces(ctx context.Context, userID string, now time.Time, places ...string) error {
	return db.update(ctx, func(tx *sql.Tx) error {
		for _, place := range places {
			if _, err := tx.ExecContext(ctx, db.dialect.words(notePlace), userID, place, millis(now)); err != nil {
				return err
			}
		}
		_, err := tx.ExecContext(ctx, dropPlaces, userID, atMost(0), MostPlaces)
		return err
	})
}

// sweepPlaces deletes what was last noted before.
func (db *DB) sweepPlaces(ctx context.Context, before time.Time, batch int) (deleted int, err error) {
	return db.sweepOld(ctx, "known_places", "user_id, place", "seen_at", millis(before), batch)
}
