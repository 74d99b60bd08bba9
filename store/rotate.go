package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"time"
)

// Outcome says what RotateGrant decided.
type Outcome int

// The outcomes. Only Rotated and Reused change the authorization.
const (
	Unknown  Outcome = iota // no such authorization, or no longer
	Rotated                 // the generation after the presented one counts now
	Repeated                // a repeat of the last rotation inside the grace
	Reused                  // the token was used before: the authorization has been revoked
	Revoked                 // the authorization was revoked before
	Expired                 // the authorization has expired
	Foreign                 // it belongs to another client or user
)

var outcomes = [...]string{"unknown", "rotated", "repeated", "reused", "revoked", "expired", "foreign"}

// String returns the name in lower case.
func (o Outcome) String() string {
	if o < 0 || int(o) >= len(outcomes) {
		return "invalid"
	}
	return outcomes[o]
}

// Outcomes are the names of all.
func Outcomes() []string { return outcomes[:] }

// Rotation asks for the refresh of one authorization.
type Rotation struct {
	ID, ClientID, UserID string // what the presented token says
	Generation           int64  // of the presented token, which has not expired at Now
	Now                  time.Time
	IdleTTL              time.Duration // the new ExpiresAt is Now + IdleTTL, but not past MaxExpiresAt
	Grace                time.Duration // how long after a rotation a repeat is answered
	From                 string        // the address that it came from
	Until                time.Time     // when the last access token issued before Now expires; for a revocation after reuse

	// Meanwhile may be called once, in RotateGrant, with the Grant that it will return if it rotates: what is made of that, while
	// the disk is waited for, is good only if RotateGrant returns Rotated. Nil means that there is nothing to do.
	Meanwhile func(Grant)
}

// RotateResult is what became of it.
type RotateResult struct {
	Outcome Outcome
	Grant   Grant // as it is now; the zero Grant when Unknown
}

// The compare-and-set that a refresh is. A token ahead of the row means that the database was
// restored from an older copy: it is accepted, also when the row's idle life has passed meanwhile,
// since the token, which its reader found unexpired, was issued later. $6 is the generation after $5.
const rotateGrant = `UPDATE grants SET generation = $6, rotated_at = /*late*/ $4, used_from = $8,
		expires_at = CASE WHEN $7 < max_expires_at THEN $7 ELSE max_expires_at END
	WHERE id = $1 AND client_id = $2 AND user_id = $3
	AND generation <= $5 AND revoked_at IS NULL
	AND (expires_at > $4 OR generation < $5 AND max_expires_at > $4)
	RETURNING scope, auth_time, created_at, rotated_at, expires_at, max_expires_at, session_id, audience, claims`

func (in Rotation) args() []any {
	return []any{in.ID, in.ClientID, in.UserID, millis(in.Now), in.Generation, in.Generation + 1, millis(in.Now.Add(in.IdleTTL)), in.From}
}

// scan reads what rotateGrant returns: the columns that in does not tell. Each costs allocations.
func (in Rotation) scan(row scanner) (g Grant, err error) {
	err = row.Scan(g.rotated()...)
	return in.apply(g), err
}

// rotated are where the columns go that rotateGrant returns.
func (g *Grant) rotated() []any {
	return []any{(*names)(&g.Scope), instant{&g.AuthTime}, instant{&g.CreatedAt},
		instant{&g.RotatedAt}, instant{&g.ExpiresAt}, instant{&g.MaxExpiresAt},
		&g.SessionID, (*names)(&g.Audience), &g.Claims}
}

// apply adds to a rotated authorization what in tells.
func (in Rotation) apply(g Grant) Grant {
	g.ID, g.ClientID, g.UserID, g.Generation, g.UsedFrom = in.ID, in.ClientID, in.UserID, in.Generation+1, in.From
	return g
}

// RotateGrant spends one refresh token: of all callers who present the same one, one rotates. The
// error is nil for every outcome. A caller whose context ends meanwhile does not learn whether it
// rotated, and may ask again within the grace.
func (db *DB) RotateGrant(ctx context.Context, in Rotation) (RotateResult, error) {
	if in.Generation == math.MaxInt64 {
		return db.refuseRotation(ctx, in) // no generation is left
	}
	g, err := db.rotateInGroup(ctx, in)
	if errors.Is(err, ErrNotFound) {
		return db.refuseRotation(ctx, in)
	}
	if err != nil {
		return RotateResult{}, err
	}
	return RotateResult{Outcome: Rotated, Grant: g}, nil
}

