package server

import (
	"net/http"
	"strconv"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/grantd/grantd/server/reason"
	"github.com/grantd/grantd/store"
)

// Rate is how often something may happen: Burst times at once, all of which are back after Per. The
// zero Rate is no limit.
type Rate struct {
	Burst int
	Per   time.Duration
}

func (r Rate) none() bool { return r.Burst <= 0 }

// every is after how long one more is back.
func (r Rate) every() time.Duration { return r.Per / time.Duration(r.Burst) }

// bucket is what all servers count together under a key.
func (r Rate) bucket(key string) store.Bucket {
	return store.Bucket{Key: key, Burst: r.Burst, Every: r.every()}
}

// mostRates is how many keys a server counts in memory at most, for each of the kinds.
const mostRates = 1 << 16

// rates counts in memory, for this server alone.
type rates[K comparable] struct {
	mu   sync.Mutex
	rate Rate
	by   *recent[K, *rate.Limiter]
}

func newRates[K comparable](r Rate) *rates[K] {
	return &rates[K]{rate: r, by: newRecent[K, *rate.Limiter](mostRates)}
}

// take takes one, or says how long there is none.
func (l *rates[K]) take(key K, now time.Time) (wait time.Duration) {
	if l.rate.none() {
		return 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	limiter, ok := l.by.get(key)
	if !ok {
		limiter = rate.NewLimiter(rate.Every(l.rate.every()), l.rate.Burst)
		l.by.put(key, limiter)
	}
	if limiter.AllowN(now, 1) {
		return 0
	}
	missing := 1 - limiter.TokensAt(now)
	return max(time.Duration(missing*float64(l.rate.every())), time.Millisecond)
}

// tooMany refuses what comes too often. RFC 6585 §4: 429, and when to try again.
func tooMany(why reason.Word, hint string, wait time.Duration) *Error {
	return &Error{Code: temporarilyUnavailable, Hint: hint, Reason: why, Status: http.StatusTooManyRequests, RetryAfter: wait}
}

// inWords is a time to wait, rounded up, as people say it.
func inWords(wait time.Duration) string {
	up := func(unit time.Duration, name string) string {
		n := int((wait + unit - 1) / unit)
		if n == 1 {
			return "1 " + name
		}
		return strconv.Itoa(n) + " " + name + "s"
	}
	switch {
	case wait <= 0:
		return "a moment"
	case wait <= time.Minute:
		return up(time.Second, "second")
	case wait <= time.Hour:
		return up(time.Minute, "minute")
	}
	return up(time.Hour, "hour")
}
