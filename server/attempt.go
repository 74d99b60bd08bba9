package server

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/grantd/grantd/store"
)

// placeEvery is how often it is noted at most that a user still comes to a place.
const placeEvery = 24 * time.Hour

// attempt is a try at a password, and from where.
type attempt struct {
	login   string // as it was typed
	client  string // the OAuth client; of pages none
	address string // as limits count it
	browser browser

	name    string         // stands in for login in memory
	account string         // the key of its limit; that of a known place begins with it
	userID  string         // whose account it is; empty: nobody's
	known   string         // which of the places the user has logged in at; empty: none
	noted   []string       // the places that are to be noted if the password is right
	newly   bool           // one of them is new
	taken   []store.Bucket // what is given back if the password is right
}

// newAttempt is a try at a password from an address.
func (s *Server) newAttempt(login, client, address string, b browser) *attempt {
	return &attempt{
		login: login, client: client, address: placeOf(address), browser: b,
		name: s.working.Load().GuessMAC("login " + store.LoginKey(login)),
	}
}

// placeOf is an address as limits count it: of IPv6 the /64, of which one machine has all addresses.
func placeOf(address string) string {
	if a, err := netip.ParseAddr(address); err == nil && a.Is6() {
		if network, err := a.Prefix(64); err == nil {
			return network.String()
		}
	}
	return address
}

// turn is for whom the password is hashed. At a known place that is the user, wherever else they are known: a right password is
// not counted, and who sends theirs from many places is to wait like one.
func (a *attempt) turn() hashTurn {
	t := hashTurn{known: a.known != "", client: a.client, address: a.address}
	if t.known && a.userID != "" {
		t.address = "user " + a.userID
	}
	return t
}

// heldOff refuses, without asking anybody, a guess that would be refused by what is known already. Of a
// place that may be known to the account that is not known before it is looked up, which is done so
// often and no more.
func (s *Server) heldOff(try *attempt) error {
	now := s.Now()
	address, vouched := try.address, try.browser.vouched
	if vouched {
		if err := s.guard.isEmpty(try.name+" "+try.browser.place, now); err != nil {
			return err
		}
	}
	err := s.guard.isEmpty("address "+address, now)
	if err == nil {
		err = s.guard.isEmpty(try.name, now)
	}
	if err == nil {
		err = s.hashes.full(try.turn())
	}
	switch {
	case err == nil:
		return nil
	case vouched && s.guard.lookups.take(try.browser.place, now) == 0:
		return nil
	case !vouched && s.guard.isSeen(address) && s.guard.isEmpty(try.name+" "+address, now) == nil && s.guard.lookups.take(address, now) == 0:
		return nil
	}
	return err
}

// locate finds out whether the user has logged in there before. It looks the same up when there is no
// such user.
func (s *Server) locate(ctx context.Context, try *attempt, userID string) error {
	places, err := s.DB.KnownPlaces(ctx, userID, try.address, try.browser.place)
	if err != nil {
		return err
	}
	at, now := map[string]time.Time{}, s.Now()
	for _, p := range places {
		at[p.Name] = p.SeenAt
	}
	for _, place := range []string{try.address, try.browser.place} {
		seen, known := at[place]
		if known {
			try.known = place // the browser, if both are: nobody else's guesses count there
		}
		if place != "" && (!known || !within(now.Sub(seen), placeEvery)) {
			try.noted, try.newly = append(try.noted, place), try.newly || !known
		}
	}
	if userID == "" && try.name[0]&1 == 1 && s.guard.isShared(try.address) {
		// Of those who share the address some are known here. Some who do not exist seem to be, too, and always the same ones. Where one
		// user alone has logged in they do not: whoever has an account and an address would learn who does not exist.
		try.known = try.address
	}
	return nil
}

// count takes one from each bucket that the attempt counts in. Who guesses elsewhere uses up what
// strangers have, and nothing of what the user has at home (RFC 6749 §10.10).
func (s *Server) count(ctx context.Context, try *attempt) error {
	account, limits, now := try.account, s.Limits, s.Now()
	remember, rate := try.name, limits.Account
	if try.known != "" {
		account, remember, rate = account+" "+try.known, remember+" "+try.known, limits.KnownPlace
	}
	add := func(r Rate, key string) {
		if !r.none() {
			try.taken = append(try.taken, r.bucket(key))
		}
	}
	add(rate, account)
	if !strings.HasPrefix(try.known, browserPlace) && !strings.HasPrefix(try.known, sessionPlace) {
		add(limits.Address, "address "+try.address)
	}
	if len(try.taken) == 0 {
		return nil
	}
	empty, err := s.DB.Take(ctx, now, try.taken...)
	switch {
	case err != nil:
		return err
	case empty.Key == "":
		return nil
	case empty.Key == account:
		s.guard.noteEmpty(remember, empty, now.Add(emptyAccount))
	default:
		s.guard.noteEmpty(empty.Key, empty, now.Add(emptyAddress))
	}
	return tooManyAttempts(empty, now)
}

