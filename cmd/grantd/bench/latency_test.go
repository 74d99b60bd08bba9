package bench

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestQuantiles(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var l latencies
	var all []time.Duration
	for range 20_000 {
		d := time.Duration(math.Exp(random.Float64() * 24)) // from a nanosecond to half a minute
		all = append(all, d)
		l.add(d)
	}
	slices.Sort(all)
	for _, q := range []float64{0, .01, .5, .9, .99, .999, 1} {
		want := all[min(int(q*float64(len(all))), len(all)-1)]
		if got := l.quantile(q); !near(got, want) {
			t.Errorf("%v: %v, want %v", q, got, want)
		}
	}
	if (&latencies{}).quantile(.5) != 0 {
		t.Error("there is a quantile of nothing")
	}
}

// near says whether two durations differ by less than 1 %.
func near(got, want time.Duration) bool {
	return math.Abs(float64(got-want)) <= .01*float64(want)
}

func TestLatenciesAreMerged(t *testing.T) {
	var all, a, b latencies
	for i := range 1000 {
		d := time.Duration(i*i) * time.Microsecond
		all.add(d)
		[]*latencies{&a, &b}[i%2].add(d)
	}
	if a.merge(&b); a != all {
		t.Errorf("merged %d up to %v, want %d up to %v", a.n, a.longest, all.n, all.longest)
	}
}

func FuzzBucket(f *testing.F) {
	for _, d := range []int64{-1, 0, 1, 127, 128, 255, 256, 257, 511, 512, 1e3, 1e6, 1e9, 6e10, math.MaxInt64} {
		f.Add(d)
	}
	f.Fuzz(func(t *testing.T, n int64) {
		d := time.Duration(n)
		at := bucketOf(d)
		if at < 0 || at >= len(latencies{}.buckets) {
			t.Fatalf("%v is in bucket %d", d, at)
		}
		if d >= 0 && d < 15*time.Minute && !near(middle(at), d) {
			t.Errorf("%v is in the bucket of %v", d, middle(at))
		}
		if d < math.MaxInt64 && bucketOf(d+1) < at {
			t.Errorf("a longer time than %v is in an earlier bucket", d)
		}
	})
}
