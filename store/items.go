package store

import (
	"context"
	"database/sql"
	"time"
)

// Item is a thing that a user owns.
type Item struct {
	ID        string // unique among the user's items
	CreatedAt time.Time
}

// AddItem gives the user an item. It returns a *TakenError if the user has one of that id, and
// ErrNotFound if there is no such user.
func (db *DB) AddItem(ctx context.Context, userID string, it Item) error {
	return db.update(ctx, func(tx *sql.Tx) error {
		if err := db.hold(ctx, tx, "users", userID); err != nil {
			return err
		}
		n, err := affected(tx.ExecContext(ctx, `INSERT INTO items (user_id, id, created_at)
			VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, userID, it.ID, millis(it.CreatedAt)))
		return notTaken("item_id", n, err)
	})
}

// Items returns the user's items by id, beginning behind the id after. A limit of zero means all.
func (db *DB) Items(ctx context.Context, userID, after string, limit int) ([]Item, error) {
	return list(ctx, db.read, scanItem,
		`SELECT id, created_at FROM items WHERE user_id = $1 AND id > $2 ORDER BY id LIMIT $3`,
		userID, after, atMost(limit))
}

func scanItem(row scanner) (it Item, err error) {
	err = row.Scan(&it.ID, instant{&it.CreatedAt})
	return it, err
}