// byEmail ends the key of an account's limit for who names it by its email.
const byEmail = " email"

// accountOf is the key of the limit that a guess counts in. The two names of an account have one each: if guesses at one used up
// those at the other, they would tell that somebody has both.
func (a *attempt) accountOf(user *store.User) string {
	switch {
	case user.ID == "":
		return LimitKey(unknownName + a.name) // the same rows, and nothing that was typed
	case store.LoginKey(a.login) == store.LoginKey(user.Username):
		return LimitKey(user.ID)
	}
	return LimitKey(user.ID) + byEmail
}

// tryPassword compares a password with the user's hash, if there is something left to guess. A
// refusal for that takes as long as a hash.
func (s *Server) tryPassword(ctx context.Context, try *attempt, user *store.User, password string) (match bool, err error) {
	id := user.ID
	try.account, try.userID = try.accountOf(user), id
	match, err = s.checkPassword(ctx, user, password, try.turn(), func() error { return s.count(ctx, try) })
	return match, s.asLong(ctx, id, err)
}

// asLong holds back the refusal of who is limited, and notes it for the audit like that of a wrong password. Whose account
// it is tells the limit where the user was not looked up.
func (s *Server) asLong(ctx context.Context, userID string, err error) error {
	var e *Error
	if errors.As(err, &e) && e.Status == http.StatusTooManyRequests {
		var limit usedUp
		if errors.As(e.Cause, &limit) {
			userID = cmp.Or(userID, limit.userID())
		}
		recordOf(ctx).judged(userID)
		s.hashes.asLong(ctx)
	}
	return err
}

// proved gives back what the attempt took, since only wrong passwords count, and notes the place. At
// a known one those before are forgotten (NIST SP 800-63B §3.2.2).
func (s *Server) proved(ctx context.Context, try *attempt, user store.User) {
	var back []store.Bucket
	var full []string
	for _, b := range try.taken {
		if try.known != "" && b.Key == try.account+" "+try.known {
			full = append(full, b.Key)
		} else {
			back = append(back, b)
		}
	}
	if len(try.taken) > 0 {
		s.warn(ctx, "give back what a right password took", s.DB.GiveBack(ctx, back, full...))
	}
	s.notePlaces(ctx, user.ID, try.noted...)
	if try.newly {
		detail := store.Detail{"address": try.address}
		if try.browser.place != "" {
			detail["new_browser"] = strings.HasPrefix(try.noted[len(try.noted)-1], browserPlace)
		}
		s.audit(ctx, slog.LevelInfo, store.Event{Type: "login.new_place", Actor: byUser(user.ID), Subject: user.ID, ClientID: try.client, Detail: detail})
	}
	s.guard.noteSeen(try.address, user.ID)
}

// notePlaces lets places be known to a user from now on.
func (s *Server) notePlaces(ctx context.Context, userID string, places ...string) {
	for _, place := range places {
		if !strings.HasPrefix(place, browserPlace) {
			s.guard.noteSeen(place, userID)
		}
	}
	if len(places) > 0 {
		s.warn(ctx, "note where a user logged in", s.DB.NotePlaces(ctx, userID, s.Now(), places...))
	}
}

// recallOverlap is how far back servers look for what others noted: their clocks may differ, and a commit takes its time.
const recallOverlap = maxTime + leeway + 10*time.Second

// recallSeen reads where people have logged in since it was last asked, at other servers or before a restart.
func (s *Server) recallSeen(ctx context.Context) error {
	now := s.Now()
	places, err := s.DB.LatestPlaces(ctx, s.guard.recalled, mostRecalled)
	if err != nil {
		return err
	}
	for _, p := range places {
		if !strings.HasPrefix(p.Name, browserPlace) {
			s.guard.noteSeen(p.Name, p.UserID)
		}
	}
	s.guard.recalled = now.Add(-recallOverlap)
	return nil
}
