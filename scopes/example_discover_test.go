package scopes_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/grantd/grantd/scopes"
)

// A Verifier from the URL of the issuer. Revocations count within seconds.
func ExampleDiscover() {
	issuer := newExampleIssuer()
	defer issuer.close()
	issuer.revoked = []scopes.Revocation{scopes.RevokedGrant("g-1")}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()

	verifier, err := scopes.Discover(ctx, issuer.URL, "https://api.example.com", scopes.DiscoverOptions{
		OnError: func(err error) { log.Print(err) },
	})
	if err != nil {
		log.Fatal(err)
	}
	_, err = verifier.Verify(ctx, issuer.token("me", time.Minute))
	fmt.Println(err)
	// Output: the token was revoked; get a new one
}

// How old the list of revocations may get is the choice of the service.
func ExampleRevocationOptions() {
	_, err := scopes.Discover(context.Background(), "https://auth.example.com", "https://api.example.com", scopes.DiscoverOptions{
		Revocations: scopes.RevocationOptions{Poll: 30 * time.Second, MaxAge: 10 * time.Second},
	})
	fmt.Println(err)
	// Output: RevocationOptions: MaxAge (10s) is shorter than twice Poll (30s): one late answer would make the list too old
}

// A service that waits for its issuer before it says that it is ready.
func ExampleVerifier_Ready() {
	issuer := newExampleIssuer()
	defer issuer.close()
	service, stop := context.WithCancel(context.Background()) // for as long as the service runs
	defer stop()
	verifier, err := scopes.Discover(service, issuer.URL, "https://api.example.com", scopes.DiscoverOptions{})
	if err != nil {
		log.Fatal(err)
	}
	start, stop := context.WithTimeout(service, 10*time.Second)
	defer stop()
	fmt.Println(verifier.Ready(start))

	gone, stop := context.WithCancel(service)
	stop()
	verifier, err = scopes.Discover(service, "http://127.0.0.1:1", "https://api.example.com", scopes.DiscoverOptions{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(errors.Is(verifier.Ready(gone), context.Canceled))
	// Output:
	// <nil>
	// true
}

// An issuer that is asked about each token. It is down here: the service fails closed.
func ExampleIntrospect() {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	var introspector *scopes.Introspector
	introspector, err := scopes.Introspect(ctx, "http://127.0.0.1:1", "https://api.example.com", scopes.IntrospectOptions{
		ClientID:     "reports",
		ClientSecret: "kept in a file",
		CacheFor:     10 * time.Second,
	})
	if err != nil {
		log.Fatal(err)
	}
	guard := scopes.Guard{Verifier: introspector}
	fmt.Println(call(guard.Require("items")(ok), "GET", "/items", "opaque"))
	// Output: 503
}
