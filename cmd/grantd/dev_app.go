package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"syscall"

	"github.com/grantd/grantd/cmd/grantd/demoapp"
	"github.com/grantd/grantd/store"
)

// demoListener is where the demo app is served. Its zero value is none.
type demoListener struct {
	net.Listener
	URL    string // where browsers reach it
	server *http.Server
}

// listenDemo opens the address of the demo app, or on a port that is free: of
// several dev servers side by side each has one. Browsers reach it by another
// name than the server, so that neither gets the other's cookies.
func listenDemo(address string) (demoListener, error) {
	if address == "" || address == "off" {
		return demoListener{}, nil
	}
	l, err := net.Listen("tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		l, err = net.Listen("tcp", freePort)
	}
	if err != nil {
		return demoListener{}, fmt.Errorf("%w; set --demo-listen to another address, or to off", err)
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		return demoListener{}, err
	}
	return demoListener{Listener: l, URL: "http://localhost:" + port}, nil
}

// serve answers for the demo app, whose client is in db, until close.
func (d *demoListener) serve(ctx context.Context, db *store.DB, issuer string, log *slog.Logger) error {
	usable, err := addDemoApp(ctx, db, d.URL)
	if err != nil {
		return err
	}
	if !usable {
		log.Warn("the demo app cannot sign anybody in: its client has another secret; run grantd client delete " + demoAppID)
	}
	app, err := demoapp.New(demoapp.Options{
		Issuer: issuer, URL: d.URL, ClientID: demoAppID, ClientSecret: demoAppSecret, Log: log,
	})
	if err != nil {
		return err
	}
	d.server = newHTTPServer(app, log)
	go func() {
		if err := d.server.Serve(d.Listener); !errors.Is(err, http.ErrServerClosed) {
			log.Error("the demo app stops", "error", err)
		}
	}()
	return nil
}

// close ends the demo app at once: nothing in it is worth waiting for.
func (d *demoListener) close() { d.server.Close() }
