package scopes

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func (c *cache[V]) len() (n int) {
	for i := range c.shards {
		n += len(c.shards[i].entries)
	}
	return n
}

// What is over leaves when something else comes, and what is too long never comes in.
func TestCacheTidies(t *testing.T) {
	c := newCache[int](1 << 16)
	now := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	for i := range 1000 {
		c.put(fmt.Sprint("old", i), i, now.Add(time.Minute), now)
	}
	for i := range 2000 {
		c.put(fmt.Sprint("new", i), i, now.Add(time.Hour), now.Add(time.Minute))
	}
	if n := c.len(); n > 2100 {
		t.Errorf("%d entries, of which 2000 are alive", n)
	}
	long := strings.Repeat("x", maxCachedToken+1)
	before := c.len()
	c.put(long, 1, now.Add(time.Hour), now)
	if _, ok := c.get(long); ok || c.len() != before {
		t.Error("a token of more than maxCachedToken is remembered")
	}
}
