package scopes_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/golang-jwt/jwt/v5"

	"github.com/grantd/grantd/scopes"
)

// exampleIssuer stands in for a running grantd: it publishes its key and issues tokens.
type exampleIssuer struct {
	URL     string
	JWKS    []byte
	public  ed25519.PublicKey
	private ed25519.PrivateKey
	revoked []scopes.Revocation
	close   func()
}

func newExampleIssuer() *exampleIssuer {
	public, private, err := ed25519.GenerateKey(nil)
	must(public, err)
	set := jwkset.NewMemoryStorage()
	must(0, set.KeyWrite(context.Background(), must(jwkset.NewJWKFromKey(public, jwkset.JWKOptions{
		Metadata: jwkset.JWKMetadataOptions{KID: "2026-07", ALG: jwkset.AlgEdDSA, USE: jwkset.UseSig},
	}))))
	i := &exampleIssuer{JWKS: must(set.JSONPublic(context.Background())), public: public, private: private}
	server := httptest.NewServer(i)
	i.URL, i.close = server.URL, server.Close
	return i
}

// ServeHTTP publishes metadata, keys and the list of revocations.
func (i *exampleIssuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/.well-known/oauth-authorization-server":
		fmt.Fprintf(w, `{"issuer":%q,"jwks_uri":%q,"revocation_list_uri":%q}`, i.URL, i.URL+"/.well-known/jwks.json", i.URL+"/revocations")
	case "/.well-known/jwks.json":
		_, _ = w.Write(i.JWKS)
	case "/revocations":
		payload := must(scopes.RevocationList{
			Issuer: i.URL, URL: i.URL + "/revocations", IssuedAt: time.Now(), ExpiresAt: time.Now().Add(3 * time.Minute),
			Revoked: scopes.NewRevocations(i.revoked...),
		}.MarshalJSON())
		fmt.Fprint(w, sign(signer{scopes.Key{Alg: "EdDSA"}, i.private}, `{"alg":"EdDSA","kid":"2026-07","typ":"revocations+jwt"}`, string(payload)))
	}
}

// token issues an access token for https://api.example.com.
func (i *exampleIssuer) token(scope string, life time.Duration) string {
	t := jwt.NewWithClaims(jwt.SigningMethodEdDSA, jwt.MapClaims{
		"iss": i.URL, "aud": audience, "sub": "u-1", "client_id": "dev", "jti": "j-1", "gid": "g-1",
		"scope": scope, "iat": time.Now().Unix(), "exp": time.Now().Add(life).Unix(), "auth_time": time.Now().Unix(),
	})
	t.Header["typ"], t.Header["kid"] = "at+jwt", "2026-07"
	return must(t.SignedString(i.private))
}

// A resource service from end to end.
func Example() {
	issuer := newExampleIssuer()
	defer issuer.close()
	ctx, stop := context.WithCancel(context.Background())
	defer stop()

	verifier, err := scopes.Discover(ctx, issuer.URL, "https://api.example.com", scopes.DiscoverOptions{
		OnError: func(err error) { log.Print(err) },
	})
	if err != nil {
		log.Fatal(err)
	}
	guard := &scopes.Guard{
		Verifier:         verifier,
		Realm:            "api",
		ResourceMetadata: "https://api.example.com/.well-known/oauth-protected-resource",
	}
	items := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		claims, _ := scopes.FromContext(r.Context())
		fmt.Fprintf(w, "items of %s, for client %s", claims.Subject, claims.ClientID)
	})
	service := httptest.NewServer(guard.Require("me", "items")(items))
	defer service.Close()

	for _, authorization := range []string{
		"Bearer " + issuer.token("me items", time.Minute),
		"Bearer " + issuer.token("me", time.Minute),
		"",
	} {
		req, _ := http.NewRequest(http.MethodGet, service.URL, nil)
		if authorization != "" {
			req.Header.Set("Authorization", authorization)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			log.Fatal(err)
		}
		text, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		fmt.Println(resp.Status)
		fmt.Println(string(text))
	}
	// Output:
	// 200 OK
	// items of u-1, for client dev
	// 403 Forbidden
	// {"error":"insufficient_scope","error_description":"the token lacks the scope items; ask for it when you get a token"}
	//
	// 401 Unauthorized
	// {"error":"invalid_token","error_description":"no access token was sent; send one in the Authorization header: Bearer, a space, the token"}
}

