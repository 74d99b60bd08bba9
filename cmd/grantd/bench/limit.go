package bench

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	mathrand "math/rand/v2"
	"net"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/gorilla/mux"
	"golang.org/x/crypto/bcrypt"

	"github.com/grantd/grantd/store"
)

// The limit of an operation is the sum of what nothing can avoid: one round trip of net/http and gorilla/mux with bodies of
// its size, the arithmetic of its signatures, and what the database itself takes for its statement. All of it is measured
// in a process of its own, on the processors that the server has.

// ServeLimits answers what limits are measured with, until ctx ends. It takes the database and the certificate from the
// settings that a server under load has in its environment, and says where it listens as a server does.
func ServeLimits(ctx context.Context, log *slog.Logger) error {
	listener, err := listenLimits()
	if err != nil {
		return err
	}
	router := mux.NewRouter()
	router.Path("/answer/{bytes}").HandlerFunc(answer)
	router.Path("/arithmetic").HandlerFunc(replying(func(*http.Request) (any, error) { return measureArithmetic() }))
	router.Path("/hashes/{cost}").HandlerFunc(replying(measureHashes))
	router.Path("/statement").HandlerFunc(replying(func(r *http.Request) (any, error) {
		return measureStatement(r.Context(), os.Getenv("GRANTD_DATABASE"))
	}))
	srv := &http.Server{Handler: router, ReadHeaderTimeout: patience}
	context.AfterFunc(ctx, func() { srv.Close() })
	log.Info(startRecord, "listen", listener.Addr().String())
	if err := srv.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func listenLimits() (net.Listener, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	file := os.Getenv("GRANTD_TLS_CERT_FILE")
	if err != nil || file == "" {
		return listener, err
	}
	pair, err := tls.LoadX509KeyPair(file, os.Getenv("GRANTD_TLS_KEY_FILE"))
	return tls.NewListener(listener, &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}), err
}

// answer reads what was sent and answers with JSON of a length.
func answer(w http.ResponseWriter, r *http.Request) {
	n, err := strconv.Atoi(mux.Vars(r)["bytes"])
	if err != nil || n < 2 || n > maxAnswer {
		http.Error(w, "no such length", http.StatusNotFound)
		return
	}
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(n))
	text := slices.Repeat([]byte("x"), n)
	text[0], text[n-1] = '"', '"'
	w.Write(text)
}

func replying(measure func(*http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v, err := measure(r)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(v)
	}
}

// hashRounds is how many passwords are checked on each processor to find the rate.
const hashRounds = 12

// measureHashes is how many passwords bcrypt checks in a second, on all processors that this process has.
func measureHashes(r *http.Request) (any, error) {
	cost, err := strconv.Atoi(mux.Vars(r)["cost"])
	if err != nil {
		return nil, err
	}
	const password = "correct horse battery"
	hash, err := bcrypt.GenerateFromPassword([]byte(password), cost)
	if err != nil {
		return nil, err
	}
	var wg sync.WaitGroup
	each := make([]time.Duration, runtime.GOMAXPROCS(0))
	for i := range each {
		wg.Go(func() {
			start := time.Now()
			for range hashRounds {
				_ = bcrypt.CompareHashAndPassword(hash, []byte(password)) // it is right
			}
			each[i] = time.Since(start) / hashRounds
		})
	}
	wg.Wait()
	rate := 0.0
	for _, took := range each {
		rate += 1 / took.Seconds()
	}
	return rate, nil
}

// statements is how many of them are measured.
const statements = 4096

// callers is how many ask PostgreSQL at the same time.
const callers = 16

func measureStatement(ctx context.Context, database string) (each time.Duration, err error) {
	db, err := store.Open(ctx, database, store.Connections(callers))
	if err != nil {
		return 0, err
	}
	defer db.Close()
	all, err := db.Grants(ctx, store.GrantFilter{ClientID: limitID, Limit: statements, Now: time.Now()})
	if err != nil {
		return 0, err
	}
	if len(all) == 0 {
		return 0, fmt.Errorf("there are no authorizations of the client %s", limitID)
	}
	// In no order, as apps refresh: those that lie together would share pages.
	mathrand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	in := make([]store.Rotation, len(all))
	for i, g := range all {
		in[i] = store.Rotation{
			ID: g.ID, ClientID: g.ClientID, UserID: g.UserID, Generation: g.Generation,
			Now: time.Now(), IdleTTL: refreshTTL, Grace: time.Minute, From: "127.0.0.1", Until: time.Now().Add(time.Hour),
		}
	}
	return db.StatementCost(ctx, callers, in)
}
