package bench

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"runtime"
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

// ServeLimits answers what limits are measured with, until ctx ends. The database is the one that a server under load
// uses; it says where it listens as a server does.
func ServeLimits(ctx context.Context, log *slog.Logger, database string) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	router := mux.NewRouter()
	router.Path("/answer/{bytes}").HandlerFunc(answer)
	router.Path("/arithmetic").HandlerFunc(replying(func(*http.Request) (any, error) { return measureArithmetic() }))
	router.Path("/hashes").HandlerFunc(replying(func(*http.Request) (any, error) { return measureHashes() }))
	router.Path("/statement").HandlerFunc(replying(func(r *http.Request) (any, error) { return measureStatement(r.Context(), database) }))
	srv := &http.Server{Handler: router, ReadHeaderTimeout: patience}
	context.AfterFunc(ctx, func() { srv.Close() })
	log.Info(startRecord, "listen", listener.Addr().String())
	if err := srv.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
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
	w.Write([]byte(`"`))
	w.Write(bytes.Repeat([]byte("x"), n-2))
	w.Write([]byte(`"`))
}

func replying(measure func(*http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v, err := measure(r)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		json.NewEncoder(w).Encode(v)
	}
}

// arithmetic is what signatures take by themselves.
type arithmetic struct {
	Sign, Verify time.Duration // ES256
	MAC          time.Duration // HS256, of a refresh token
}

func measureArithmetic() (a arithmetic, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return a, err
	}
	text := make([]byte, 400)
	digest := sha256.Sum256(text)
	signature, err := ecdsa.SignASN1(rand.Reader, key, digest[:])
	if err != nil {
		return a, err
	}
	secret := make([]byte, 32)
	for _, step := range []struct {
		took *time.Duration
		do   func()
	}{
		{&a.Sign, func() {
			digest := sha256.Sum256(text)
			_, err = ecdsa.SignASN1(rand.Reader, key, digest[:])
		}},
		{&a.Verify, func() {
			digest := sha256.Sum256(text)
			if !ecdsa.VerifyASN1(&key.PublicKey, digest[:], signature) {
				err = errors.New("a signature is wrong")
			}
		}},
		{&a.MAC, func() {
			mac := hmac.New(sha256.New, secret)
			mac.Write(text)
			mac.Sum(nil)
		}},
	} {
		if *step.took = timeOf(step.do); err != nil {
			return a, err
		}
	}
	return a, nil
}

// timeOf is the time that do takes, of at least a tenth of a second.
func timeOf(do func()) time.Duration {
	for n := 1; ; n *= 2 {
		start := time.Now()
		for range n {
			do()
		}
		if took := time.Since(start); took > 100*time.Millisecond {
			return took / time.Duration(n)
		}
	}
}

// measureHashes is how many passwords bcrypt checks in a second, on all processors that this process has.
func measureHashes() (rate float64, err error) {
	hash, err := bcrypt.GenerateFromPassword([]byte(password), hashCost)
	if err != nil {
		return 0, err
	}
	var wg sync.WaitGroup
	each := make([]time.Duration, runtime.GOMAXPROCS(0))
	for i := range each {
		wg.Go(func() {
			const rounds = 12
			start := time.Now()
			for range rounds {
				_ = bcrypt.CompareHashAndPassword(hash, []byte(password)) // it is right
			}
			each[i] = time.Since(start) / rounds
		})
	}
	wg.Wait()
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
	in := make([]store.Rotation, len(all))
	for i, g := range all {
		in[i] = store.Rotation{
			ID: g.ID, ClientID: g.ClientID, UserID: g.UserID, Generation: g.Generation,
			Now: time.Now(), IdleTTL: refreshTTL, Grace: time.Minute, From: "127.0.0.1", Until: time.Now().Add(time.Hour),
		}
	}
	return db.StatementCost(ctx, callers, in)
}
