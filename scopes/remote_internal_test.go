package scopes

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func FuzzMetadata(f *testing.F) {
	const issuer = "https://auth.example.com"
	f.Add([]byte(`{"issuer":"https://auth.example.com","jwks_uri":"https://auth.example.com/jwks.json","revocation_list_uri":"http://127.0.0.1/r",
		"introspection_endpoint":"https://auth.example.com/introspect","introspection_endpoint_auth_methods_supported":["client_secret_basic"]}`))
	f.Add([]byte(`{"issuer":"https://auth.example.com","issuer":"https://evil.example"}`))
	f.Add([]byte(`{"issuer":"https://auth.example.com","jwks_uri":"HTTPS://auth.example.com/jwks.json"}`))
	f.Add([]byte(`{"ISSUER":"https:\/\/auth.example.com","jwks_uri":null}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := readMetadata(data, issuer)
		if err != nil {
			if len(err.Error()) > 3*maxURLBytes {
				t.Fatalf("an error of %d bytes", len(err.Error()))
			}
			return
		}
		if m.issuer != issuer {
			t.Fatalf("%q is taken for %s", m.issuer, issuer)
		}
		for _, address := range []string{m.jwksURI, m.revocationListURI} {
			if u, err := url.Parse(address); err != nil || address != "" && u.Scheme != "https" {
				t.Fatalf("%q is accepted: %v", address, err)
			}
		}
	})
}

func FuzzMetadataURLs(f *testing.F) {
	for _, issuer := range []string{"https://auth.example.com", "https://auth.example.com/a%2Fb/", "http://[::1]:80//", "https://a@b"} {
		f.Add(issuer)
	}
	f.Fuzz(func(t *testing.T, issuer string) {
		if checkIssuer(issuer) != nil {
			return
		}
		host := must(url.Parse(issuer)).Host
		for _, address := range metadataURLs(issuer) {
			if u, err := url.Parse(address); err != nil || u.Host != host || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
				t.Fatalf("%q is looked for at %q: %v", issuer, address, err)
			}
		}
	})
}

func FuzzFetchedHeaders(f *testing.F) {
	f.Add(`W/"abc"`, "public, max-age=300", "10")
	f.Add(`"`, `max-age="99999999999999999999", MAX-AGE=-1,,=`, "-1")
	f.Fuzz(func(t *testing.T, tag, control, old string) {
		lifetime, age := freshness(http.Header{"Cache-Control": {control}, "Age": {old}})
		if lifetime < -1 || lifetime > 1<<31*time.Second || age < 0 || age > 1<<31*time.Second {
			t.Fatalf("%q, %q give %v, %v", control, old, lifetime, age)
		}
		if tag = entityTag(tag); strings.ContainsFunc(tag, func(r rune) bool { return r < ' ' || r > '~' }) || len(tag) > maxTagBytes {
			t.Fatalf("%q would be sent", tag)
		}
	})
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// Who asks for a newer outcome than one that is not the last any more has got it: that is no reason to fetch.
func TestFollowerFetchesOnceForAllWhoAsk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fetches := 0
		var f follower[int]
		f.init()
		f.get = func(context.Context, int) (int, time.Duration, error) {
			fetches++
			return fetches, time.Hour, nil
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go f.run(ctx)
		synctest.Wait()
		first := f.last.Load()
		for _, want := range []int{2, 2, 2} {
			f.asked <- first
			synctest.Wait()
			if fetches != want {
				t.Fatalf("%d fetches, want %d", fetches, want)
			}
		}
	})
}

// heldFeed is a feed that holds a list of so many revocations.
func heldFeed(count int) *revocationFeed {
	entries := make([]Revocation, count)
	for i := range entries {
		entries[i] = RevokedToken(fmt.Sprint("revoked-", i))
	}
	p := newProvider("https://auth.example.com", nil, nil)
	f := newRevocationFeed(p, nil, RevocationOptions{})
	f.verifier = &Verifier{options: VerifierOptions{Now: time.Now, Leeway: time.Minute}}
	now := time.Now()
	l := &RevocationList{IssuedAt: now, ExpiresAt: now.Add(time.Hour), Revoked: NewRevocations(entries...)}
	f.last.Store(&outcome[heldList]{at: now, value: heldList{last: l, newest: l, asOf: now}, next: make(chan struct{})})
	return f
}

func tokenClaims() *Claims {
	c := &Claims{ID: "j-1", GrantID: "g-1", Subject: "u-1", ClientID: "dev", IssuedAt: time.Now()}
	c.marks = marksOf(c) // as those that a Verifier reads have
	return c
}

func TestRevokedAllocatesNothing(t *testing.T) {
	f, c := heldFeed(1000), tokenClaims()
	if n := testing.AllocsPerRun(100, func() {
		if revoked, err := f.revoked(context.Background(), c); revoked || err != nil {
			t.Fatal(revoked, err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkRevoked(b *testing.B) {
	for _, count := range []int{0, 1000, 100_000} {
		b.Run(fmt.Sprint(count), func(b *testing.B) {
			f, c := heldFeed(count), tokenClaims()
			b.ReportAllocs()
			for b.Loop() {
				if revoked, err := f.revoked(context.Background(), c); revoked || err != nil {
					b.Fatal(revoked, err)
				}
			}
		})
	}
}

// BenchmarkPoll is a whole poll of a list that changed: HTTP, signature, content.
func BenchmarkPoll(b *testing.B) {
	const count = 100_000
	entries := make([]Revocation, count)
	for i := range entries {
		entries[i] = RevokedToken(fmt.Sprint("revoked-", i))
	}
	var body string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		_, _ = io.WriteString(w, body)
	}))
	defer server.Close()
	private := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	payload := must(RevocationList{
		Issuer: server.URL, URL: server.URL, IssuedAt: time.Now(), ExpiresAt: time.Now().Add(time.Hour), Revoked: NewRevocations(entries...),
	}.MarshalJSON())
	signed := base64url.EncodeToString([]byte(`{"alg":"ES256","kid":"es","typ":"revocations+jwt"}`)) + "." + base64url.EncodeToString(payload)
	body = signed + "." + base64url.EncodeToString(must(methods["ES256"].Sign(signed, private)))

	f := newRevocationFeed(newProvider(server.URL, nil, nil), nil, RevocationOptions{})
	f.verifier = must(NewVerifier(VerifierOptions{
		Issuer: server.URL, Audience: "any", Keys: must(StaticKeys(Key{ID: "es", Alg: "ES256", Key: &private.PublicKey})),
	}))
	b.ReportAllocs()
	for b.Loop() {
		held, err := f.poll(context.Background(), server.URL, heldList{})
		if err != nil || held.last.Revoked.Len() != count {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(body)), "list-bytes")
}

func TestComplaints(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []string
		c := newComplaints(func(err error) { told = append(told, err.Error()) })
		bad := func(text string) { c.about("keys", errors.New(text)) }
		for range 100 { // a stranger makes it come and go
			bad("refused by port 1")
			c.about("keys", nil)
		}
		time.Sleep(time.Minute)
		bad("refused by port 2")
		for range 10 { // it lasts
			time.Sleep(time.Minute)
			bad("refused by port 3")
		}
		bad("gone")
		c.about("metadata", errors.New("gone"))
		if want := []string{"refused by port 1", "refused by port 2", "gone", "gone"}; !slices.Equal(told, want) {
			t.Errorf("told %q, want %q", told, want)
		}
	})
}
