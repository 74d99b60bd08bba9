package bench

import (
	"context"
	"fmt"
	"net/url"
	"time"
)

// operation is something that a server is asked for.
type operation struct {
	name, about string
	// begin gets ready for a load of n requests, or of any number where n is zero.
	begin func(ctx context.Context, s *scene, o *Options) (func(connection int) exchange, error)
	// most is how many requests one begin is good for. Zero means any number.
	most int64
	// arithmetic is what its signatures take.
	arithmetic func(a arithmetic) time.Duration
	statement  bool // it costs one statement of the database
	hashes     bool // it costs a password's hash, for which all processors are there
	beside     bool // passwords are asked for at the same time, as fast as they are answered
}

// fresh is how many tokens are made to be seen for the first time.
const fresh = 20_000

// besides is how many connections ask for passwords beside another operation.
const besides = 64

var operations = []operation{
	{
		name: "refresh", about: "a refresh token for the next one and an access token, durable before the answer",
		begin: func(ctx context.Context, s *scene, o *Options) (func(int) exchange, error) {
			return s.refreshers(ctx, o)
		},
		arithmetic: func(a arithmetic) time.Duration { return a.Sign + 2*a.MAC }, statement: true,
	},
	{
		name: "client_credentials", about: "an access token for a client itself",
		begin: func(_ context.Context, s *scene, _ *Options) (func(int) exchange, error) {
			request := post(s.url, "/token", s.service, url.Values{"grant_type": {"client_credentials"}})
			return func(int) exchange { return each([][]byte{request}, 0, `"access_token"`) }, nil
		},
		arithmetic: func(a arithmetic) time.Duration { return a.Sign },
	},
	{
		name: "introspect", about: "introspection of access tokens that were seen before",
		begin: func(ctx context.Context, s *scene, o *Options) (func(int) exchange, error) {
			requests, err := s.introspections(s.users(ctx, o))
			return seen(ctx, s, requests, `"active":true`, err)
		},
		arithmetic: func(arithmetic) time.Duration { return 0 },
	},
	{
		name: "introspect_first", about: "introspection of access tokens that were never seen",
		begin: func(ctx context.Context, s *scene, o *Options) (func(int) exchange, error) {
			requests, err := s.introspections(s.services(ctx, fresh))
			return func(i int) exchange { return each(requests[i*len(requests)/o.Connections:], 0, `"active":true`) }, err
		},
		most: fresh, arithmetic: func(a arithmetic) time.Duration { return a.Verify },
	},
	{
		name: "me", about: "GET /users/me/ with access tokens that were seen before",
		begin: func(ctx context.Context, s *scene, o *Options) (func(int) exchange, error) {
			tokens, err := s.users(ctx, o)
			var requests [][]byte
			for _, t := range tokens {
				requests = append(requests, get(s.url, "/users/me/", t))
			}
			return seen(ctx, s, requests, `"username"`, err)
		},
		arithmetic: func(arithmetic) time.Duration { return 0 },
	},
	{
		name: "password", about: "a login with a password, on all processors",
		begin:  func(_ context.Context, s *scene, _ *Options) (func(int) exchange, error) { return s.logins(), nil },
		hashes: true,
	},
	{
		name: "refresh_beside_password", about: fmt.Sprintf("refresh, while %d connections keep the password endpoint busy", besides),
		begin: func(ctx context.Context, s *scene, o *Options) (func(int) exchange, error) {
			return s.refreshers(ctx, o)
		},
		arithmetic: func(a arithmetic) time.Duration { return a.Sign + 2*a.MAC }, statement: true, beside: true,
	},
}

// refreshers gives each connection chains of its own.
func (s *scene) refreshers(ctx context.Context, o *Options) (func(int) exchange, error) {
	chains, err := s.authorization(ctx, max(o.Chains, o.Connections))
	if err != nil {
		return nil, err
	}
	return func(i int) exchange {
		return s.refreshing(chains[i*len(chains)/o.Connections : (i+1)*len(chains)/o.Connections])
	}, nil
}

// users gives access tokens of users.
func (s *scene) users(ctx context.Context, o *Options) (tokens []string, err error) {
	chains, err := s.authorization(ctx, max(min(o.Chains, usersMany), o.Connections))
	if err != nil {
		return nil, err
	}
	refresh := s.refreshing(chains)
	return s.tokens(ctx, len(chains), func(c *conn) ([]byte, error) {
		if err := refresh(c); err != nil {
			return nil, err
		}
		return tokenIn(c.body, "access_token")
	})
}

// services gives n access tokens of a client itself.
func (s *scene) services(ctx context.Context, n int) (tokens []string, err error) {
	request := post(s.url, "/token", s.service, url.Values{"grant_type": {"client_credentials"}})
	return s.tokens(ctx, n, func(c *conn) ([]byte, error) {
		body, err := c.answered(request, "")
		if err != nil {
			return nil, err
		}
		return tokenIn(body, "access_token")
	})
}

func (s *scene) tokens(ctx context.Context, n int, next func(c *conn) ([]byte, error)) (tokens []string, err error) {
	c := s.conn()
	defer c.close()
	for range n {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		token, err := next(c)
		if err != nil {
			return nil, err
		}
		tokens = append(tokens, string(token))
	}
	return tokens, nil
}

func (s *scene) conn() *conn { return &conn{target: s.url, tls: s.tls} }

func (s *scene) introspections(tokens []string, err error) (requests [][]byte, _ error) {
	for _, t := range tokens {
		requests = append(requests, post(s.url, "/introspect", s.service, url.Values{"token": {t}}))
	}
	return requests, err
}

// seen sends each request once before the load begins with them.
func seen(ctx context.Context, s *scene, requests [][]byte, want string, err error) (func(int) exchange, error) {
	if err != nil {
		return nil, err
	}
	c := s.conn()
	defer c.close()
	for _, r := range requests {
		if _, err := c.answered(r, want); err != nil {
			return nil, err
		}
	}
	return func(i int) exchange { return each(requests, i*37, want) }, ctx.Err()
}

func (s *scene) logins() func(int) exchange {
	request := post(s.url, "/token", "", url.Values{"grant_type": {"password"}, "client_id": {s.app}, "username": {s.user}, "password": {s.pass}})
	return func(int) exchange { return each([][]byte{request}, 0, `"access_token"`) }
}
