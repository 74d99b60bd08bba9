package server

import (
	"slices"
	"time"
)

// hashTurn says for whom a password is hashed.
type hashTurn struct {
	known   bool   // the user has logged in there before
	client  string // the OAuth client; of pages none
	address string // as limits count it; at a known place the user
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
// each, clients take turns, and addresses (users, at known places) among those of a client: the one whose last turn is longest
// ago is next. So who asks a thousand times waits a thousand turns, and nobody else does. It is not locked.
type hashQueue struct {
	waiting []*hashWaiter // in the order in which they came
	turn    int
	last    *recent[hashTurn, int] // the turn that a client, or an address of one, had last

	clients, addresses map[bool]*tally // how many wait of each, at known places and elsewhere
}

func newHashQueue() hashQueue {
	return hashQueue{
		last:      newRecent[hashTurn, int](mostTurns),
		clients:   map[bool]*tally{true: newTally(), false: newTally()},
		addresses: map[bool]*tally{true: newTally(), false: newTally()},
	}
}

// tally counts members of groups, and knows at any time how many the largest has: a storm asks that
// thousands of times a second.
type tally struct {
	of    map[hashTurn]int
	sizes []int // how many groups have that many
	most  int
	all   int // members of any group
}

func newTally() *tally { return &tally{of: map[hashTurn]int{}, sizes: make([]int, 1)} }

func (t *tally) add(group hashTurn, n int) {
	t.all += n
	size := t.of[group]
	t.sizes[size]--
	if size += n; size == 0 {
		delete(t.of, group)
	} else {
		t.of[group] = size
	}
	if size == len(t.sizes) {
		t.sizes = append(t.sizes, 0)
	}
	t.sizes[size]++
	for t.most = max(t.most, size); t.most > 0 && t.sizes[t.most] == 0; t.most-- {
	}
}

// largest is the largest of the groups that are meant, and how many it has.
func (t *tally) largest(meant func(hashTurn) bool) (largest hashTurn, n int) {
	for group, size := range t.of {
		if size > n && meant(group) {
			largest, n = group, size
		}
	}
	return largest, n
}

// allOf is the group of all addresses of a client.
func (t hashTurn) allOf() hashTurn { t.address = ""; return t }

func (q *hashQueue) add(w *hashWaiter) {
	q.waiting = append(q.waiting, w)
	q.count(w, +1)
}

func (q *hashQueue) count(w *hashWaiter, n int) {
	q.clients[w.known].add(w.allOf(), n)
	q.addresses[w.known].add(w.hashTurn, n)
}

// remove takes w out, if it is there.
func (q *hashQueue) remove(w *hashWaiter) bool {
	i := slices.Index(q.waiting, w)
	if i < 0 {
		return false
	}
	q.waiting = slices.Delete(q.waiting, i, i+1)
	q.count(w, -1)
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
// larger than the one of who becomes. Known places displace strangers. A share of the queue, as large as that of the turns, is for
// strangers: from a user who has several waiting they take it back.
func (q *hashQueue) toDisplace(who hashTurn) *hashWaiter {
	share, strangers := len(q.waiting)/knownTurns, q.clients[false]
	switch {
	case who.known && strangers.all > share:
		client, _ := strangers.largest(func(hashTurn) bool { return true })
		return q.lastOf(q.largestAddress(client))
	case !who.known && strangers.all < share && q.addresses[true].most > 1:
		user, _ := q.addresses[true].largest(func(hashTurn) bool { return true })
		return q.lastOf(user)
	}
	clients, addresses := q.clients[who.known], q.addresses[who.known]
	if clients.of[who.allOf()]+1 < clients.most {
		client, _ := clients.largest(func(hashTurn) bool { return true })
		return q.lastOf(q.largestAddress(client))
	}
	if n := addresses.of[who] + 1; n < addresses.most {
		if address := q.largestAddress(who.allOf()); n < addresses.of[address] {
			return q.lastOf(address)
		}
	}
	return nil
}

// largestAddress is the address of a client of which most wait.
func (q *hashQueue) largestAddress(client hashTurn) hashTurn {
	address, _ := q.addresses[client.known].largest(func(t hashTurn) bool { return t.allOf() == client })
	return address
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
