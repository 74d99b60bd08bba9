package store

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// VerifiedChain is what [DB.VerifyEvents] found in one chain.
type VerifiedChain struct {
	Chain    string
	Events   int       // that were looked at, up to the first that does not fit
	FirstSeq int64     // of the first event that is kept
	Since    time.Time // of the same
	Head     Head      // of the last event that fits
	Sealed   int       // how many of the events a server with the key wrote
	Unsealed int       // how many nothing but the hashes holds, because no server has written since; without a key: all
	Fault    string    // the first thing that does not fit, in words; empty: all fits
	FaultSeq int64     // the event at which it showed
}

// VerifyEvents reads all events and looks whether each follows the one before, whether the seals are those of the key, and whether known
// is still what it was: heads that were noted outside of the database. Without a key no seal is looked at. A chain that does
// not fit is no error: see Fault.
//
// What it cannot see is an end that was cut off, unless known has a head behind the cut, and events that somebody without the key added at
// the end in the name of a command: see [Operator].
func (db *DB) VerifyEvents(ctx context.Context, key []byte, known []Head) (all []VerifiedChain, err error) {
	for _, name := range chains {
		v := verifier{db: db, key: key, known: map[int64][]Head{}, found: VerifiedChain{Chain: name}}
		for _, head := range known {
			if head.Chain == name {
				v.known[head.Seq] = append(v.known[head.Seq], head)
			}
		}
		if err := v.run(ctx); err != nil {
			return nil, err
		}
		all = append(all, v.found)
	}
	return all, nil
}

// verifyBatch is how many events are in memory at a time.
const verifyBatch = 1000

// verifier goes through one chain.
type verifier struct {
	db    *DB
	key   []byte
	known map[int64][]Head
	found VerifiedChain

	chain   chainRow // as it was at the start
	loose   int64    // the first event that no seal has covered yet; 0: none
	foreign int64    // the first of those that is no command's; 0: none
	held    int      // how many are loose
}

func (v *verifier) fault(seq int64, format string, args ...any) {
	if v.found.Fault == "" {
		v.found.Fault, v.found.FaultSeq = fmt.Sprintf(format, args...), seq
	}
}

func (v *verifier) broken() bool { return v.found.Fault != "" }

func (v *verifier) run(ctx context.Context) error {
	if err := v.begin(ctx); err != nil || v.broken() {
		return err
	}
	for !v.broken() && v.found.Head.Seq < v.chain.Seq {
		rows, err := list(ctx, v.db.read, scanEvent, `SELECT `+eventColumns+` FROM audit_events WHERE chain = $1 AND seq > $2 AND seq <= $3 ORDER BY seq LIMIT $4`,
			v.found.Chain, v.found.Head.Seq, v.chain.Seq, verifyBatch)
		if err != nil {
			return err
		}
		again, err := v.prunedMeanwhile(ctx, rows)
		if err != nil {
			return err
		}
		if again {
			continue
		}
		if len(rows) == 0 {
			v.fault(v.found.Head.Seq+1, "event %d is missing, and all behind it up to %d", v.found.Head.Seq+1, v.chain.Seq)
		}
		for i := range rows {
			v.row(&rows[i])
		}
	}
	v.end()
	return nil
}

// begin looks at both ends: rows before the front or behind the end belong to no chain.
func (v *verifier) begin(ctx context.Context) (err error) {
	if v.chain, err = v.db.chain(ctx, v.found.Chain); err != nil {
		return err
	}
	c := v.chain
	v.found.FirstSeq, v.found.Head = c.firstSeq, Head{c.Chain, c.firstSeq - 1, c.firstHash}
	stray, err := one(ctx, v.db.read, scanInt, strayEvent, c.Chain)
	switch {
	case err != nil:
		return err
	case stray != 0:
		v.fault(stray, "event %d lies outside of the chain, which has those from %d to %d: it was put in, or the record of the chain's ends was changed", stray, c.firstSeq, c.Seq)
	case !v.frontFits():
		v.fault(c.firstSeq, "the chain begins at event %d, and no server has pruned it up to there: its front was taken out", c.firstSeq)
	}
	return nil
}

const strayEvent = `SELECT COALESCE(
	(SELECT seq FROM audit_events WHERE chain = $1 AND seq < COALESCE((SELECT first_seq FROM audit_chains WHERE chain = $1), 1) ORDER BY seq LIMIT 1),
	(SELECT seq FROM audit_events WHERE chain = $1 AND seq > COALESCE((SELECT seq FROM audit_chains WHERE chain = $1), 0) ORDER BY seq LIMIT 1), 0)`

