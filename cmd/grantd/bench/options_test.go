package bench

import (
	"context"
	"math"
	"strings"
	"testing"
	"time"
)

func TestOptionsThatAreRefused(t *testing.T) {
	for want, change := range map[string]func(o *Options){
		"there is no operation":     func(o *Options) { o.Operations = []string{"nonsense"} },
		"at least one connection":   func(o *Options) { o.Connections = 0 },
		"needs an end":              func(o *Options) { o.For = 0 },
		"at least one run":          func(o *Options) { o.Runs = 0 },
		"not a number from 0":       func(o *Options) { o.Rate = math.NaN() },
		"number from 0 to 10000000": func(o *Options) { o.Rate = math.Inf(1) },
		"the rate is not a number":  func(o *Options) { o.Rate = -1 },
		"at most 100000000":         func(o *Options) { o.Authorizations = math.MaxInt },
		"chains or clients are add": func(o *Options) { o.Chains = mostAdded + 1 },
		"fewer than no":             func(o *Options) { o.Chains = -1 },
		"open files":                func(o *Options) { o.Connections = 1 << 30 },
		"a mix has two":             func(o *Options) { o.Mix = []Weight{{"me", 1}} },
		"twice":                     func(o *Options) { o.Mix = []Weight{{"me", 1}, {"me", 2}} },
		"is a mix already":          func(o *Options) { o.Mix = []Weight{{"me", 1}, {"refresh_beside_password", 2}} },
		"guesses a second are not":  func(o *Options) { o.Guesses = math.NaN() },
		"a server that is started":  func(o *Options) { o.Guesses, o.Remote = 1, &Remote{} },
		"nothing else beside it":    func(o *Options) { o.Guesses, o.Operations = 1, []string{"refresh_beside_password"} },
		"the weight of me is not a": func(o *Options) { o.Mix = []Weight{{"me", 0}, {"refresh", 2}} },
	} {
		o := Options{Connections: 1, Runs: 1, For: time.Second}
		if err := o.Check(); err != nil {
			t.Fatal(err)
		}
		change(&o)
		if err := o.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want %s", err, want)
		}
	}
}

func TestParseMix(t *testing.T) {
	mix, err := ParseMix("refresh=2, me=0.5")
	if err != nil || len(mix) != 2 || mix[1] != (Weight{"me", .5}) {
		t.Errorf("%v %v", mix, err)
	}
	for _, text := range []string{"", "refresh", "refresh=2,", "refresh=x,me=1", "refresh=NaN,me=1", "refresh=Inf,me=1"} {
		if mix, err := ParseMix(text); err == nil {
			t.Errorf("%q: %v", text, mix)
		}
	}
}

// Load is for one's own machine.
func TestOnlyLoopbackIsLoaded(t *testing.T) {
	for _, issuer := range []string{"http://192.0.2.1", "https://[2001:db8::1]:8000", "http://0.0.0.0:8000", "ftp://127.0.0.1", "127.0.0.1:8000", "http://user@127.0.0.1", ""} {
		if to, err := onLoopback(context.Background(), issuer); err == nil || strings.Contains(err.Error(), "start the server") {
			t.Errorf("%s: %v %v", issuer, to.address, err)
		}
	}
}

func TestSizesAreOfWhatWasMeasured(t *testing.T) {
	r := &Report{ServerCores: 2, Cores: 4, Operations: []Line{{Operation: "refresh", Measured: Measured{Rate: 2000}}, {Operation: "mix.me"}}}
	sizes := r.sizes()
	if len(sizes) != 1 || sizes[0].Name != "active_users_per_core" || sizes[0].Value != 1000*.5*900 {
		t.Errorf("%v", sizes)
	}
	r.ServerCores = 0 // the load had the same processors
	if sizes := r.sizes(); sizes[0].Value != 500*.5*900 {
		t.Errorf("%v", sizes)
	}
	r.AskedRate = 2000 // more was not tried
	if sizes := r.sizes(); len(sizes) != 0 {
		t.Errorf("%v", sizes)
	}
}

// The median run is told, and the errors of all.
func TestMedian(t *testing.T) {
	r := &Report{}
	w := work{name: "me"}
	for i, share := range []float64{.5, .1, .3} {
		r.add(w, Measured{Rate: share * 100, Share: share, Errors: int64(i), FirstError: strings.Repeat("x", i)}, nil)
	}
	r.conclude()
	l := r.Operations[0]
	if l.Share != .3 || l.Errors != 3 || len(l.Rates) != 3 || l.FirstError == "" {
		t.Errorf("%+v", l)
	}
	if err := r.Failed(); err == nil || !strings.Contains(err.Error(), "me: 3 requests failed") {
		t.Error(err)
	}
}
