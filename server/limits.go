package server

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/grantd/grantd/server/reason"
	"github.com/grantd/grantd/store"
)

// Limits are the rates at which passwords may be guessed, users sign up and clients ask. The zero
// Limits are none.
type Limits struct {
	Account    Rate // wrong passwords for an account, from where its user has not logged in
	KnownPlace Rate // wrong passwords for an account from a place where its user has
	Address    Rate // wrong passwords from an address
	Signup     Rate // sign-ups from an address
	Client     Rate // requests of a client to one server
}

// Where nothing is looked up for a guess because too many come, whoever may be somebody's known place
// is looked up still, as often as this for each place.
var lookups = Rate{Burst: 100, Per: 5 * time.Second}

// What is kept in memory of the limits.
const (
	mostEmpty    = 1 << 16          // buckets
	mostRecalled = 1 << 18          // places that a server reads at once from the database
	emptyAccount = 5 * time.Second  // an operator may fill an account's bucket meanwhile
	emptyAddress = 60 * time.Second // nobody fills those of an address
)

// guard bounds how often passwords are guessed. What counts is in the database, which is asked for
// nothing but guesses whose hash has its turn. What it said is remembered for a while, so that a storm
// of guesses asks nobody.
type guard struct {
	limits  Limits
	lookups *rates[string]

	mu    sync.Mutex
	empty *recent[string, emptyBucket]
	seen  seen // addresses where somebody logged in

	recalled time.Time // up to when it is known what others noted
}

// limit sets up all that counts.
func (s *Server) limit(limits Limits) {
	s.guard = newGuard(limits)
	s.signups = &signups{s.DB, s.guard, s.hashes, s.Now}
	s.requests = newRates[requester](limits.Client)
	s.revokes = newRevokeLimits()
}

// requester is a client, and of a public one, which anybody can be, an address.
type requester struct{ client, address string }

// limitClient refuses a client that asks too often.
func (s *Server) limitClient(r *http.Request, c *store.Client) error {
	who := requester{client: c.ID}
	if public(c) {
		who.address = placeOf(s.clientAddress(r))
	}
	if wait := s.requests.take(who, s.Now()); wait > 0 {
		return tooMany(reason.ClientLimit, "too many requests of this client; send fewer at a time", wait)
	}
	return nil
}

// emptyBucket is a bucket that was empty, and how long to believe that it still is.
type emptyBucket struct {
	store.Empty
	believed time.Time
}

func newGuard(limits Limits) *guard {
	return &guard{
		limits: limits, lookups: newRates[string](lookups),
		empty: newRecent[string, emptyBucket](mostEmpty), seen: newSeen(),
	}
}

// isEmpty is the refusal of whoever takes from a bucket that was empty a moment ago.
func (g *guard) isEmpty(key string, now time.Time) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if b, ok := g.empty.get(key); ok && now.Before(b.Until) && now.Before(b.believed) {
		return tooManyAttempts(b.Empty, now)
	}
	return nil
}

// noteEmpty remembers under key that a bucket is empty.
func (g *guard) noteEmpty(key string, empty store.Empty, believed time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.empty.put(key, emptyBucket{empty, believed})
}

// isSeen is whether somebody has logged in from an address.
func (g *guard) isSeen(address string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.seen.has(address)
}

// isShared is whether several users have logged in from an address.
func (g *guard) isShared(address string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.seen.shared(address)
}

func (g *guard) noteSeen(address, userID string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.seen.note(address, userID)
}

// tooManyAttempts is the one answer for whoever is limited, whether or not the account exists. Which
// bucket it was is for our log.
func tooManyAttempts(empty store.Empty, now time.Time) *Error {
	wait := empty.Until.Sub(now)
	return tooMany(whichLimit(empty.Key), "too many attempts; try again in "+inWords(wait), wait).because(usedUp{empty})
}

// usedUp is, for the operator, the limit that somebody ran into.
type usedUp struct{ store.Empty }

func (u usedUp) Error() string {
	return fmt.Sprintf("the limit of %s is used up until %s", u.Key, u.Until.UTC().Format(time.RFC3339))
}

// userID is whose limit it is. Empty: that of an address, or of a name that nobody has.
func (u usedUp) userID() string {
	kind, of, _ := strings.Cut(u.Key, " ")
	id, _, _ := strings.Cut(of, " ")
	if kind != accountKind || strings.HasPrefix(id, unknownName) {
		return ""
	}
	return id
}

// whichLimit is the reason of who finds a bucket empty.
func whichLimit(key string) reason.Word {
	kind, of, _ := strings.Cut(key, " ")
	switch {
	case kind == "signup":
		return reason.SignupLimit
	case kind == "address":
		return reason.AddressLimit
	case strings.Contains(strings.TrimSuffix(of, byEmail), " "):
		return reason.PlaceLimit
	}
	return reason.AccountLimit
}

// LimitKey is the key of an account's limit, and the beginning of those of its email and its known places, as
// store.DB.FillBuckets takes it.
func LimitKey(userID string) string { return accountKind + " " + userID }

const (
	accountKind = "account" // begins the keys of accounts' limits
	unknownName = "?"       // begins what stands there in place of a user's id if there is none of the name
)