func ExampleParse() {
	set, err := scopes.Parse("me items me")
	fmt.Println(set, err)
	_, err = scopes.Parse("me  items")
	fmt.Println(err)
	_, err = scopes.Parse(`me "items"`)
	fmt.Println(err)
	fmt.Println(scopes.MaxSetBytes)
	// Output:
	// me items <nil>
	// the scope string has a space too many: part the names with one space, with none at the ends
	// scope name "\"items\"" has the byte "\"": leave out quotes, backslashes, controls and all that is not ASCII
	// 4096
}

func ExampleValidName() {
	fmt.Println(scopes.ValidName("items:write"), scopes.ValidName("items write"))
	// Output: true false
}

func ExampleSet() {
	requested, allowed := scopes.Set{"items", "me", "admin"}, scopes.Set{"me", "items", "items:write"}
	granted := requested.Intersect(allowed)
	fmt.Println(granted.String())
	fmt.Println(requested.Minus(allowed))
	fmt.Println(granted.Has("me"), allowed.Contains(granted), granted.Equal(scopes.Set{"me", "items"}))
	// Output:
	// items me
	// admin
	// true true true
}

func ExampleChallenge() {
	c := scopes.Challenge{Realm: "api", Error: "insufficient_scope", Scope: scopes.Set{"me", "items"}}
	fmt.Println(c.String())
	// Output: Bearer realm="api", error="insufficient_scope", scope="me items"
}

// A client asks for the scopes that a resource names.
func ExampleParseChallenge() {
	c, err := scopes.ParseChallenge(`Basic realm="old", Bearer realm="api", scope="me items"`)
	fmt.Println(c.Scope, err)
	// Output: me items <nil>
}

func ExampleBearerToken() {
	r := httptest.NewRequest(http.MethodPost, "/refresh", nil)
	_, err := scopes.BearerToken(r)
	fmt.Println(err)
	r.Header.Set("Authorization", "Bearer mF_9.B5f-4.1JqM")
	fmt.Println(scopes.BearerToken(r))
	// Output:
	// no access token was sent; send one in the Authorization header: Bearer, a space, the token
	// mF_9.B5f-4.1JqM <nil>
}

// Services that share a secret with the issuer name it by the kid of the tokens.
func ExampleStaticKeys() {
	keys, err := scopes.StaticKeys(scopes.Key{ID: "shared", Alg: "HS256", Key: []byte("0123456789abcdef0123456789abcdef")})
	if err != nil {
		log.Fatal(err)
	}
	k, err := keys.Key(context.Background(), "shared")
	fmt.Println(k.Alg, err)
	_, err = scopes.StaticKeys(scopes.Key{ID: "shared", Alg: "HS256", Key: []byte("secret")})
	fmt.Println(err)
	// Output:
	// HS256 <nil>
	// key "shared": HS256 takes a secret of 32 bytes or more, not 6
}

// A set that was fetched before, for a service without access to the issuer.
func ExampleParseJWKS() {
	keys, err := scopes.ParseJWKS([]byte(`{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"2026-07",
		"x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`))
	if err != nil {
		log.Fatal(err)
	}
	k, err := keys.Key(context.Background(), "2026-07")
	fmt.Println(k.Alg, err)
	// Output: EdDSA <nil>
}

// A service that starts before its issuer: requests get 503 until the keys are there.
func ExampleJWKS() {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	keys, err := scopes.JWKS(ctx, "https://auth.example.com/.well-known/jwks.json", scopes.JWKSOptions{
		Refresh:   10 * time.Minute,
		Transport: http.NewFileTransport(http.Dir("testdata/no-such-folder")),
	})
	if err != nil {
		log.Fatal(err)
	}
	_, err = keys.Key(ctx, "2026-07")
	fmt.Println(err)
	// Output: fetch keys: https://auth.example.com/.well-known/jwks.json answers 404 Not Found
}

