package bench

import (
	"context"
	"net/url"
)

// scene is a server to be loaded and what it knows its callers by.
type scene struct {
	target
	pid                   int    // of its process; zero: unknown
	token, introspect, me string // paths of its endpoints

	app        string // a public client that may refresh
	user, pass string
	scope      string // that is asked for when user logs in; empty: none
	service    string // what stands behind Basic: a client that may have tokens of its own, and introspect

	// chains gives n authorizations, or as many as there are.
	chains func(ctx context.Context, n int) ([]*chain, error)
	// release says that what chains gave is not used any more.
	release func()
	// fresh gives n access tokens that the server has not seen.
	fresh func(ctx context.Context, n int) ([]string, error)
}

// chain is an authorization, refreshed each time with the token that it was given before.
type chain struct {
	client  string
	refresh []byte
}

// refreshing refreshes chains in turn, which nobody else may have.
func (s *scene) refreshing(chains []*chain) exchange {
	var request []byte
	n := 0
	return func(c *conn) error {
		ch := chains[n%len(chains)]
		n++
		form := "grant_type=refresh_token&client_id=" + url.QueryEscape(ch.client) + "&refresh_token=" + string(ch.refresh)
		request = appendPost(request[:0], s.url.Host, s.token, "", form)
		body, err := c.ask(request, `"access_token"`)
		if err != nil {
			return err
		}
		next, err := tokenIn(body, "refresh_token")
		ch.refresh = append(ch.refresh[:0], next...)
		return err
	}
}

// mostSeen is how many access tokens are sent again and again.
const mostSeen = 1000

// accessTokens gives some of users.
func (s *scene) accessTokens(ctx context.Context, o *Options) ([]string, error) {
	chains, err := s.chains(ctx, max(min(o.Chains, mostSeen), o.Connections))
	if err != nil {
		return nil, err
	}
	return s.refreshed(ctx, chains, len(chains))
}

// refreshed gives n access tokens, each from a refresh.
func (s *scene) refreshed(ctx context.Context, chains []*chain, n int) ([]string, error) {
	refresh := s.refreshing(chains)
	return s.collect(ctx, n, func(c *conn) ([]byte, error) {
		if err := refresh(c); err != nil {
			return nil, err
		}
		return tokenIn(c.body, "access_token")
	})
}

// ofService gives n access tokens of a client itself, which cost the server less.
func (s *scene) ofService(ctx context.Context, n int) ([]string, error) {
	request := s.post(s.token, s.service, url.Values{"grant_type": {"client_credentials"}})
	return s.collect(ctx, n, func(c *conn) ([]byte, error) {
		body, err := c.ask(request, "")
		if err != nil {
			return nil, err
		}
		return tokenIn(body, "access_token")
	})
}

func (s *scene) collect(ctx context.Context, n int, next func(c *conn) ([]byte, error)) (tokens []string, err error) {
	c := s.conn(ctx)
	defer c.close()
	for range n {
		token, err := next(c)
		if err != nil {
			return nil, err
		}
		tokens = append(tokens, string(token))
	}
	return tokens, nil
}

func (s *scene) introspections(tokens []string) [][]byte {
	requests := make([][]byte, len(tokens))
	for i, t := range tokens {
		requests[i] = s.post(s.introspect, s.service, url.Values{"token": {t}})
	}
	return requests
}

// seen sends each request once before the load begins with them.
func (s *scene) seen(ctx context.Context, requests [][]byte, want string) (func(int) exchange, error) {
	c := s.conn(ctx)
	defer c.close()
	for _, r := range requests {
		if _, err := c.ask(r, want); err != nil {
			return nil, err
		}
	}
	return func(i int) exchange { return again(requests, i*37, want) }, nil
}

// login is a request for tokens with a password.
func (s *scene) login() []byte {
	form := url.Values{"grant_type": {"password"}, "client_id": {s.app}, "username": {s.user}, "password": {s.pass}}
	if s.scope != "" {
		form.Set("scope", s.scope)
	}
	return s.post(s.token, "", form)
}

func (s *scene) logins() func(int) exchange {
	request := s.login()
	return func(int) exchange { return again([][]byte{request}, 0, `"access_token"`) }
}
