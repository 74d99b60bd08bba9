package server

import (
	"slices"
	"time"
)

// hashTurn says for whom a password is hashed.
type hashTurn struct {
	known   bool   // the user has logged in there before
	client  string // the OAuth client; of pages none
	address string // as limits count it
}

// hashWaiter is one who waits for a turn.
type hashWaiter struct {
	hashTurn
	deadline time.Time  // zero: none
	goes     chan error // nil: the turn has come; else it never will
}

// late is whether at that time the answer would come too late.
func (w *hashWaiter) late(at time.Time) bool { return !w.deadline.IsZero() && at.After(w.deadline) }

// knownTurns: of so many turns one is for strangers, while both wait.
const knownTurns = 4

// mostTurns is of how many clients and addresses it is kept when they last had a turn.
const mostTurns = 4096

// hashQueue holds those who wait. Known places go before strangers, in three of four turns. Among
// each, clients take turns, and addresses among those of a client: the one whose last turn is longest
// ago is next. So who asks a thousand times waits a thousand turns, and nobody else does. It is not locked.
type hashQueue struct {
	waiting []*hashWaiter // in the order in which they came
	turn    int
	last    *recent[hashTurn, int] // the turn that a client, or an address of one, had last
	counts  map[hashTurn]int       // how many wait of a client, or an address of one
}

func newHashQueue() hashQueue {
	return hashQueue{last: newRecent[hashTurn, int](mostTurns), counts: map[hashTurn]int{}}
}

// allOf is the group of all addresses of a client: no address is called so.
func (t hashTurn) allOf() hashTurn { t.address = "*"; return t }

func (q *hashQueue) add(w *hashWaiter) {
	q.waiting = append(q.waiting, w)
	q.counts[w.hashTurn]++
	q.counts[w.allOf()]++
}

// remove takes w out, if it is there.
func (q *hashQueue) remove(w *hashWaiter) bool {
	i := slices.Index(q.waiting, w)
	if i < 0 {
		return false
	}
	q.waiting = slices.Delete(q.waiting, i, i+1)
	for _, group := range [...]hashTurn{w.hashTurn, w.allOf()} {
		if q.counts[group]--; q.counts[group] == 0 {
			delete(q.counts, group)
		}
	}
	return true
}

// next takes out whose turn it is. Nil: nobody waits.
func (q *hashQueue) next() *hashWaiter {
	if len(q.waiting) == 0 {
		return nil
	}
	known := q.number(true)
	wantKnown := known > 0 && (q.turn%knownTurns != knownTurns-1 || known == len(q.waiting))
	q.turn++
	var best *hashWaiter
	var client, address int
	for _, w := range q.waiting {
		if w.known != wantKnown {
			continue
		}
		c, _ := q.last.get(w.allOf())
		a, _ := q.last.get(w.hashTurn)
		if best == nil || c < client || c == client && a < address {
			best, client, address = w, c, a
		}
	}
	q.remove(best)
	q.last.put(best.allOf(), q.turn)
	q.last.put(best.hashTurn, q.turn)
	return best
}

// number is how many wait at known places, or elsewhere.
func (q *hashQueue) number(known bool) (n int) {
	for _, w := range q.waiting {
		if w.known == known {
			n++
		}
	}
	return n
}

// ahead is how many go before somebody who comes now, at most.
func (q *hashQueue) ahead(known bool) int {
	if !known {
		return len(q.waiting)
	}
	return min(q.number(true)*knownTurns/(knownTurns-1), len(q.waiting))
}

// toDisplace is who makes room in a full queue for who: the last of the largest group, if that stays
// larger than the one of who becomes. Known places displace strangers, and never the other way round.
func (q *hashQueue) toDisplace(who hashTurn) *hashWaiter {
	if who.known && q.number(false) > 0 {
		return q.lastOf(q.largestAddress(q.largestClient(false)))
	}
	if client := q.largestClient(who.known); q.counts[who.allOf()]+1 < q.counts[client] {
		return q.lastOf(q.largestAddress(client))
	}
	if address := q.largestAddress(who.allOf()); q.counts[who]+1 < q.counts[address] {
		return q.lastOf(address)
	}
	return nil
}

// largestClient is the client, of known places or strangers, of which most wait.
func (q *hashQueue) largestClient(known bool) hashTurn {
	return q.largest(func(t hashTurn) bool { return t.known == known && t == t.allOf() })
}

// largestAddress is the address of a client of which most wait.
func (q *hashQueue) largestAddress(client hashTurn) hashTurn {
	return q.largest(func(t hashTurn) bool { return t != client && t.allOf() == client })
}

func (q *hashQueue) largest(of func(hashTurn) bool) (largest hashTurn) {
	for group, n := range q.counts {
		if of(group) && n > q.counts[largest] {
			largest = group
		}
	}
	return largest
}

// lastOf is who of a group came last.
func (q *hashQueue) lastOf(group hashTurn) *hashWaiter {
	for _, w := range slices.Backward(q.waiting) {
		if w.hashTurn == group {
			return w
		}
	}
	return nil
}