// database is a KeySource of one's own.
type database map[string]scopes.Key

func (d database) Key(_ context.Context, kid string) (scopes.Key, error) {
	if k, ok := d[kid]; ok {
		return k, nil
	}
	return scopes.Key{}, scopes.ErrUnknownKey
}

func ExampleKeySource() {
	var keys scopes.KeySource = database{}
	_, err := keys.Key(context.Background(), "2025-07")
	fmt.Println(errors.Is(err, scopes.ErrUnknownKey))
	// Output: true
}

func ExampleVerifier_Verify() {
	issuer := newExampleIssuer()
	defer issuer.close()
	keys, err := scopes.ParseJWKS(issuer.JWKS)
	if err != nil {
		log.Fatal(err)
	}
	verifier, err := scopes.NewVerifier(scopes.VerifierOptions{
		Issuer:   issuer.URL,
		Audience: "https://api.example.com",
		Keys:     keys,
		Leeway:   10 * time.Second,
		Now:      time.Now,
		Revoked:  func(_ context.Context, c *scopes.Claims) (bool, error) { return c.GrantID == "stolen", nil },
	})
	if err != nil {
		log.Fatal(err)
	}
	claims, err := verifier.Verify(context.Background(), issuer.token("me items", time.Minute))
	fmt.Println(claims.Subject, claims.Scope, err)

	_, err = verifier.Verify(context.Background(), issuer.token("me", -time.Hour))
	var refusal *scopes.Error
	if errors.As(err, &refusal) {
		fmt.Println(refusal.Kind, refusal.Kind == scopes.Expired)
	}
	// Output:
	// u-1 me items <nil>
	// expired true
}

func ExampleNewVerifier() {
	_, err := scopes.NewVerifier(scopes.VerifierOptions{Issuer: "https://auth.example.com"})
	fmt.Println(err)
	fmt.Println("tokens up to", scopes.MaxTokenBytes, "bytes")
	// Output:
	// VerifierOptions.Audience is empty: give the name that tokens for this service carry in aud
	// VerifierOptions.Keys is nil: give JWKS, ParseJWKS or StaticKeys
	// tokens up to 8192 bytes
}

// What each kind of refusal is answered with.
func ExampleError() {
	for _, kind := range []scopes.Kind{
		scopes.Missing, scopes.Malformed, scopes.Expired, scopes.NotYetValid, scopes.WrongIssuer, scopes.WrongAudience,
		scopes.WrongType, scopes.UnknownKey, scopes.BadSignature, scopes.Revoked, scopes.Inactive, scopes.Insufficient, scopes.KeysUnavailable,
		scopes.RevocationsUnavailable, scopes.Unavailable,
	} {
		e := &scopes.Error{Kind: kind}
		fmt.Println(e.Status(), e.Code(), kind)
	}
	e := &scopes.Error{Kind: scopes.KeysUnavailable, Description: "try again later", Cause: io.ErrUnexpectedEOF}
	fmt.Println(e.Error(), errors.Unwrap(e) == e.Unwrap(), e.Temporary())
	// Output:
	// 401 invalid_token missing
	// 401 invalid_token malformed
	// 401 invalid_token expired
	// 401 invalid_token not_yet_valid
	// 401 invalid_token wrong_issuer
	// 401 invalid_token wrong_audience
	// 401 invalid_token wrong_type
	// 401 invalid_token unknown_key
	// 401 invalid_token bad_signature
	// 401 invalid_token revoked
	// 401 invalid_token inactive
	// 403 insufficient_scope insufficient
	// 503 temporarily_unavailable keys_unavailable
	// 503 temporarily_unavailable revocations_unavailable
	// 503 temporarily_unavailable unavailable
	// try again later: unexpected EOF true true
}
