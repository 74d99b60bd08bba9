package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/grantd/grantd/config"
)

// drain is how long running requests may take to finish after SIGTERM.
const drain = 20 * time.Second

// maxPublicHeader is room for an authorization request of 32 KB in the URL of a page
// that leads back to it, where much of it is encoded once more.
const maxPublicHeader = 64 << 10

// listeners are the two addresses of a server.
type listeners struct{ public, ops net.Listener }

func listen(cfg config.Config) (listeners, error) {
	public, err := net.Listen("tcp", cfg.Listen)
	if err != nil {
		return listeners{}, listenError(err, "listen")
	}
	ops, err := net.Listen("tcp", cfg.OpsListen)
	if err != nil {
		return listeners{}, listenError(err, "ops_listen")
	}
	return listeners{public, ops}, nil
}

func listenError(err error, setting string) error {
	return fmt.Errorf("%w; free the address or set %s to another", err, setting)
}

// surfaces are what both listeners answer with: those of a server, or of the resource router alone.
type surfaces interface {
	http.Handler
	Ops() http.Handler
	WatchCertificate(until func() time.Time)
}

// serveHTTP answers both listeners until ctx ends, lets balancers notice, and then
// lets running requests finish.
func serveHTTP(ctx context.Context, cfg config.Config, srv surfaces, on listeners, log *slog.Logger, started func()) error {
	var leaving atomic.Bool
	public, ops := newHTTPServer(closing(&leaving, srv), log), newHTTPServer(unready(&leaving, profiled(cfg.Pprof, srv.Ops())), log)
	public.MaxHeaderBytes = maxPublicHeader
	listener := on.public
	if cfg.TLS.CertFile != "" {
		certificate, err := newCertificate(cfg.TLS.CertFile, cfg.TLS.KeyFile, log)
		if err != nil {
			return err
		}
		srv.WatchCertificate(certificate.until)
		listener = tls.NewListener(listener, &tls.Config{
			GetCertificate: certificate.get, MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"},
		})
	}
	failed := make(chan error, 2)
	go func() { failed <- public.Serve(listener) }()
	go func() { failed <- ops.Serve(on.ops) }()
	if started != nil {
		started()
	}
	var err error
	select {
	case err = <-failed:
	case <-ctx.Done():
		leaving.Store(true)
		log.Info("grantd stops", "delay", cfg.ShutdownDelay.String(), "drain", drain.String())
		select {
		case err = <-failed:
		case <-time.After(cfg.ShutdownDelay):
		}
	}
	return errors.Join(err, shutDown(public, ops))
}

// unready fails /readyz while the server is leaving. A balancer that sees it sends
// requests elsewhere before connections are refused.
func unready(leaving *atomic.Bool, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if leaving.Load() && r.URL.Path == "/readyz" {
			http.Error(w, "the server is stopping", http.StatusServiceUnavailable)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// closing lets no client keep a connection to a server that is leaving: the next
// request on it could cross its end. The same goes for one whose end is in doubt.
func closing(leaving *atomic.Bool, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if leaving.Load() || endInDoubt(r) {
			w.Header().Set("Connection", "close")
		}
		h.ServeHTTP(w, r)
	})
}

// endInDoubt is whether a proxy in front could see another end of the request than we do, and
// take what follows for a part of it. RFC 9112 §6.1: after chunks that came with a length, or by
// HTTP/1.0, the connection is closed. net/http hides which they came with.
func endInDoubt(r *http.Request) bool {
	return len(r.TransferEncoding) > 0 || !r.ProtoAtLeast(1, 1)
}

// shutDown stops taking connections and waits for running requests, in order.
func shutDown(servers ...*http.Server) error {
	ctx, cancel := context.WithTimeout(context.Background(), drain)
	defer cancel()
	var errs []error
	for _, s := range servers {
		err := s.Shutdown(ctx)
		if errors.Is(err, context.DeadlineExceeded) {
			err = errors.Join(fmt.Errorf("requests that still ran %s after the signal were cut off; their clients may repeat them", drain), s.Close())
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// newHTTPServer bounds everything that a slow or hostile peer could hold on to.
func newHTTPServer(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}
