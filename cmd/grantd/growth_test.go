package main

import (
	"bufio"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/grantd/grantd/server"
	"github.com/grantd/grantd/server/token"
	"github.com/grantd/grantd/store"
	"github.com/grantd/grantd/store/storetest/pgtest"
)

// costed is a server of which each operation is weighed.
type costed struct {
	*process
	t       testing.TB
	refresh []string // a live refresh token of each client
	access  string
	user    string // the id
}

// operation is a request that costs something worth knowing. It is told the number of a client, who
// does one thing after the other.
type operation struct {
	name  string
	trips int64 // to PostgreSQL
	do    func(c *costed, client int) answer
}

// Where something is decided, the audit log has five of them, or one more for a second event. Nobody has limits here, which
// would have eight.
var operations = []operation{
	{"password", 9, func(c *costed, _ int) answer { return c.logIn() }},
	{"refresh", 1, func(c *costed, i int) answer {
		a := refresh(c.process, c.refresh[i])
		c.refresh[i] = c.tokens(a).Refresh
		return a
	}},
	{"client_credentials", 0, func(c *costed, _ int) answer {
		return c.post("/token", c.service("grant_type", "client_credentials", "scope", "me"))
	}},
	{"introspect access", 0, func(c *costed, _ int) answer { return c.post("/introspect", c.service("token", c.access)) }},
	{"introspect refresh", 1, func(c *costed, i int) answer { return c.post("/introspect", c.service("token", c.refresh[i])) }},
	{"/users/me/", 0, func(c *costed, _ int) answer { return c.get("/users/me/", c.access) }},
	{"/status/", 0, func(c *costed, _ int) answer { return c.get("/status/", c.access) }},
	// Last, since it takes the token. BenchmarkCost brings others.
	{"revoke", 9, func(c *costed, i int) answer {
		return c.post("/revoke", form("client_id", replicaClient, "token", c.refresh[i]))
	}},
}

const serviceSecret = "a secret of the service"

func (c *costed) service(pairs ...string) url.Values {
	return form(append(pairs, "client_id", "service", "client_secret", serviceSecret)...)
}

func (c *costed) logIn() answer {
	return c.post("/token", form("grant_type", "password", "client_id", replicaClient, "scope", "me", "username", "ann", "password", password))
}

func (c *costed) tokens(a answer) tokens {
	c.t.Helper()
	if a.err != nil || a.status != 200 {
		c.t.Fatalf("no tokens: %v", a)
	}
	given := tokens{}
	if err := json.Unmarshal([]byte(a.body), &given); err != nil {
		c.t.Fatal(err)
	}
	return given
}

// prepare adds the clients and the user to the database, and logs n times in.
func (c *costed) prepare(db *store.DB, cost, n int) {
	c.t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte(password), cost)
	secret := sha256.Sum256([]byte(serviceSecret))
	ctx, now := c.t.Context(), time.Now()
	c.user = rand.Text()
	if err := errors.Join(err,
		db.CreateUser(ctx, store.User{ID: c.user, Username: "ann", PasswordHash: string(hash), CreatedAt: now}),
		db.CreateClient(ctx, store.Client{ID: replicaClient, Grants: []string{"password", "refresh_token"}, Scopes: []string{"me"}, CreatedAt: now}),
		db.CreateClient(ctx, store.Client{ID: "service", SecretHash: secret[:], Grants: []string{"client_credentials"}, Scopes: []string{"me"}, Introspect: true, CreatedAt: now}),
	); err != nil {
		c.t.Fatal(err)
	}
	for range n {
		given := c.tokens(c.logIn())
		c.refresh, c.access = append(c.refresh, given.Refresh), given.Access
	}
}

// TestRoundTrips: what a request asks of PostgreSQL, once its client and user are known, also through PgBouncer.
// A refresh is one statement.
func TestRoundTrips(t *testing.T) {
	for _, pooled := range []bool{false, true} {
		t.Run(fmt.Sprintf("pooled %t", pooled), func(t *testing.T) {
			target := pgtest.URL(t)
			if pooled {
				target = pgtest.Bouncer(t, target, pgtest.BouncerOptions{})
			}
			trips := countTrips(t, target)
			c := inProcess(t, trips.url)
			for _, op := range operations {
				for range 2 { // the first time prepares statements
					if op.name == "revoke" {
						c.refresh[0] = c.tokens(c.logIn()).Refresh
					}
					trips.n.Store(0)
					if a := op.do(c, 0); a.err != nil || a.status != 200 {
						t.Fatalf("%s: %v", op.name, a)
					}
				}
				if n := trips.n.Load(); n != op.trips {
					t.Errorf("%s: %d round trips, want %d", op.name, n, op.trips)
				}
			}
		})
	}
}

// inProcess is a server in this process, on one connection. Its time stands still, so that nothing
// it knows grows old, and nothing runs in the background.
func inProcess(t *testing.T, database string) *costed {
	t.Helper()
	db, err := store.Open(t.Context(), database, store.Connections(1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	if _, _, err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	master, err := token.NewMaster(token.NewMasterKey())
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	srv, err := server.New(t.Context(), server.Options{
		DB: db, Master: master, Issuer: replicaIssuer, Scopes: []server.Scope{{Name: "me"}},
		AccessTTL: time.Hour, RefreshTTL: time.Hour, RefreshMaxTTL: time.Hour, ReuseGrace: time.Minute,
		SigningAlg: "ES256", BcryptCost: bcrypt.MinCost, MaxConcurrentHashes: 1, Resources: true,
		Now: func() time.Time { return now },
	})
	if err != nil {
		t.Fatal(err)
	}
	on := httptest.NewServer(srv)
	t.Cleanup(on.Close)
	c := &costed{process: &process{URL: on.URL, client: on.Client()}, t: t}
	c.prepare(db, bcrypt.MinCost, 1)
	return c
}

// trips counts how often PostgreSQL says that it is ready for the next question.
type trips struct {
	url string // through the counter
	n   atomic.Int64
}

func countTrips(t *testing.T, target string) *trips {
	t.Helper()
	u, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	host := u.Host
	u.Host = listener.Addr().String()
	c := &trips{url: u.String()}
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go c.pass(client, host)
		}
	}()
	return c
}

// pass lets a client talk to the server, without TLS, until either closes.
func (c *trips) pass(client net.Conn, host string) {
	defer client.Close()
	server, err := net.Dial("tcp", host)
	if err != nil {
		return
	}
	go func() {
		defer server.Close()
		io.Copy(server, client)
	}()
	from := bufio.NewReader(server)
	for {
		head, err := from.Peek(5) // a letter and the length of what follows, with itself
		if err != nil {
			return
		}
		if head[0] == 'Z' { // ReadyForQuery
			c.n.Add(1)
		}
		if _, err := io.CopyN(client, from, 1+int64(binary.BigEndian.Uint32(head[1:]))); err != nil {
			return
		}
	}
}
