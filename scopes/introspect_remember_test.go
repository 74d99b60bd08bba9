package scopes_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/grantd/grantd/scopes"
)

func TestIntrospectRemembers(t *testing.T) {
	d := &desk{answer: says()}
	introspecting(t, d, scopes.IntrospectOptions{CacheFor: 10 * time.Second}, func(t *testing.T, i *scopes.Introspector) {
		verify := func(token string, want error, asked int) {
			t.Helper()
			_, err := i.Verify(t.Context(), token)
			var e *scopes.Error
			if (err == nil) != (want == nil) || err != nil && !errors.As(err, &e) || d.count() != asked {
				t.Fatalf("7662-4 %v, asked %d times, want %v and %d", err, d.count(), want, asked)
			}
		}
		inactive := errors.New("inactive")
		verify("a", nil, 1)
		verify("a", nil, 1)
		d.set(sends(200, `{"active":false}`)) // revoked
		verify("a", nil, 1)
		verify("b", inactive, 2)
		verify("b", inactive, 2)
		for n := range 3000 { // made up
			verify(fmt.Sprint("x", n), inactive, 3+n)
		}
		verify("a", nil, 3002)
		time.Sleep(10 * time.Second)
		verify("a", inactive, 3003)
		d.set(sends(500, ""))
		verify("c", inactive, 3004)
		verify("c", inactive, 3005) // a fault is not remembered
	})
}

func TestIntrospectEachTime(t *testing.T) {
	d := &desk{answer: says()}
	introspecting(t, d, scopes.IntrospectOptions{CacheFor: -1}, func(t *testing.T, i *scopes.Introspector) {
		for n := range 3 {
			if _, err := i.Verify(t.Context(), "a"); err != nil || d.count() != n+1 {
				t.Fatalf("%v, asked %d times", err, d.count())
			}
		}
	})
}

// Whoever goes on with a token that was revoked costs the issuer no more than one question in CacheFor.
func TestIntrospectRemembersRevocation(t *testing.T) {
	d := &desk{answer: says()}
	introspecting(t, d, scopes.IntrospectOptions{CacheFor: 10 * time.Second}, func(t *testing.T, i *scopes.Introspector) {
		if _, err := i.Verify(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
		d.set(sends(200, `{"active":false}`))
		time.Sleep(10 * time.Second)
		for range 100 {
			_, err := i.Verify(t.Context(), "a")
			wantKind(t, err, scopes.Inactive)
		}
		if d.count() != 2 {
			t.Errorf("7662-4 asked %d times about a token that was active once", d.count())
		}
	})
}

// Tokens that somebody made up push out none that is active, however few are remembered.
func TestIntrospectRemembersApart(t *testing.T) {
	d := &desk{answer: says()}
	introspecting(t, d, scopes.IntrospectOptions{CacheSize: 16}, func(t *testing.T, i *scopes.Introspector) {
		if _, err := i.Verify(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
		d.set(sends(200, `{"active":false}`))
		for n := range 500 {
			_, err := i.Verify(t.Context(), fmt.Sprint("x", n))
			wantKind(t, err, scopes.Inactive)
		}
		if _, err := i.Verify(t.Context(), "a"); err != nil || d.count() != 501 {
			t.Errorf("%v, asked %d times", err, d.count())
		}
	})
}

// The issuer looks the token up before it answers, so that is when CacheFor begins.
func TestIntrospectRemembersFromTheQuestion(t *testing.T) {
	d := &desk{answer: func(w http.ResponseWriter, token string) { time.Sleep(4 * time.Second); says()(w, token) }}
	introspecting(t, d, scopes.IntrospectOptions{CacheFor: 10 * time.Second}, func(t *testing.T, i *scopes.Introspector) {
		for _, c := range []struct {
			wait  time.Duration
			asked int
		}{{0, 1}, {5999 * time.Millisecond, 1}, {time.Millisecond, 2}} {
			time.Sleep(c.wait)
			if _, err := i.Verify(t.Context(), "a"); err != nil || d.count() != c.asked {
				t.Errorf("%v, asked %d times; want %d", err, d.count(), c.asked)
			}
		}
	})
}

// How long an answer is, is up to the issuer; how much memory they all take is not.
func TestIntrospectRemembersNoLongAnswer(t *testing.T) {
	many := slices.Repeat([]string{"x"}, 200)
	for name, c := range map[string]struct {
		token string
		edit  edit
		asked int
	}{
		"long":                   {"a", claim("roles", strings.Repeat("x", 3<<10)), 1},
		"too long":               {"a", claim("roles", strings.Repeat("x", 4<<10)), 2},
		"long token":             {strings.Repeat("a", 2000), claim("roles", strings.Repeat("x", 1<<10)), 1},
		"too long for the token": {strings.Repeat("a", 2000), claim("roles", strings.Repeat("x", 2<<10)), 2},
		"many audiences":         {"a", claim("aud", append(many, audience)), 2},
	} {
		t.Run(name, func(t *testing.T) {
			d := &desk{answer: says(c.edit)}
			introspecting(t, d, scopes.IntrospectOptions{}, func(t *testing.T, i *scopes.Introspector) {
				for range 2 {
					if claims, err := i.Verify(t.Context(), c.token); err != nil || !json.Valid(claims.Payload) {
						t.Fatal(err)
					}
				}
				if d.count() != c.asked {
					t.Errorf("asked %d times, want %d", d.count(), c.asked)
				}
			})
		})
	}
}

// All the tokens that are remembered, with answers of any length.
func TestIntrospectMemory(t *testing.T) {
	for _, length := range []int{3 << 10, 60 << 10} {
		a := &answering{body: `{"active":true,"aud":"` + audience + `","roles":"` + strings.Repeat("x", length) + `"}`}
		i := must(scopes.Introspect(t.Context(), loopbackIssuer, audience, scopes.IntrospectOptions{
			ClientID: "api", ClientSecret: "secret", Transport: a, CacheFor: time.Hour, CacheSize: 256,
		}))
		before := heap()
		for n := range 512 {
			if _, err := i.Verify(t.Context(), fmt.Sprint(n)); err != nil {
				t.Fatal(err)
			}
		}
		if grown := heap() - before; grown > 1400<<10 {
			t.Errorf("answers of %d bytes: %d KB", length, grown>>10)
		}
		runtime.KeepAlive(i)
	}
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
