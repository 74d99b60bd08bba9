package store

import (
	"context"
	"database/sql"
	"time"
)

// AccessLife is how long access tokens live that some server gives out or gave out.
type AccessLife struct {
	TTL       time.Duration // whole milliseconds
	UsedUntil time.Time     // none is issued later, unless this is put off before
}

// LastExpiry is when the last token of that life has expired.
func (l AccessLife) LastExpiry() time.Time { return l.UsedUntil.Add(l.TTL) }

// A server whose clock is behind takes back no other's word.
const noteLife = `INSERT INTO access_lives (id, ttl, used_until) VALUES ($1, $2, $3) ON CONFLICT (id) DO UPDATE SET
	used_until = CASE WHEN excluded.used_until > access_lives.used_until THEN excluded.used_until ELSE access_lives.used_until END`

// NoteAccessLife notes that tokens of that life may be issued until then, and forgets the lives
// whose last token had expired at expired. To be called before the first token is issued.
func (db *DB) NoteAccessLife(ctx context.Context, l AccessLife, expired time.Time) error {
	return db.update(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, noteLife, l.TTL.String(), l.TTL.Milliseconds(), millis(l.UsedUntil)); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `DELETE FROM access_lives WHERE used_until + ttl <= $1`, millis(expired))
		return err
	})
}

// AccessLives returns those that are known, which are few, in no order that means anything.
func (db *DB) AccessLives(ctx context.Context) ([]AccessLife, error) {
	return list(ctx, db.watch, scanLife, `SELECT ttl, used_until FROM access_lives ORDER BY id`)
}

func scanLife(row scanner) (l AccessLife, err error) {
	var ms int64
	err = row.Scan(&ms, instant{&l.UsedUntil})
	l.TTL = time.Duration(ms) * time.Millisecond
	return l, err
}
