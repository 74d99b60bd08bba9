// Package server is grantd's authorization server: every URL, every protocol
// decision. It sees the database through store, keys and JWTs through token,
// and go-oauth2 as the engine of the token endpoint.
package server

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	oauth2server "github.com/go-oauth2/oauth2/v4/server"
	"github.com/grantd/grantd/scopes"
	"github.com/grantd/grantd/server/pages"
	"github.com/grantd/grantd/server/telemetry"
	"github.com/grantd/grantd/server/token"
	"github.com/grantd/grantd/store"
)

// leeway is the clock skew between machines that validation forgives.
const leeway = time.Minute

// Options say how a Server works. Fields without a comment on their zero value
// are required.
type Options struct {
	DB     *store.DB
	Master *token.Master
	// Issuer is the URL that names this server in every token (RFC 8414 §2).
	Issuer string
	// Scopes are the only scopes that exist, in the order tokens list them.
	Scopes []Scope

	AccessTTL     time.Duration
	RefreshTTL    time.Duration // idle life of a refresh token
	RefreshMaxTTL time.Duration // absolute life of one authorization
	// ReuseGrace is how long a repeat of the last rotation is answered. Zero means never.
	ReuseGrace time.Duration
	SigningAlg string
	// SharedSecret signs access tokens when SigningAlg is HS256.
	SharedSecret []byte
	// Audience is the aud of access tokens. Empty means the issuer.
	Audience string
	// Audiences are the others that apps may ask for by the parameter resource
	// (RFC 8707). Empty means there are none.
	Audiences []string

	BcryptCost          int
	MaxConcurrentHashes int
	// Limits bound how often passwords are guessed, and what clients ask. The zero Limits are none.
	Limits Limits
	// Hasher hashes passwords. Nil means OwnHasher.
	Hasher Hasher
	// DefaultClient is taken for password and refresh requests that name none. Empty means none is.
	DefaultClient string
	// Signup opens POST /users/ and the page to sign up.
	Signup bool
	// SessionTTL is how long a browser stays signed in that is not used. Zero means 12 hours.
	SessionTTL time.Duration
	// SessionMaxTTL is how long a browser stays signed in at most. Zero means 7 days.
	SessionMaxTTL time.Duration
	// Brand is what the pages look like. The zero Brand is grantd's own.
	Brand pages.Brand
	// Resources serves the built-in resource router.
	Resources bool
	// TrustedProxies may say whom a request comes from. Empty means nobody may.
	TrustedProxies []netip.Prefix
	Version        string
	// Settings are those that the server starts with, for the audit log: without any secret. Nil means that it notes none.
	Settings map[string]any
	// AuditRetention is how long decisions are kept in the audit log, and RoutineRetention the use of what was decided. Zero means
	// that decisions are kept for good, and that their use is only logged.
	AuditRetention, RoutineRetention time.Duration
	// DemoApp is the URL of an app that the start page shows people. Empty means there is none.
	DemoApp string
	// Explain shows callers why they are refused, as the operator sees it: for a server that has nobody's data. False
	// in all others, where it would tell strangers which users exist.
	Explain bool

	// Tracing makes traces of requests. Nil means that there are none.
	Tracing *telemetry.Tracing
	// Log takes one record per request and the audit events. Nil means they are dropped.
	Log *slog.Logger
	// Now is the machine's clock. Nil means time.Now. Where the database has a clock of its own that
	// differs by more than a second, the server goes by that one.
	Now func() time.Time
}

// Scope is a scope that exists and what it lets an app do, for people.
type Scope struct{ Name, Description string }

// Server answers the URLs of one issuer.
type Server struct {
	Options
	*frame
	scopes      scopes.Set // names of Options.Scopes
	ownScopes   scopes.Set // those of them that the settings define
	ring        *token.Ring
	keyTurn     keyTurn
	looked      lookedAtKeys
	working     atomic.Pointer[token.Master] // whose keys are in use
	refresher   *token.Refresher
	verifier    *scopes.Verifier
	anyVerifier *scopes.Verifier
	auditKey    []byte
	live        *revocations
	lives       lives
	lists       lists
	revokes     revokeLimits
	farewells   *farewells
	origins     origins
	oldSecrets  oldSecrets
	clients     *rows[store.Client]
	owners      *rows[store.User] // by authorization
	clock       *clock
	hashes      *hashPool
	guard       *guard
	signups     *signups
	requests    *rates[requester]
	engine      *oauth2server.Server
	pages       *pages.Pages
	sameSite    *http.CrossOriginProtection
	prefix      string // path of the issuer URL, without a trailing slash
	handler     http.Handler
}