// frontFits: only a server that prunes moves the front, and seals it.
func (v *verifier) frontFits() bool {
	c := v.chain
	if c.firstSeq == 1 {
		return same(c.firstHash, zeroHash[:])
	}
	return len(v.key) == 0 || same(c.firstSeal, c.sealOf(v.key))
}

// prunedMeanwhile goes on at the new front when the next rows went while others were read.
func (v *verifier) prunedMeanwhile(ctx context.Context, rows []eventRow) (bool, error) {
	next := v.found.Head.Seq + 1
	if len(rows) > 0 && rows[0].Seq == next {
		return false, nil
	}
	now, err := v.db.chain(ctx, v.found.Chain)
	if err != nil || now.firstSeq <= next || now.firstSeq == v.chain.firstSeq {
		return false, err
	}
	before := v.chain.Seq
	v.chain.firstSeq, v.chain.firstHash, v.chain.firstSeal = now.firstSeq, now.firstHash, now.firstSeal
	if !v.frontFits() {
		v.fault(now.firstSeq, "the chain begins at event %d, and no server has pruned it up to there: its front was taken out", now.firstSeq)
		return false, nil
	}
	v.chain.Seq = max(before, now.firstSeq-1)
	v.found = VerifiedChain{Chain: v.found.Chain, FirstSeq: now.firstSeq, Head: Head{now.Chain, now.firstSeq - 1, now.firstHash}}
	v.loose, v.foreign, v.held = 0, 0, 0
	return true, nil
}

// row looks at the next event.
func (v *verifier) row(r *eventRow) {
	next := v.found.Head.Seq + 1
	switch {
	case v.broken():
		return
	case r.Seq != next:
		v.fault(next, "event %d is missing: behind %d comes %d", next, next-1, r.Seq)
		return
	case !same(r.hash, r.after(v.found.Head.Hash)):
		v.fault(next, "event %d (%s, %s) does not fit: it, or the one before, was changed or put in", next, r.Type, r.At.Format(time.RFC3339))
		return
	}
	if v.found.Events == 0 {
		v.found.Since = r.At
	}
	v.found.Events++
	v.found.Head.Seq, v.found.Head.Hash = r.Seq, r.hash
	for _, head := range v.known[r.Seq] {
		if !same(head.Hash, r.hash) {
			v.fault(r.Seq, "event %d is not the one that was noted as the head %s: the chain was written anew from there or before", r.Seq, head)
		}
	}
	v.sealed(r)
}

// sealed keeps count of what seals cover. With a key, each event is to be a command's or in a batch that a server sealed.
func (v *verifier) sealed(r *eventRow) {
	v.held++
	if v.loose == 0 {
		v.loose = r.Seq
	}
	if v.foreign == 0 && !strings.HasPrefix(r.Actor, Operator) {
		v.foreign = r.Seq
	}
	if r.seal == nil || len(v.key) == 0 {
		return
	}
	switch {
	case !same(r.seal, r.sealOf(v.key)):
		v.fault(r.Seq, "the seal of event %d is not made with this server's key: the events before it were written by somebody else", r.Seq)
	case v.foreign != 0 && v.foreign < r.sealedFrom:
		v.fault(v.foreign, "event %d says that a server wrote it, and no server with the key did", v.foreign)
	default:
		v.found.Sealed += int(r.Seq - max(r.sealedFrom, v.loose) + 1)
		v.loose, v.foreign, v.held = 0, 0, 0
	}
}

// end looks at what is left once all rows were read.
func (v *verifier) end() {
	v.found.Unsealed = v.held
	if v.broken() {
		return
	}
	switch {
	case !same(v.found.Head.Hash, v.chain.Hash):
		v.fault(v.chain.Seq, "the record of the chain's end is not that of its last event, %d: one of the two was changed", v.chain.Seq)
	case v.foreign != 0 && len(v.key) > 0:
		v.fault(v.foreign, "event %d says that a server wrote it, and no server with the key did", v.foreign)
	}
	for seq, heads := range v.known {
		if seq > v.found.Head.Seq {
			v.fault(v.found.Head.Seq+1, "the head %s was noted, and the chain ends at event %d: its end was cut off", heads[0], v.found.Head.Seq)
		}
	}
}
