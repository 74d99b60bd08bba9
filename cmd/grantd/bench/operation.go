package bench

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// operation is something that a server is asked for, and what it cannot be answered without.
type operation struct {
	name, about string
	// ready makes what the requests need, and gives each connection its own.
	ready func(ctx context.Context, s *scene, o *Options) (func(connection int) exchange, error)

	signs, verifies, macs int // signatures made and checked (ES256), and MACs (HS256)

	statement bool // it costs one statement of the database
	hashes    bool // it costs a password's hash, for which all processors are there
	beside    bool // passwords are asked for at the same time, as fast as they are answered (see scene.beside)
	refreshes bool // it makes authorizations go on
	service   bool // a confidential client asks
}

var operations = []operation{
	{
		name: "refresh", about: "a refresh token for the next one and an access token, durable before the answer",
		ready: readyRefresh, signs: 1, macs: 2, statement: true, refreshes: true,
	},
	{
		name: "client_credentials", about: "an access token for a client itself",
		ready: readyClientCredentials, signs: 1, service: true,
	},
	{
		name: "introspect", about: "introspection of access tokens that were seen before",
		ready: readyIntrospect, service: true,
	},
	{
		name: "introspect_first", about: "introspection of access tokens that were never seen",
		ready: readyIntrospectFirst, verifies: 1, service: true,
	},
	{
		name: "me", about: "GET /users/me/ with access tokens that were seen before",
		ready: readyMe,
	},
	{
		name: "password", about: "a login with a password, on all processors",
		ready: func(_ context.Context, s *scene, _ *Options) (func(int) exchange, error) { return s.logins(), nil }, hashes: true,
	},
	{
		name: "refresh_beside_password", about: fmt.Sprintf("refresh, while %d connections keep the password endpoint busy", besides),
		ready: readyRefresh, signs: 1, macs: 2, statement: true, refreshes: true, beside: true,
	},
}

// Operations are the names of what can be measured.
func Operations() []string {
	names := make([]string, len(operations))
	for i, op := range operations {
		names[i] = op.name
	}
	return names
}

func operationOf(name string) (operation, error) {
	i := slices.IndexFunc(operations, func(op operation) bool { return op.name == name })
	if i < 0 {
		return operation{}, fmt.Errorf("there is no operation %.40q; there are %s", name, strings.Join(Operations(), ", "))
	}
	return operations[i], nil
}

// arithmetic is what the signatures of an operation take.
func (op operation) arithmetic(a arithmetic) time.Duration {
	return time.Duration(op.signs)*a.Sign + time.Duration(op.verifies)*a.Verify + time.Duration(op.macs)*a.MAC
}

// readyRefresh gives each connection chains of its own.
func readyRefresh(ctx context.Context, s *scene, o *Options) (func(int) exchange, error) {
	chains, err := s.chains(ctx, max(o.Chains, o.Connections))
	if err != nil {
		return nil, err
	}
	return func(i int) exchange {
		return s.refreshing(chains[i*len(chains)/o.Connections : (i+1)*len(chains)/o.Connections])
	}, nil
}

func readyClientCredentials(_ context.Context, s *scene, _ *Options) (func(int) exchange, error) {
	request := s.post(s.token, s.service, url.Values{"grant_type": {"client_credentials"}})
	return func(int) exchange { return again([][]byte{request}, 0, `"access_token"`) }, nil
}

func readyIntrospect(ctx context.Context, s *scene, o *Options) (func(int) exchange, error) {
	tokens, err := s.accessTokens(ctx, o)
	if err != nil {
		return nil, err
	}
	return s.seen(ctx, s.introspections(tokens), `"active":true`)
}

func readyIntrospectFirst(ctx context.Context, s *scene, o *Options) (func(int) exchange, error) {
	tokens, err := s.fresh(ctx, freshFor(o))
	if err != nil {
		return nil, err
	}
	requests, next := s.introspections(tokens), new(atomic.Int64)
	return func(int) exchange { return once(requests, next, `"active":true`) }, nil
}

func readyMe(ctx context.Context, s *scene, o *Options) (func(int) exchange, error) {
	tokens, err := s.accessTokens(ctx, o)
	if err != nil {
		return nil, err
	}
	requests := make([][]byte, len(tokens))
	for i, t := range tokens {
		requests[i] = s.get(s.me, t)
	}
	return s.seen(ctx, requests, `"username"`)
}

// freshFor is how many tokens are made to be seen for the first time: about as many as the time can take, since
// making them takes time as well. A run ends when they are spent.
func freshFor(o *Options) int {
	const least, most, perSecond = 500, 50_000, 12_000
	n := int(o.For.Seconds() * perSecond)
	if o.For <= 0 {
		n = most
	}
	if o.Count > 0 {
		n = min(n, int(min(o.Count, most))+o.Connections+most/10) // some are spent before the count begins
	}
	return min(max(n, least, 2*o.Connections), most+2*o.Connections)
}
