package main

import (
	"math/rand/v2"
	"sync"
	"time"

	"github.com/grantd/grantd/server"
	"github.com/grantd/grantd/store"
)

// persist calls try until it succeeds. Whatever the fault, it has to end that.
func (rs *replicas) persist(what string, try func() bool) bool {
	pause := 50 * time.Millisecond
	for deadline := time.Now().Add(patience); !try(); time.Sleep(pause) {
		if time.Now().After(deadline) {
			rs.t.Errorf("it never came to pass: %s", what)
			return false
		}
		pause = min(2*pause, 500*time.Millisecond)
	}
	return true
}

// think is the time between two requests of a client.
func think() { time.Sleep(time.Duration(20+rand.IntN(40)) * time.Millisecond) }

// begin gives a new user's authorization.
func (rs *replicas) begin() (h held, user store.User) {
	rs.persist("an authorization begins", func() (ok bool) {
		var err error
		if user, err = rs.newUser("none"); err == nil {
			h, err = rs.authorize(user)
		}
		return err == nil
	})
	return h, user
}

// goOn refreshes, and repeats with the same token until there is an answer.
func (rs *replicas) goOn(h *held) (ok bool) {
	rs.persist("an answer to a refresh", func() bool {
		given, e := rs.refresh(*h, anywhere, false)
		if ok = e.status == 200; ok {
			*h = given
		}
		return !e.unknown()
	})
	return ok
}

// advance goes on so many times.
func (rs *replicas) advance(h *held, times int) bool {
	for range times {
		if !rs.goOn(h) {
			return false
		}
	}
	return true
}

// chain is how many generations a client goes through before it logs in again.
const chain = 400

// single is an app that refreshes again and again and uses what it is given.
func (rs *replicas) single() {
	for first := true; first || !rs.stopped(); first = false {
		h, _ := rs.begin()
		for i := 0; i < chain && !rs.stopped(); i++ {
			if !rs.goOn(&h) {
				return // signed out; the history tells
			}
			if i%2 == 0 {
				rs.use(h, anywhere)
			}
			think()
		}
		rs.goOn(&h)
	}
}

// hashed is the hash of the password, made once.
var hashed = sync.OnceValues(func() (string, error) { return server.HashPassword(password, 10) })

// withPassword is single for somebody who logs in with a password.
func (rs *replicas) withPassword() {
	var user store.User
	rs.persist("a user is added", func() bool {
		hash, err := hashed()
		if err == nil {
			user, err = rs.newUser(hash)
		}
		return err == nil
	})
	var h held
	if !rs.persist("an answer to a login", func() bool {
		var e event
		h, e = rs.login(user.Username)
		return e.status == 200
	}) {
		return
	}
	for !rs.stopped() && rs.goOn(&h) {
		think()
	}
	rs.goOn(&h)
}

// tabs is an app with two tabs that refresh one token at the same instant. Each
// waits for the other before it goes on.
func (rs *replicas) tabs() {
	h, _ := rs.begin()
	for i := 0; i < chain && !rs.stopped(); i++ {
		var both sync.WaitGroup
		given := [2]held{h, h}
		ok := [2]bool{}
		for tab := range given {
			both.Go(func() { ok[tab] = rs.goOn(&given[tab]) })
		}
		both.Wait()
		if !ok[0] || !ok[1] {
			return
		}
		h = given[0]
		think()
	}
	rs.goOn(&h)
}

// leaver is an app whose user logs out, again and again.
func (rs *replicas) leaver() {
	for first := true; first || !rs.stopped(); first = false {
		h, _ := rs.begin()
		if !rs.advance(&h, 2) {
			return
		}
		rs.persist("a revocation is acknowledged", func() bool { return rs.revoke(h, anywhere).status == 200 })
		rs.proveEnded(h)
	}
}

// thief presents a token of two generations ago.
func (rs *replicas) thief() {
	for first := true; first || !rs.stopped(); first = false {
		h, _ := rs.begin()
		old := h
		if !rs.advance(&h, 2) {
			return
		}
		rs.persist("an answer to a thief", func() bool {
			_, e := rs.refresh(old, anywhere, true)
			return !e.unknown()
		})
		rs.proveEnded(h)
	}
}

// operator disables users who have two authorizations each.
func (rs *replicas) operator() {
	for first := true; first || !rs.stopped(); first = false {
		one, user := rs.begin()
		var other held
		rs.persist("a second authorization", func() (ok bool) {
			var err error
			other, err = rs.authorize(user)
			return err == nil
		})
		if !rs.goOn(&one) || !rs.goOn(&other) {
			return
		}
		rs.persist("the user is disabled", func() bool { return rs.disable(user, one, other) })
		rs.proveEnded(one, other)
	}
}

// disable disables the user whose authorizations these are.
func (rs *replicas) disable(user store.User, ends ...held) bool {
	start := rs.history.now()
	_, err := rs.db.DisableUser(rs.t.Context(), user.ID, time.Now(), until(time.Now()))
	for _, h := range ends {
		e := event{kind: revoked, grant: h.grant, replica: anywhere, start: start, end: rs.history.now(), status: 200}
		if err != nil {
			e.status, e.said = 0, err.Error()
		}
		rs.history.add(e)
	}
	return err == nil
}

// proveEnded asks every replica, at once and when the revocation must be known
// everywhere, about tokens that nobody may honour. The history tells whether they did.
func (rs *replicas) proveEnded(ended ...held) {
	for _, h := range ended {
		rs.refresh(h, anywhere, false)
	}
	time.Sleep(effective + time.Millisecond)
	for _, h := range ended {
		for at := range rs.list {
			rs.refresh(h, at, false)
			rs.use(h, at)
		}
	}
}