// New makes a server that is ready to answer: it has signing keys and knows
// every revocation that still matters. Run keeps it so.
func New(ctx context.Context, o Options) (*Server, error) {
	issuer, err := url.Parse(o.Issuer)
	if err != nil || issuer.Host == "" {
		return nil, fmt.Errorf("issuer %q is not an absolute URL; set it to the https URL clients use", o.Issuer)
	}
	s := &Server{Options: o, clients: newRows[store.Client](0), owners: newRows[store.User](mostOwners), prefix: strings.TrimSuffix(issuer.Path, "/")}
	s.live = newRevocations(s.forget)
	s.farewells = newFarewells()
	s.lists.turn, s.keyTurn = make(chan struct{}, 1), make(keyTurn, 1)
	s.setDefaults()
	if err := s.followClock(ctx); err != nil {
		return nil, err
	}
	for _, scope := range o.Scopes {
		s.ownScopes = append(s.ownScopes, scope.Name)
	}
	s.Scopes = withIdentityScopes(o.Scopes)
	for _, scope := range s.Scopes {
		s.scopes = append(s.scopes, scope.Name)
	}
	s.sameSite = http.NewCrossOriginProtection()
	if err := s.sameSite.AddTrustedOrigin(issuer.Scheme + "://" + issuer.Host); err != nil {
		return nil, fmt.Errorf("issuer %q: %w", o.Issuer, err)
	}
	if s.pages, err = pages.New(s.Brand, s.prefix); err != nil {
		return nil, err
	}
	s.hashes = newHashPool(o.MaxConcurrentHashes, o.BcryptCost, o.Hasher)
	s.hashes.tracing = o.Tracing
	s.limit(o.Limits)
	s.engine = newEngine(s)
	s.refresher = token.NewRefresher(o.Master, o.Issuer, s.Now)
	if s.ring, err = token.NewRing(o.SigningAlg, nil); err != nil {
		return nil, err
	}
	if err := s.makeVerifiers(); err != nil {
		return nil, err
	}
	if err := claimMaster(ctx, s.DB, s.Master, s.Now()); err != nil {
		return nil, err
	}
	if err := s.loadKeys(ctx); err != nil {
		return nil, err
	}
	if err := s.keepEvents(ctx); err != nil {
		return nil, err
	}
	if err := s.ensureKeys(ctx, s.SigningAlg); err != nil {
		return nil, err
	}
	if err := s.noteLife(ctx); err != nil {
		return nil, err
	}
	if err := s.poll(ctx); err != nil {
		return nil, err
	}
	if err := s.recallSeen(ctx); err != nil {
		return nil, err
	}
	table, err := s.routes()
	if err != nil {
		return nil, err
	}
	s.handler = s.observe(table)
	s.watchState()
	return s, nil
}

func (s *Server) setDefaults() {
	if s.Audience == "" {
		s.Audience = s.Issuer
	}
	s.SessionTTL = cmp.Or(s.SessionTTL, 12*time.Hour)
	s.SessionMaxTTL = cmp.Or(s.SessionMaxTTL, 7*24*time.Hour)
	s.frame = newFrame(s.Log, s.TrustedProxies, s.Version)
	s.tracing = s.Tracing
	s.metrics.ofIssuing()
	s.Log, s.explains = s.frame.log, s.Explain
	s.clock = &clock{local: s.Now}
	if s.Now == nil {
		s.clock.local = time.Now
	}
	s.Now = s.clock.now
	s.events.now = s.Now
}

// ServeHTTP answers the public listener.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// MaxAccessTTL is the longest life of an access token that the settings allow.
const MaxAccessTTL = 24 * time.Hour

// accessEnd is when the last access token issued before now is refused as
// expired everywhere: a revocation need not be remembered longer. Tokens may be
// out that were issued under a longer setting than today's.
func accessEnd(now time.Time) time.Time { return now.Add(MaxAccessTTL + 2*leeway) }
