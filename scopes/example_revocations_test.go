package scopes_test

import (
	"fmt"
	"log"
	"time"

	"github.com/grantd/grantd/scopes"
)

// An issuer publishes what it revoked, and a service asks whether its tokens are among that.
func ExampleRevocationList() {
	revokedAt := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	entries := []scopes.Revocation{
		scopes.RevokedToken("j-1"),              // one access token
		scopes.RevokedGrant("g-1"),              // all tokens of an authorization
		scopes.RevokedSubject("u-1", revokedAt), // all tokens that a user had by then
		scopes.RevokedClient("dev", revokedAt),  // all tokens that a client had by then
	}
	printed, err := scopes.RevocationList{
		Issuer:    "https://auth.example.com",
		URL:       "https://auth.example.com/revocations",
		IssuedAt:  revokedAt,
		ExpiresAt: revokedAt.Add(3 * time.Minute),
		TTL:       5 * time.Second,
		Revoked:   scopes.NewRevocations(entries...),
	}.MarshalJSON() // the claims of a JWT
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(printed))

	var list scopes.RevocationList
	if err := list.UnmarshalJSON(printed); err != nil { // after its signature was checked
		log.Fatal(err)
	}
	fmt.Println(list.Revoked.Len())
	fmt.Println(list.Revoked.Revokes(&scopes.Claims{ID: "j-7", GrantID: "g-1"}))
	fmt.Println(list.Revoked.Revokes(&scopes.Claims{ID: "j-8", ClientID: "dev", IssuedAt: revokedAt.Add(time.Second)}))
	// Output:
	// {"iss":"https://auth.example.com","sub":"https://auth.example.com/revocations","iat":1782907200,"exp":1782907380,"ttl":5,"revoked":{"tokens":"uUKgIglv9D7vgRN066xWyQ","before":"dDVfQrKwNz0AAAAAakUBQHbz8zJ15ggbAAAAAGpFAUA"}}
	// 4
	// true
	// false
}

func ExampleNewRevocations() {
	var revoked scopes.Revocations // what a list without entries holds
	fmt.Println(revoked.Len(), scopes.NewRevocations().Len())
	text, err := scopes.NewRevocations(scopes.RevokedToken("j-1")).MarshalJSON()
	fmt.Println(string(text), err)
	// Output:
	// 0 0
	// {"tokens":"uUKgIglv9D4"} <nil>
}
