package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"
)

// Bucket is an allowance that fills up again: Burst at once, and one more after each Every. What is
// kept of it is one time, when all will be back (GCRA, the generic cell rate algorithm).
type Bucket struct {
	Key   string
	Burst int           // 1 or more
	Every time.Duration // a millisecond or more
}

// Empty is a bucket that had nothing left.
type Empty struct {
	Key   string
	Until time.Time // when there will be something again
}

// clockTrouble is how far the clocks of servers may be apart that count together. A bucket that is
// empty for longer than that and its own time was counted by a clock that was wrong.
const clockTrouble = time.Hour

// The condition is that of GCRA, and what is far in the future counts as never taken.
const take = `INSERT INTO limits (key, tat) VALUES ($1, $2)
	ON CONFLICT (key) DO UPDATE SET tat = CASE WHEN limits.tat > $3 AND limits.tat <= $4 THEN limits.tat + $5 ELSE excluded.tat END
	WHERE limits.tat <= $6 OR limits.tat > $4`

// errEmpty takes a transaction back.
var errEmpty = errors.New("a bucket is empty")

// Take takes one from each of the buckets, or from none: then it returns one that is empty. Else
// Empty has no Key.
func (db *DB) Take(ctx context.Context, now time.Time, buckets ...Bucket) (empty Empty, err error) {
	buckets = inOrder(buckets)
	err = db.update(ctx, func(tx *sql.Tx) error {
		empty = Empty{}
		for _, b := range buckets {
			every := max(b.Every.Milliseconds(), 1)
			last := millis(now) + every*int64(max(b.Burst, 1)-1) // when all is back while there is still one
			n, err := affected(tx.ExecContext(ctx, take, b.Key, millis(now)+every, millis(now),
				last+every+clockTrouble.Milliseconds(), every, last))
			if err != nil {
				return err
			}
			if n == 0 {
				return empty.find(ctx, tx, b.Key, now, last)
			}
		}
		return nil
	})
	if errors.Is(err, errEmpty) {
		err = nil
	}
	return empty, err
}

// inOrder: two that take from the same buckets never wait for each other.
func inOrder(buckets []Bucket) []Bucket {
	return slices.SortedFunc(slices.Values(buckets), func(a, b Bucket) int { return cmp.Compare(a.Key, b.Key) })
}

// find notes when an empty bucket has something again. Its error takes back what was taken from others.
func (e *Empty) find(ctx context.Context, tx *sql.Tx, key string, now time.Time, last int64) error {
	var tat int64
	if err := tx.QueryRowContext(ctx, `SELECT tat FROM limits WHERE key = $1`, key).Scan(&tat); err != nil {
		return err
	}
	*e = Empty{Key: key, Until: now.Add(time.Duration(tat-last) * time.Millisecond)}
	return errEmpty
}

// GiveBack puts back what was taken from the buckets, and fills those whose keys are in full to the brim.
func (db *DB) GiveBack(ctx context.Context, buckets []Bucket, full ...string) error {
	buckets = inOrder(buckets)
	slices.Sort(full)
	return db.update(ctx, func(tx *sql.Tx) error {
		for _, b := range buckets {
			if _, err := tx.ExecContext(ctx, `UPDATE limits SET tat = tat - $2 WHERE key = $1`, b.Key, max(b.Every.Milliseconds(), 1)); err != nil {
				return err
			}
		}
		for _, key := range full {
			if _, err := tx.ExecContext(ctx, `DELETE FROM limits WHERE key = $1`, key); err != nil {
				return err
			}
		}
		return nil
	})
}

// FillBuckets fills the bucket called key, and all whose keys begin with it and a space. It returns
// how many were not full.
func (db *DB) FillBuckets(ctx context.Context, key string) (filled int, err error) {
	return db.write.exec(ctx, `DELETE FROM limits WHERE key = $1 OR key > $2 AND key < $3`, key, key+" ", key+"!") // '!' follows ' '
}

// sweepLimits deletes the buckets that are full.
func (db *DB) sweepLimits(ctx context.Context, now time.Time, batch int) (deleted int, err error) {
	return db.sweepOld(ctx, "limits", "key", "tat", millis(now), batch)
}
