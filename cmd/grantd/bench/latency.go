package bench

import (
	"math/bits"
	"time"
)

// fine is into how many parts each power of two is divided: an error of less than 1 %.
const fine = 128

// latencies counts durations in buckets, of which each is less than 1 % wide. It takes the same room however
// many there are.
type latencies struct {
	buckets [40 * fine]uint32 // from nanoseconds up to 18 minutes
	n       int
	longest time.Duration
}

func bucketOf(d time.Duration) int {
	v := uint64(max(d, 0))
	if v < 2*fine {
		return int(v)
	}
	shift := bits.Len64(v) - bits.Len64(2*fine-1)
	return min(shift*fine+int(v>>shift), len(latencies{}.buckets)-1)
}

// middle is the duration in the middle of a bucket.
func middle(bucket int) time.Duration {
	if bucket < 2*fine {
		return time.Duration(bucket)
	}
	shift := bucket/fine - 1
	low := uint64(bucket-shift*fine) << shift
	return time.Duration(low + 1<<shift/2)
}

func (l *latencies) add(d time.Duration) {
	l.buckets[bucketOf(d)]++
	l.n++
	l.longest = max(l.longest, d)
}

func (l *latencies) merge(other *latencies) {
	for i, n := range other.buckets {
		l.buckets[i] += n
	}
	l.n += other.n
	l.longest = max(l.longest, other.longest)
}

// quantile is the duration that a share q of all does not exceed.
func (l *latencies) quantile(q float64) time.Duration {
	rest := int(q * float64(l.n))
	for i, n := range l.buckets {
		if rest -= int(n); rest < 0 {
			return min(middle(i), l.longest)
		}
	}
	return l.longest
}
