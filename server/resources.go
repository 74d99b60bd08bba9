package server

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/grantd/grantd/scopes"
	"github.com/grantd/grantd/server/resource"
	"github.com/grantd/grantd/server/telemetry"
	"github.com/grantd/grantd/store"
)

// ResourceOptions say how Resources work. Fields without a comment on their zero
// value are required.
type ResourceOptions struct {
	// DB has users and items.
	DB *store.DB
	// Verifier checks tokens, which are from Issuer.
	Verifier *scopes.Verifier
	Issuer   string
	// URL is where apps reach the routes (RFC 9728 §1.2).
	URL string
	// Signup opens POST /users/.
	Signup              bool
	BcryptCost          int
	MaxConcurrentHashes int
	// Limits has the rate of sign-ups. The zero Limits are none.
	Limits Limits
	// Hasher hashes passwords. Nil means OwnHasher.
	Hasher Hasher
	// TrustedProxies may say whom a request comes from. Empty means nobody may.
	TrustedProxies []netip.Prefix
	Version        string
	// Tracing makes traces of requests. Nil means that there are none.
	Tracing *telemetry.Tracing
	// Log takes one record per request. Nil means they are dropped.
	Log *slog.Logger
	// Now is the machine's clock. Required, as it dates rows.
	Now func() time.Time
}

// Resources answers the URLs of the resource router alone, which are what a Server
// has of it. It holds no key: it learns of keys and revocations as any service does.
type Resources struct {
	*frame
	probes  []probe
	handler http.Handler
}

// NewResources makes Resources that are ready as soon as their Verifier is.
func NewResources(o ResourceOptions) (*Resources, error) {
	base, err := url.Parse(o.URL)
	if err != nil || base.Host == "" {
		return nil, fmt.Errorf("%q is not an absolute URL; name the https URL under which apps reach the resource router", o.URL)
	}
	rs := &Resources{frame: newFrame(o.Log, o.TrustedProxies, o.Version)}
	hashes := newHashPool(o.MaxConcurrentHashes, o.BcryptCost, o.Hasher)
	rs.metrics.ofDatabase(o.DB)
	rs.metrics.ofHashing(hashes)
	rs.tracing, hashes.tracing = o.Tracing, o.Tracing
	known := readyNow(o.Verifier)
	rs.metrics.Value(telemetry.Gauge, "issuer_known", "Whether the issuer's keys and revocations are known, 0 or 1, to the resource router on its own.",
		func() float64 { return float64(truth(known(context.Background()) == nil)) })
	rs.probes = []probe{databaseProbe(o.DB), {"the issuer's keys or revocations are not known", known}}
	table := rs.newURLs(strings.TrimSuffix(base.Path, "/"))
	signups := &signups{o.DB, newGuard(o.Limits), hashes, o.Now}
	if _, err := rs.mountResources(table, resource.Options{
		DB: o.DB, Verifier: o.Verifier, Issuer: o.Issuer, URL: strings.TrimSuffix(o.URL, "/"), Signup: o.Signup,
		HashPassword: signups.hash, Version: o.Version, Now: o.Now,
	}); err != nil {
		return nil, err
	}
	rs.handler = rs.observe(table)
	return rs, nil
}

// readyNow does not wait for what comes later: whoever probes will ask again.
func readyNow(v *scopes.Verifier) func(context.Context) error {
	return func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, readyTime/10)
		defer cancel()
		return v.Ready(ctx)
	}
}

// ServeHTTP answers the public listener.
func (rs *Resources) ServeHTTP(w http.ResponseWriter, r *http.Request) { rs.handler.ServeHTTP(w, r) }

// Ops answers the operator's listener: is the process alive, can it serve.
func (rs *Resources) Ops() http.Handler { return rs.ops(rs.probes...) }