// rotateOne rotates in a commit of its own. It returns when the row, if there is one to be rotated,
// is on the disk.
func (db *DB) rotateOne(ctx context.Context, in Rotation) (g Grant, err error) {
	// When the answer is lost with the connection, asking again is what the client would do: if
	// the row was rotated, it gets what a repeat gets. Without a grace that is a punishment.
	err = db.dialect.attempt(ctx, func() bool { return in.Grace > 0 }, func() error {
		g, err = scanOne(ctx, db.write, in.scan, rotateGrant, in.args())
		return err
	})
	return g, err
}

// refuseRotation finds out why no row was rotated. A look at the row will do, and need not wait
// for those who write: it sees at least what the compare-and-set saw, and what it finds cannot go
// back to a state that could be rotated. Generations only grow, revocations and expiries only come.
func (db *DB) refuseRotation(ctx context.Context, in Rotation) (RotateResult, error) {
	g, err := db.Grant(ctx, in.ID)
	if errors.Is(err, ErrNotFound) {
		return RotateResult{}, nil
	}
	if err != nil {
		return RotateResult{}, err
	}
	outcome := g.Foresee(in)
	if outcome == Reused && in.Generation == g.Generation-1 && g.RotatedAt.After(in.Now) {
		// It was dated by another clock. Before somebody is punished, the one that all share decides.
		now, err := db.Clock(ctx)
		if err != nil {
			return RotateResult{}, err
		}
		if !now.IsZero() && inGrace(g.RotatedAt, now, in.Grace) {
			outcome = Repeated
		}
	}
	switch outcome {
	case Rotated: // fail closed, should the two ever disagree: nothing was rotated
		return RotateResult{}, fmt.Errorf("grant %s could be rotated, and was not", in.ID)
	case Reused:
		return db.punishReuse(ctx, in)
	default:
		return RotateResult{Outcome: outcome, Grant: g}, nil
	}
}

// punishReuse revokes the authorization whose token was used before. A token that is behind stays
// behind, so only one thing can have come between: the end of the authorization.
func (db *DB) punishReuse(ctx context.Context, in Rotation) (RotateResult, error) {
	res := RotateResult{Outcome: Reused}
	err := db.updateDated(ctx, func(tx *sql.Tx) error {
		revoked, err := revokeGrant(ctx, tx, in.ID, in.Now, in.Until)
		if err != nil {
			return err
		}
		if !revoked {
			return ErrNotFound
		}
		res.Grant, err = scanGrant(tx.QueryRowContext(ctx, selectGrant, in.ID))
		return err
	})
	if errors.Is(err, ErrNotFound) {
		return db.refuseRotation(ctx, in) // Revoked now, or Unknown
	}
	if err != nil {
		return RotateResult{}, err
	}
	return res, nil
}

// clockSkew is how far ahead the clock of the server may have been that rotated before.
const clockSkew = time.Minute

// Foresee tells what RotateGrant would make of the authorization as it is: for those who ask
// about a token without spending it. The order matters: a stranger learns and changes nothing, and
// a dead authorization is not killed again.
func (g Grant) Foresee(in Rotation) Outcome {
	now := millis(in.Now)
	ahead := in.Generation > g.Generation
	switch {
	case g.ClientID != in.ClientID || g.UserID != in.UserID:
		return Foreign
	case !g.RevokedAt.IsZero():
		return Revoked
	case in.Generation == math.MaxInt64 && in.Generation >= g.Generation: // no generation is left
		return Expired
	case millis(g.ExpiresAt) <= now && !(ahead && millis(g.MaxExpiresAt) > now):
		return Expired
	case in.Generation >= g.Generation:
		return Rotated
	case in.Generation == g.Generation-1 && inGrace(g.RotatedAt, in.Now, in.Grace):
		return Repeated
	}
	return Reused
}

// inGrace tells whether a repeat at now of the rotation at rotatedAt is answered. A grace of zero
// answers none.
func inGrace(rotatedAt, now time.Time, grace time.Duration) bool {
	since := now.Sub(rotatedAt)
	return grace > 0 && since <= grace && since >= -clockSkew
}
