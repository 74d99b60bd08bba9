package scopes

import (
	"crypto/subtle"
	"hash/maphash"
	"strings"
	"sync"
	"time"
)

const (
	defaultCacheSize = 8192
	// maxCachedToken bounds the bytes of an entry. Tokens are usually a third of it.
	maxCachedToken = 2048
	shards         = 16
)

// cache remembers what is known of a bounded number of tokens. Only what was found valid goes into it, so tokens that
// somebody made up can neither make it grow nor push others out. A nil cache remembers nothing.
type cache[V any] struct {
	seed   maphash.Seed
	most   int // entries of a shard
	shards [shards]shard[V]
}

type shard[V any] struct {
	mu      sync.Mutex
	entries map[uint64]entry[V]
}

type entry[V any] struct {
	token string
	until time.Time
	value V
}

// newCache makes a cache of about size tokens. Zero means defaultCacheSize, negative none.
func newCache[V any](size int) *cache[V] {
	if size < 0 {
		return nil
	}
	if size == 0 {
		size = defaultCacheSize
	}
	c := &cache[V]{seed: maphash.MakeSeed(), most: (size + shards - 1) / shards}
	for i := range c.shards {
		c.shards[i].entries = map[uint64]entry[V]{}
	}
	return c
}

func (c *cache[V]) find(token string) (*shard[V], uint64) {
	sum := maphash.String(c.seed, token)
	return &c.shards[sum%shards], sum
}

// get gives what put remembered of this very token.
func (c *cache[V]) get(token string) (value V, ok bool) {
	if c == nil || len(token) > maxCachedToken {
		return value, false
	}
	s, sum := c.find(token)
	s.mu.Lock()
	e, ok := s.entries[sum]
	s.mu.Unlock()
	// Neither the map nor this comparison, which takes the same time wherever they differ, tells how much of a token
	// was guessed.
	if !ok || subtle.ConstantTimeCompare([]byte(e.token), []byte(token)) != 1 {
		return value, false
	}
	return e.value, true
}

// put remembers value until then. What takes its place where the cache is full is left to chance: then nobody can push
// a chosen token out.
func (c *cache[V]) put(token string, value V, until, now time.Time) {
	if c == nil || len(token) > maxCachedToken {
		return
	}
	s, sum := c.find(token)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tidy(now)
	if _, ok := s.entries[sum]; !ok && len(s.entries) >= c.most {
		for any := range s.entries {
			delete(s.entries, any)
			break
		}
	}
	// A copy: the token may be a piece of something longer.
	s.entries[sum] = entry[V]{strings.Clone(token), until, value}
}

// tidy drops what is over, of a few entries that a map walk begins with: more than a put adds.
func (s *shard[V]) tidy(now time.Time) {
	looked := 0
	for sum, e := range s.entries {
		if !now.Before(e.until) {
			delete(s.entries, sum)
		}
		if looked++; looked == 4 {
			return
		}
	}
}
