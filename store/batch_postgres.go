package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// errOwnWay sends a caller back from a group: it is to ask by itself.
var errOwnWay = errors.New("no group for this one")

// rotateGrants is rotateGrant for several at once, of which no two are the same. It waits for no row
// that somebody else has locked, so that nobody waits for what concerns another, and two of them
// never wait for each other: it leaves such a row out.
var rotateGrants = `WITH free AS MATERIALIZED (SELECT id FROM grants WHERE id = ANY($1::text[]) FOR NO KEY UPDATE SKIP LOCKED) ` +
	strings.NewReplacer(
		"\n\tWHERE ", `
	FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::text[])
		AS asked (a1, a2, a3, a4, a5, a6, a7, a8)
	WHERE id IN (SELECT id FROM free) AND `,
		"RETURNING ", "RETURNING id, ",
		"$1", "a1", "$2", "a2", "$3", "a3", "$4", "a4", "$5", "a5", "$6", "a6", "$7", "a7", "$8", "a8",
	).Replace(rotateGrant)

// groupTime bounds what a group may take: the network to the database may be gone.
const groupTime = 10 * time.Second

// rotateTogether rotates the next group in one statement. Whoever it does not rotate goes its own
// way: to where it may wait, be refused, or ask again.
func rotateTogether(db *DB) {
	turns := db.rotations.take()
	err := db.rotateAtOnce(turns)
	for _, t := range turns {
		switch {
		case err == nil:
			finish(nil, t)
		case t.in.Grace > 0 || undoneAtOnce(err, db.dialect):
			finish(errOwnWay, t)
		default: // it may have been rotated, and is punished for asking again: see rotateOne
			finish(err, t)
		}
	}
}

// undoneAtOnce tells that err is PostgreSQL's refusal of a statement: nobody was rotated.
func undoneAtOnce(err error, d *dialect) bool {
	return errors.As(err, new(*pgconn.PgError)) && !d.lost(err)
}

func (db *DB) rotateAtOnce(turns []*turn) (err error) {
	defer catch(&err)
	switch len(turns) {
	case 0:
		return nil
	case 1:
		t := turns[0]
		t.grant, t.err = db.rotateOne(t.ctx, t.in)
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), groupTime) // theirs are looked at by take
	defer cancel()
	asked, args := listed(turns)
	rows, err := db.write.query(ctx, rotateGrants, args)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		scanAsked(rows, asked)
	}
	return cmp.Or(rows.Err(), rows.Close())
}

// listed are the arguments of rotateGrants, and those that they are for by id: of several with one
// id the first.
func listed(turns []*turn) (asked map[string]*turn, args []any) {
	asked = make(map[string]*turn, len(turns))
	var ids, clients, users, from []string
	var now, presented, next, expires []int64
	for _, t := range turns {
		t.err = errOwnWay // until a row says otherwise
		in := t.in
		if asked[in.ID] != nil {
			continue
		}
		asked[in.ID] = t
		ids, clients, users, from = append(ids, in.ID), append(clients, in.ClientID), append(users, in.UserID), append(from, in.From)
		now, expires = append(now, millis(in.Now)), append(expires, millis(in.Now.Add(in.IdleTTL)))
		presented, next = append(presented, in.Generation), append(next, in.Generation+1)
	}
	return asked, []any{ids, clients, users, now, presented, next, expires, from}
}

// scanAsked reads a row of rotateGrants. What is wrong with it concerns nobody else.
func scanAsked(rows *sql.Rows, asked map[string]*turn) {
	var id string
	var g Grant
	err := rows.Scan(append([]any{&id}, g.rotated()...)...)
	if t := asked[id]; t != nil {
		t.grant, t.err = t.in.apply(g), err
	}
}
