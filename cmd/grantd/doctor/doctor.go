// Package doctor examines an OAuth 2.0 authorization server from outside, as a client and a browser meet it, against the
// RFCs. It knows nothing of the server but its issuer URL, and may be told a client and a user to test with.
package doctor

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Outcome is what was found at a point.
type Outcome string

// The outcomes. CannotTell has the reason as its evidence: nobody was named to sign in, say.
const (
	OK         Outcome = "ok"
	Fails      Outcome = "fails"
	CannotTell Outcome = "cannot tell"
)

// Level is how strongly the section asks for it (RFC 2119).
type Level string

// The levels.
const (
	Must   Level = "MUST"
	Should Level = "SHOULD"
)

// Client is a client that the server has registered for tests.
type Client struct {
	ID string
	// Secret is empty for a public client.
	Secret string
}

// What Options mean where they are zero.
const (
	DefaultRequests = 400
	DefaultPatience = 15 * time.Second
	DefaultTimeout  = 5 * time.Minute
)

// Options say what is examined, and with whom.
type Options struct {
	// Issuer is the URL of the server, byte for byte as clients have it.
	Issuer string
	// Client is for what a client alone sees. Its ID is empty: those points cannot be told.
	Client Client
	// Other is a second client, which tries what belongs to the first.
	Other Client
	// RedirectURI is one that is registered for Client. Nothing is ever sent there.
	RedirectURI string
	// Scope is what Client asks for. Empty leaves the parameter out.
	Scope string
	// User signs in and consents. It is empty: points about codes and tokens cannot be told.
	User, Password string
	// Roots are the certificates that are trusted. Nil means those of the system.
	Roots *x509.CertPool
	// Requests is how many are sent at most. Zero means DefaultRequests.
	Requests int
	// Patience is how long an answer may take. Zero means DefaultPatience.
	Patience time.Duration
	// Timeout is how long all of it may take. Zero means DefaultTimeout.
	Timeout time.Duration
}

// Check says what is wrong with the options, nil if nothing is.
func (o Options) Check() error {
	u, err := url.Parse(o.Issuer)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil {
		return errors.New("the issuer is no URL such as https://auth.example.com")
	}
	if o.RedirectURI != "" {
		if to, err := url.Parse(o.RedirectURI); err != nil || !to.IsAbs() {
			return errors.New("--redirect-uri is no absolute URI such as https://app.example.com/callback")
		}
	}
	if o.Client.ID == "" && (o.RedirectURI != "" || o.User != "" || o.Other.ID != "" || o.Scope != "") {
		return errors.New("say with --client whose the redirect URI, the user and the scope are")
	}
	if o.User != "" && o.RedirectURI == "" {
		return errors.New("say with --redirect-uri where the client has people sent; nothing is sent there")
	}
	return nil
}

// Result is what was found at one point.
type Result struct {
	Point    string  `json:"point"`
	Group    string  `json:"group"`
	Outcome  Outcome `json:"outcome"`
	Level    Level   `json:"level"`
	Section  string  `json:"section"`
	Claim    string  `json:"claim"`
	Evidence string  `json:"evidence"` // never a secret, a token or a code
}

// Report is all that was found, in the order of the points.
type Report struct {
	Issuer   string   `json:"issuer"`
	Results  []Result `json:"results"`
	Requests int      `json:"requests"` // that were sent
}

// Count is how many points have the outcome at that level.
func (r Report) Count(outcome Outcome, level Level) (n int) {
	for _, one := range r.Results {
		if one.Outcome == outcome && one.Level == level {
			n++
		}
	}
	return n
}

// Run examines the server and calls each with every result, as soon as there is one. The error is that of ctx, or says
// that no server answers at all.
func Run(ctx context.Context, o Options, each func(Result)) (Report, error) {
	return examine(ctx, o, points, each)
}

func examine(ctx context.Context, o Options, points []point, each func(Result)) (Report, error) {
	if err := o.Check(); err != nil {
		return Report{}, err
	}
	e, err := newExam(o)
	if err != nil {
		return Report{}, err
	}
	defer e.transport.CloseIdleConnections()
	timed, cancel := context.WithTimeout(ctx, e.Timeout)
	defer cancel()
	if err := e.reach(timed); err != nil {
		return Report{}, errors.Join(ctx.Err(), err)
	}
	report := Report{Issuer: o.Issuer}
	for _, p := range points {
		v := p.run(timed, e)
		if ctx.Err() != nil {
			e.leave(context.WithoutCancel(ctx))
			return report, ctx.Err()
		}
		if timed.Err() != nil {
			v = unknown("the time for all points, %v, is over", e.Timeout)
		}
		r := Result{p.id, p.group, v.outcome, p.level, p.section, p.claim, e.clean(v)}
		report.Results = append(report.Results, r)
		each(r)
	}
	e.leave(ctx)
	report.Requests = e.sent
	return report, nil
}

// reach is an error where nobody answers at all. What is wrong with TLS is a result.
func (e *exam) reach(ctx context.Context) error {
	var refused *net.OpError
	var nowhere *net.DNSError
	_, err := e.get(ctx, e.wellKnown()[0])
	if errors.As(err, &nowhere) || errors.As(err, &refused) && refused.Op == "dial" {
		return fmt.Errorf("no server answers at %s: %w; name its issuer URL", e.Issuer, err)
	}
	return nil
}

// leave ends the authorizations that the examination made, as far as the server lets clients do that. It has three
// seconds for it, no matter why the examination ended.
func (e *exam) leave(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	e.Requests += len(e.given) // they are not what the bound is for
	for _, token := range e.given {
		if _, err := e.revoke(ctx, token); err != nil {
			return // nothing depends on it: tokens expire
		}
	}
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || ip != nil && ip.IsLoopback()
}

// statusText is "400 Bad Request", for evidence.
func statusText(status int) string {
	return strings.TrimSpace(fmt.Sprintf("%d %s", status, http.StatusText(status)))
}
