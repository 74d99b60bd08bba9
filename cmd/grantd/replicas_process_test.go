package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/grantd/grantd/server/token"
	"github.com/grantd/grantd/store"
)

const (
	replicaIssuer = "http://localhost"
	replicaClient = "app"
	// answerTime is how long clients wait for an answer, unless a scenario says so.
	answerTime = 12 * time.Second
	// checkEvery is how often the balancer asks a replica for /readyz.
	checkEvery = 100 * time.Millisecond
)

// replicas are servers that share nothing but a database and a master key.
type replicas struct {
	t         *testing.T
	list      []*replica
	turn      atomic.Int64
	refused   atomic.Int64 // connections, by replicas that were up
	db        *store.DB    // an operator's, whom no network keeps away from the database
	refresher *token.Refresher
	history   *history
	rules     rules
	stopped   func() bool // the clients should come to an end
}

// replica is one of them, through restarts.
type replica struct {
	env     []string
	answers time.Duration // how long clients wait
	process atomic.Pointer[process]
	up      atomic.Bool // what the balancer thinks
}

// replicaSetup says how replicas are started.
type replicaSetup struct {
	database string   // of operators
	through  []string // the database as each replica sees it
	env      []string // settings of all
	grace    time.Duration
}

// startReplicas returns once all are ready. The first brings the schema up to date.
func startReplicas(t *testing.T, s replicaSetup) *replicas {
	t.Helper()
	key := token.NewMasterKey()
	master, err := token.NewMaster(key)
	if err != nil {
		t.Fatal(err)
	}
	rs := &replicas{
		t: t, history: newHistory(), rules: rules{grace: s.grace},
		refresher: token.NewRefresher(master, replicaIssuer, time.Now),
		stopped:   func() bool { return false },
	}
	for _, url := range s.through {
		r := &replica{answers: answerTime, env: append([]string{
			"GRANTD_ISSUER=" + replicaIssuer, "GRANTD_DATABASE=" + url, "GRANTD_PASSWORD_BCRYPT_COST=10",
			"GRANTD_MASTER_KEY=" + base64.StdEncoding.EncodeToString(key), "GRANTD_TOKENS_REUSE_GRACE=" + s.grace.String(),
		}, s.env...)}
		rs.list = append(rs.list, r)
		r.start(t)
	}
	rs.openDatabase(s.database)
	ctx, stop := context.WithCancel(context.Background())
	t.Cleanup(stop)
	for i, r := range rs.list {
		go r.check(ctx)
		eventually(t, fmt.Sprintf("replica %d is ready", i), r.up.Load)
	}
	return rs
}

// start starts the replica, or starts it again.
func (r *replica) start(t *testing.T) {
	t.Helper()
	p := newProcess("serve", "--migrate")
	p.client.Timeout = r.answers
	p.cmd.Env = settings(r.env...)
	p.run(t)
	r.process.Store(p)
}

// openDatabase opens the operator's way to the database and adds the app.
func (rs *replicas) openDatabase(url string) {
	rs.t.Helper()
	db, err := store.Open(rs.t.Context(), url)
	if err != nil {
		rs.t.Fatal(err)
	}
	rs.t.Cleanup(func() { db.Close() })
	rs.db = db
	app := store.Client{ID: replicaClient, Name: "App", Grants: []string{"password", "refresh_token"}, Scopes: []string{"me"}, CreatedAt: time.Now()}
	if err := db.CreateClient(rs.t.Context(), app); err != nil {
		rs.t.Fatal(err)
	}
}

// check asks for /readyz as balancers do.
func (r *replica) check(ctx context.Context) {
	client := &http.Client{Timeout: time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	for ; ctx.Err() == nil; time.Sleep(checkEvery) {
		probe := &process{client: client, Ops: r.process.Load().Ops}
		r.up.Store(probe.readyz().status == http.StatusOK)
	}
}

// balanced asks one replica after the other, those first that are up, until one
// takes the connection. A refused connection is no lost request.
func (rs *replicas) balanced(ask func(p *process) answer) (at int, a answer) {
	turn := int(rs.turn.Add(1))
	for _, up := range [...]bool{true, false} {
		for i := range rs.list {
			at = (turn + i) % len(rs.list)
			if rs.list[at].up.Load() != up {
				continue
			}
			a = ask(rs.list[at].process.Load())
			if !errors.Is(a.err, syscall.ECONNREFUSED) {
				return at, a
			}
			if up {
				rs.refused.Add(1)
			}
		}
	}
	return at, a
}

// anywhere leaves the choice to the balancer.
const anywhere = -1

// ask sends a request to one replica, or through the balancer.
func (rs *replicas) ask(at int, ask func(p *process) answer) (int, answer) {
	if at == anywhere {
		return rs.balanced(ask)
	}
	return at, ask(rs.list[at].process.Load())
}
