package scopes_test

import (
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/grantd/grantd/scopes"
)

// later moves the clock and lets everybody finish.
func later(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func TestRevocationsCountAtTheNextPoll(t *testing.T) {
	s := newSite()
	s.discover(t, scopes.DiscoverOptions{}, func(t *testing.T, v *scopes.Verifier) {
		tokens := map[string]string{
			"token":   s.token(es256, claim("jti", "a"), claim("gid", "a"), claim("sub", "a"), claim("client_id", "a")),
			"grant":   s.token(es256, claim("jti", "b"), claim("gid", "stolen"), claim("sub", "b"), claim("client_id", "b")),
			"subject": s.token(es256, claim("jti", "c"), claim("gid", "c"), claim("sub", "gone"), claim("client_id", "c")),
			"client":  s.token(es256, claim("jti", "d"), claim("gid", "d"), claim("sub", "d"), claim("client_id", "gone")),
		}
		for _, token := range tokens {
			wantJudge(t, v, token, "ok") // and is known from now on
		}
		s.change(func() {
			s.revoked = []scopes.Revocation{scopes.RevokedToken("a"), scopes.RevokedGrant("stolen"),
				scopes.RevokedSubject("gone", time.Now()), scopes.RevokedClient("gone", time.Now())}
		})
		later(5 * time.Second)
		for name, token := range tokens {
			if got := judge(v, token); !strings.HasPrefix(got, "revoked") {
				t.Errorf("%s: %s", name, got)
			}
		}
		wantJudge(t, v, s.token(es256), "ok")
		wantJudge(t, v, s.token(es256, claim("sub", "gone"), claim("iat", time.Now().Add(time.Second).Unix())), "ok") // issued since
	})
}

// Up to MaxAge after the last answer was asked for tokens pass; then nobody can tell, until there is an answer again.
func TestRevocationsWhileTheIssuerIsDown(t *testing.T) {
	for name, page := range map[string]http.HandlerFunc{
		"503":     func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) },
		"hanging": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"endless": func(w http.ResponseWriter, r *http.Request) {
			for _, err := w.Write(make([]byte, 1<<16)); err == nil; _, err = w.Write(make([]byte, 1<<16)) {
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite()
			s.revoked = []scopes.Revocation{scopes.RevokedToken("stolen")}
			s.discover(t, scopes.DiscoverOptions{}, func(t *testing.T, v *scopes.Verifier) {
				good, stolen := s.token(es256), s.token(es256, claim("jti", "stolen"))
				s.page("/revocations", page)
				later(59 * time.Second)
				wantJudge(t, v, good, "ok")
				later(2 * time.Second)
				wantJudge(t, v, good, "revocations_unavailable", "too old", s.issuer+"/revocations")
				later(time.Minute)
				wantJudge(t, v, stolen, "revoked") // of that nobody is in doubt
				s.page("/revocations", nil)
				later(16 * time.Second) // a fetch that hangs, and a poll
				wantJudge(t, v, good, "ok")
			})
		})
	}
}

