package bench

import (
	"cmp"
	"context"
	"errors"
	"time"
)

// besides is how many connections ask for passwords beside another operation.
const besides = 64

// beside keeps the password endpoint busy until stop is called. Who logs in asks again at once, so that the server's queue
// is never empty; who is refused because it is full comes back as late as the server says, as real clients do: 47 of 64 that
// asked again at once would take a core for refusals, and be what is measured.
func (s *scene) beside(ctx context.Context) (stop func() *outcome, err error) {
	ctx, cancel := context.WithCancel(ctx)
	l := &load{connections: besides, time: 24 * time.Hour, givesWay: true}
	logins := s.logins()
	done := make(chan *outcome, 1)
	asleep := s.target
	asleep.awake = false // an answer takes long
	go func() { done <- l.run(ctx, asleep, 1, func(i int) caller { return only(logins(i)) }) }()
	stop = func() *outcome {
		cancel()
		return <-done
	}
	for begin := time.Now(); l.answered.Load() == 0; { // until it is busy
		tired := l.failed.Load() > 0 || time.Since(begin) > patience
		if tired || !sleepUntil(ctx, time.Now().Add(10*time.Millisecond)) {
			o := stop()
			return nil, errors.Join(errors.New("no login beside it was answered well"), context.Cause(ctx), o.total().firstError)
		}
	}
	return stop, nil
}

// addLogins adds what became of the logins beside it. Those that were refused because the queue was full are no errors.
func (m *Measured) addLogins(o *outcome) {
	logins := o.total()
	m.Passwords, m.PasswordsRefused = o.perSecond(logins), float64(o.refused.Load())/o.took.Seconds()
	m.Errors += logins.errors
	if logins.firstError != nil {
		m.FirstError = cmp.Or(m.FirstError, "a login beside it: "+logins.firstError.Error())
	}
}
