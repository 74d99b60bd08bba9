package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"
)

const (
	// guessers are the connections that guesses come on: the server holds each refusal back as long as a hash takes.
	guessers = 4096
	// guessAddresses are how many addresses the guesses say that they come from, by X-Forwarded-For.
	guessAddresses = 10_000
	// guessLead is how long they come before anything is measured: by then what is to be used up is.
	guessLead = 3 * time.Second
	// mostGuesses a second are sent.
	mostGuesses = 100_000
)

// Guesses are what became of passwords that were guessed beside an operation, in each second.
type Guesses struct {
	Sent    float64 `json:"sent"`    // answered in some way
	Wrong   float64 `json:"wrong"`   // looked at
	Limited float64 `json:"limited"` // 429
	Busy    float64 `json:"busy"`    // 503
}

// guessing counts them.
type guessing struct{ next, wrong, limited, busy, other atomic.Int64 }

// one sends the next guess. Half of all are at one account, the others at any.
func (g *guessing) one(s *scene, users int) exchange {
	var request []byte
	return func(c *conn) error {
		n := g.next.Add(1)
		user := s.user
		if n%2 == 0 {
			user = username + strconv.FormatInt(n/2%int64(users), 10)
		}
		form := "grant_type=password&client_id=" + s.app + "&username=" + user + "&password=a+wrong+one+" + strconv.FormatInt(n, 10)
		from := n % guessAddresses
		request = fmt.Appendf(request[:0], "POST %s HTTP/1.1\r\nHost: %s\r\nX-Forwarded-For: 10.77.%d.%d\r\n"+
			"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s", s.token, s.url.Host, from/100, from%100, len(form), form)
		status, _, err := c.do(request)
		if err == nil {
			g.count(status).Add(1)
		}
		return err
	}
}

func (g *guessing) count(status int) *atomic.Int64 {
	switch status {
	case http.StatusBadRequest:
		return &g.wrong
	case http.StatusTooManyRequests:
		return &g.limited
	case http.StatusServiceUnavailable:
		return &g.busy
	}
	return &g.other
}

// guess sends so many guesses a second until stop is called, which tells what became of them.
func (s *scene) guess(ctx context.Context, perSecond float64, users int) (stop func() (Guesses, error), err error) {
	ctx, cancel := context.WithCancel(ctx)
	g := &guessing{}
	l := &load{connections: guessers, rate: perSecond, time: 24 * time.Hour}
	done := make(chan *outcome, 1)
	asleep := s.target
	asleep.awake = false
	go func() { done <- l.run(ctx, asleep, 1, func(int) caller { return only(g.one(s, users)) }) }()
	began := time.Now()
	stop = func() (Guesses, error) {
		took := time.Since(began).Seconds()
		per := func(n *atomic.Int64) float64 { return float64(n.Load()) / took }
		all := Guesses{Wrong: per(&g.wrong), Limited: per(&g.limited), Busy: per(&g.busy)}
		all.Sent = all.Wrong + all.Limited + all.Busy
		cancel()
		o := <-done
		if n := g.other.Load(); n > 0 {
			return all, fmt.Errorf("%d guesses were answered in another way", n)
		}
		return all, o.total().firstError
	}
	if !sleepUntil(ctx, time.Now().Add(guessLead)) {
		_, err := stop()
		return nil, cmp.Or(context.Cause(ctx), err, errors.New("the guesses were cut off"))
	}
	return stop, nil
}

// addGuesses adds what became of the guesses beside it.
func (m *Measured) addGuesses(all Guesses, err error) {
	m.Guesses = &all
	if err != nil {
		m.Errors++
		m.FirstError = cmp.Or(m.FirstError, "a guess beside it: "+err.Error())
	}
}