// An issuer that has trouble is not asked more often.
func TestRevocationsAfterAFailure(t *testing.T) {
	var times []time.Time
	s := newSite()
	s.page("/revocations", func(w http.ResponseWriter, _ *http.Request) {
		times = append(times, time.Now())
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	s.discover(t, scopes.DiscoverOptions{}, func(t *testing.T, _ *scopes.Verifier) {
		later(time.Minute)
		for i, at := range times[1:] {
			if waited := at.Sub(times[i]); waited < 4500*time.Millisecond || waited > 5*time.Second {
				t.Errorf("asked again after %v", waited)
			}
		}
	})
}

// The answer is as old as the question: what was revoked while it was on its way may not be in it.
func TestRevocationsAreAsOldAsTheQuestion(t *testing.T) {
	s := newSite()
	s.page("/revocations", func(w http.ResponseWriter, _ *http.Request) {
		list := s.list(time.Now())
		time.Sleep(8 * time.Second)
		_, _ = w.Write([]byte(list))
		s.page("/revocations", http.NotFound)
	})
	s.discover(t, scopes.DiscoverOptions{}, func(t *testing.T, v *scopes.Verifier) {
		later(59 * time.Second)
		wantJudge(t, v, s.token(es256), "ok")
		later(2 * time.Second)
		wantJudge(t, v, s.token(es256), "revocations_unavailable")
	})
}

func TestRevocationsOfAShortOrLongMaxAge(t *testing.T) {
	for _, c := range []struct{ maxAge, passes, fails time.Duration }{
		{10 * time.Second, 9 * time.Second, 11 * time.Second},
		// The expiry of the list, after three minutes, is about when it arrives.
		{time.Hour, 59 * time.Minute, 61 * time.Minute},
	} {
		s := newSite()
		o := scopes.DiscoverOptions{Revocations: scopes.RevocationOptions{MaxAge: c.maxAge}}
		s.discover(t, o, func(t *testing.T, v *scopes.Verifier) {
			s.page("/revocations", http.NotFound)
			later(c.passes)
			wantJudge(t, v, s.token(es256), "ok")
			later(c.fails - c.passes)
			wantJudge(t, v, s.token(es256), "revocations_unavailable", "404")
		})
	}
}

// "Nothing changed" keeps no list alive past its expiry, three minutes and the leeway: a cache that is stuck is no answer.
func TestRevocationsExpireAlthoughNothingChanged(t *testing.T) {
	for _, stuck := range []bool{true, false} {
		s := newSite()
		first := sync.OnceValue(func() string { return s.list(time.Now()) })
		s.page("/revocations", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("ETag", `"same"`)
			switch {
			case r.Header.Get("If-None-Match") != "":
				w.WriteHeader(http.StatusNotModified)
			case stuck:
				_, _ = w.Write([]byte(first()))
			default:
				_, _ = w.Write([]byte(s.list(time.Now())))
			}
		})
		s.discover(t, scopes.DiscoverOptions{}, func(t *testing.T, v *scopes.Verifier) {
			later(238 * time.Second)
			wantJudge(t, v, s.token(es256), "ok")
			later(70 * time.Second)
			if stuck {
				wantJudge(t, v, s.token(es256), "revocations_unavailable", "has expired at")
			} else {
				wantJudge(t, v, s.token(es256), "ok")
			}
		})
	}
}

// A server whose tag is of the content alone says "unchanged" for good; its list is fetched anew before it expires.
func TestRevocationsFetchedBeforeTheyExpire(t *testing.T) {
	s := newSite()
	var whole []time.Duration
	var start time.Time
	s.page("/revocations", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"content"`)
		if r.Header.Get("If-None-Match") != "" {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		whole = append(whole, time.Since(start))
		_, _ = w.Write([]byte(s.list(time.Now())))
	})
	s.discover(t, scopes.DiscoverOptions{}, func(t *testing.T, v *scopes.Verifier) {
		s.change(func() { start, whole = time.Now(), nil })
		later(10 * time.Minute)
		wantJudge(t, v, s.token(es256), "ok")
		s.mu.Lock()
		defer s.mu.Unlock()
		for i, at := range whole {
			if due := time.Duration(i+1) * 2 * time.Minute; at < due || at > due+time.Duration(i+1)*5*time.Second {
				t.Errorf("fetched after %v, want each two minutes, one before the list expires", whole)
			}
		}
		if len(whole) < 4 {
			t.Errorf("fetched after %v", whole)
		}
	})
}

// The clock of a list is judged apart from that of tokens: one that was far ahead would keep out those of the present.
func TestRevocationsLeewayIsThatOfTheList(t *testing.T) {
	for _, leeway := range []time.Duration{time.Second, 2 * time.Minute} {
		for ahead, want := range map[time.Duration][]string{59 * time.Second: {"ok"}, 62 * time.Second: {"revocations_unavailable", "issued in the future"}} {
			s := newSite()
			s.page("/revocations", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(s.list(time.Now().Add(ahead)))) })
			s.discover(t, scopes.DiscoverOptions{Leeway: leeway}, func(t *testing.T, v *scopes.Verifier) {
				wantJudge(t, v, s.token(es256), want[0], want[1:]...)
			})
		}
	}
}

// A cache that says how old its answer is gets believed (RFC 9111 §5.1).
func TestRevocationsOutOfACache(t *testing.T) {
	for _, old := range []string{"61", "61, 3", "a while", "-1", "99999999999"} {
		var age atomic.Value
		age.Store("0")
		s := newSite()
		s.page("/revocations", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Age", age.Load().(string))
			s.mu.Lock()
			defer s.mu.Unlock()
			s.serveList(w, r)
		})
		s.discover(t, scopes.DiscoverOptions{}, func(t *testing.T, v *scopes.Verifier) {
			age.Store("50, 70")
			later(6 * time.Second)
			wantJudge(t, v, s.token(es256), "ok")
			age.Store(old)
			later(6 * time.Second)
			wantJudge(t, v, s.token(es256), "revocations_unavailable", "too old")
		})
	}
}

func TestRevocationsOfAnIssuerWithoutAList(t *testing.T) {
	s := newSite()
	address := s.metadata["revocation_list_uri"]
	delete(s.metadata, "revocation_list_uri")
	s.revoked = []scopes.Revocation{scopes.RevokedToken("stolen")}
	s.discover(t, scopes.DiscoverOptions{}, func(t *testing.T, v *scopes.Verifier) {
		token := func(edits ...edit) string { return s.token(es256, edits...) }
		later(time.Hour)
		wantJudge(t, v, token(claim("jti", "stolen")), "ok") // there is nothing that could tell
		if err := v.Ready(t.Context()); err != nil {
			t.Error(err)
		}
		s.change(func() { s.metadata["revocation_list_uri"] = address })
		later(time.Hour + time.Minute)
		wantJudge(t, v, token(claim("jti", "stolen")), "revoked") // it has one now
		s.change(func() { delete(s.metadata, "revocation_list_uri") })
		later(time.Hour + 2*time.Minute)
		wantJudge(t, v, token(), "revocations_unavailable", "names no revocation_list_uri any more")
	})
}

func TestRevocationsRequired(t *testing.T) {
	s := newSite()
	delete(s.metadata, "revocation_list_uri")
	s.discover(t, scopes.DiscoverOptions{Revocations: scopes.RevocationOptions{Required: true}}, func(t *testing.T, v *scopes.Verifier) {
		wantJudge(t, v, s.token(es256), "revocations_unavailable", "names no revocation_list_uri")
	})
}

func TestRevocationsOff(t *testing.T) {
	s := newSite()
	s.revoked = []scopes.Revocation{scopes.RevokedToken("stolen")}
	s.discover(t, scopes.DiscoverOptions{Revocations: scopes.RevocationOptions{Off: true}}, func(t *testing.T, v *scopes.Verifier) {
		later(time.Hour)
		wantJudge(t, v, s.token(es256, claim("jti", "stolen")), "ok")
		if err := v.Ready(t.Context()); err != nil || s.count("/revocations") > 0 {
			t.Errorf("%v, %d polls", err, s.count("/revocations"))
		}
	})
}

// The key of the list is followed as that of tokens is.
func TestRevocationsSignedByANewKey(t *testing.T) {
	s := newSite()
	s.discover(t, scopes.DiscoverOptions{}, func(t *testing.T, v *scopes.Verifier) {
		later(40 * time.Second)
		s.change(func() { s.keys, s.signer = append(s.keys, jwk(eddsa)), eddsa })
		s.change(func() { s.revoked = []scopes.Revocation{scopes.RevokedToken("stolen")} })
		later(5 * time.Second)
		wantJudge(t, v, s.token(eddsa, claim("jti", "stolen")), "revoked")
		wantJudge(t, v, s.token(es256), "ok")
	})
}

// A list signed with a key that nobody knows yet is no reason to refuse tokens, though a stranger has just used up the
// look at the keys that tokens of unknown keys get.
func TestRevocationsSignedByANewKeyAtOnce(t *testing.T) {
	s := newSite()
	o := scopes.DiscoverOptions{Revocations: scopes.RevocationOptions{Poll: time.Second, MaxAge: 3 * time.Second}}
	s.discover(t, o, func(t *testing.T, v *scopes.Verifier) {
		later(40 * time.Second)
		wantJudge(t, v, s.token(es256, header("kid", "made up")), "unknown_key")
		later(time.Second)
		s.change(func() { s.keys, s.signer = append(s.keys, jwk(eddsa)), eddsa })
		for range 10 {
			later(time.Second)
			wantJudge(t, v, s.token(es256), "ok")
		}
		if n := s.count("/jwks.json"); n > 4 {
			t.Errorf("the keys were fetched %d times", n)
		}
	})
}

func TestRevocationsFollowAMovedList(t *testing.T) {
	s := newSite()
	s.discover(t, scopes.DiscoverOptions{}, func(t *testing.T, v *scopes.Verifier) {
		later(time.Minute)
		s.change(func() {
			s.metadata = map[string]any{"issuer": s.issuer, "jwks_uri": s.issuer + "/jwks.json", "revocation_list_uri": s.issuer + "/moved"}
			s.pages["/revocations"] = http.NotFound
			s.revoked = []scopes.Revocation{scopes.RevokedToken("stolen")}
			s.listEdit = func(_ map[string]any, l *scopes.RevocationList) { l.URL = s.issuer + "/moved" }
			s.pages["/moved"] = func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(s.list(time.Now()))) }
		})
		later(10 * time.Second)
		wantJudge(t, v, s.token(es256, claim("jti", "stolen")), "revoked")
		wantJudge(t, v, s.token(es256), "ok")
	})
}

// The clock of the machine is set, or has gone on while it was suspended: until the next poll nobody can tell.
func TestRevocationsClockIsSet(t *testing.T) {
	var offset atomic.Int64
	s := newSite()
	o := scopes.DiscoverOptions{Now: func() time.Time { return time.Now().Round(0).Add(time.Duration(offset.Load())) }}
	s.discover(t, o, func(t *testing.T, v *scopes.Verifier) {
		for _, c := range []struct {
			by   time.Duration
			want string
		}{{30 * time.Second, "ok"}, {-30 * time.Second, "ok"}, {70 * time.Second, "revocations_unavailable"}, {-70 * time.Second, "revocations_unavailable"}} {
			offset.Store(int64(c.by))
			if got := judge(v, s.token(es256, claim("iat", time.Now().Add(-time.Minute).Unix()))); !strings.HasPrefix(got, c.want) {
				t.Errorf("set by %v: %s", c.by, got)
			}
		}
		offset.Store(0)
		wantJudge(t, v, s.token(es256), "ok")
	})
}
