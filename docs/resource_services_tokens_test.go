package docs_test

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/grantd/grantd/scopes"
	"github.com/grantd/grantd/store"
)

// issuer is a running grantd, and the key that signs its access tokens: with it a test makes what the server
// would only sign on another day, such as a token that has expired.
type issuer struct {
	url string
	key *ecdsa.PrivateKey
}

func startIssuer(t *testing.T, address string) issuer {
	t.Helper()
	file := filepath.Join(t.TempDir(), "grantd.db")
	at := startDev(t, t.TempDir(), grantd(t), "dev", "--listen", address, "--database", "sqlite:"+file)
	db, err := store.Open(t.Context(), "sqlite:"+file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	keys, err := db.SigningKeys(t.Context())
	ofAccess := slices.IndexFunc(keys, func(k store.SigningKey) bool { return k.Alg == "ES256" }) // the others sign ID tokens
	if err != nil || ofAccess < 0 {
		t.Fatalf("no ES256 among %d signing keys, %v", len(keys), err)
	}
	master, err := base64.StdEncoding.DecodeString(strings.TrimSpace(read(t, file+".master-key")))
	if err != nil {
		t.Fatal(err)
	}
	return issuer{at, unseal(t, master, keys[ofAccess])}
}

// unseal opens a private key as server/token sealed it. That package gives it to nobody.
func unseal(t *testing.T, master []byte, row store.SigningKey) *ecdsa.PrivateKey {
	t.Helper()
	key, err := hkdf.Key(sha256.New, master, nil, "grantd signing-key seal v1", 32)
	if err != nil {
		t.Fatal(err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	seal, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := seal.Open(nil, nil, row.Sealed, []byte(row.ID))
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.ParsePKCS8PrivateKey(plain)
	if err != nil {
		t.Fatal(err)
	}
	return private.(*ecdsa.PrivateKey)
}

// login gives the tokens of a user who lets an app have that scope.
func (i issuer) login(t *testing.T, scope string) (access, refresh string) {
	t.Helper()
	reply, err := http.PostForm(i.url+"/token", url.Values{
		"grant_type": {"password"}, "username": {"johndoe"}, "password": {"secret"}, "scope": {scope},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	var tokens struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
	}
	if err := json.NewDecoder(reply.Body).Decode(&tokens); err != nil || tokens.Access == "" || tokens.Refresh == "" {
		t.Fatalf("login: %s %v", reply.Status, err)
	}
	return tokens.Access, tokens.Refresh
}

// revoke takes a token back, as an app does when somebody logs out.
func (i issuer) revoke(t *testing.T, token string) {
	t.Helper()
	reply, err := http.PostForm(i.url+"/revoke", url.Values{"client_id": {"dev"}, "token": {token}})
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	if reply.StatusCode != http.StatusOK {
		t.Fatalf("revoke: %s", reply.Status)
	}
}

// parsed is a token taken apart. Tests change a copy in one thing and sign it again.
type parsed struct {
	header, claims map[string]any
	method         jwt.SigningMethod
	key            any
}

// again takes a token of the issuer apart, lets change alter it, and signs it, unless change says otherwise
// by the issuer's own key.
func (i issuer) again(t *testing.T, token string, change func(*parsed)) string {
	t.Helper()
	claims := jwt.MapClaims{}
	old, _, err := jwt.NewParser().ParseUnverified(token, claims)
	if err != nil {
		t.Fatal(err)
	}
	p := parsed{old.Header, claims, old.Method, i.key}
	change(&p)
	if _, chosen := p.header["alg"]; chosen {
		p.header["alg"] = p.method.Alg()
	}
	signed, err := (&jwt.Token{Header: p.header, Claims: jwt.MapClaims(p.claims), Method: p.method}).SignedString(p.key)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

// bearerCase is a call with an Authorization header, or with none, and what it must be answered.
type bearerCase struct {
	name, header string
	status       int
	code         string // the error of the challenge
}

// wait calls until the service has noticed that its issuer is there.
func (c bearerCase) wait(t *testing.T, url string) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); c.call(t, url).StatusCode == http.StatusServiceUnavailable; {
		if time.Now().After(deadline) {
			t.Fatal("the service does not notice that its issuer is there")
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func (c bearerCase) call(t *testing.T, url string) *http.Response {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if c.header != "" {
		request.Header.Set("Authorization", c.header)
	}
	reply, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { reply.Body.Close() })
	return reply
}

func (c bearerCase) check(t *testing.T, url string) {
	t.Helper()
	reply := c.call(t, url)
	body, err := io.ReadAll(reply.Body)
	if err != nil {
		t.Fatal(err)
	}
	if reply.StatusCode != c.status || strings.Contains(string(body), "reports of") != (c.status == http.StatusOK) {
		t.Errorf("status %d, want %d; body %s", reply.StatusCode, c.status, body)
	}
	switch c.status {
	case http.StatusOK:
		return
	case http.StatusServiceUnavailable:
		if reply.Header.Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
		return
	}
	challenge, err := scopes.ParseChallenge(reply.Header.Get("WWW-Authenticate"))
	if err != nil || challenge.Error != c.code || challenge.Scope.String() != "items" {
		t.Errorf("WWW-Authenticate: %s (%v), want the error %q and the scope items", reply.Header.Get("WWW-Authenticate"), err, c.code)
	}
}

// bearerCases are the same for every service, but for one that says that who may write may read.
func bearerCases(t *testing.T, s service, i issuer) []bearerCase {
	t.Helper()
	access, refresh := i.login(t, "items")
	other, _ := i.login(t, "me")
	writer, _ := i.login(t, "items:write")
	stranger, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(i.key.Public())
	if err != nil {
		t.Fatal(err)
	}
	with := func(change func(*parsed)) string { return "Bearer " + i.again(t, access, change) }
	since := func(expiry time.Duration) func(*parsed) {
		return func(p *parsed) {
			now := time.Now()
			p.claims["iat"], p.claims["exp"] = now.Add(-expiry-15*time.Minute).Unix(), now.Add(-expiry).Unix()
		}
	}
	ok, refused := http.StatusOK, http.StatusUnauthorized
	writes := bearerCase{"the scope of another name with the same beginning", "Bearer " + writer, http.StatusForbidden, "insufficient_scope"}
	if strings.Contains(s.source, "Hierarchy") {
		writes = bearerCase{"a scope that includes the one needed", "Bearer " + writer, ok, ""}
	}
	return []bearerCase{
		{"our token", "Bearer " + access, ok, ""},
		{"our token, signed again", with(func(*parsed) {}), ok, ""},
		{"expired within the tolerance", with(since(30 * time.Second)), ok, ""},
		{"of more scopes", with(func(p *parsed) { p.claims["scope"] = "me items" }), ok, ""},
		{"for more services", with(func(p *parsed) { p.claims["aud"] = []string{"https://other.example.com", i.url} }), ok, ""},

		{"expired", with(since(2 * time.Minute)), refused, "invalid_token"},
		{"without expiry", with(func(p *parsed) { delete(p.claims, "exp") }), refused, "invalid_token"},
		{"for another audience", with(func(p *parsed) { p.claims["aud"] = []string{"https://other.example.com"} }), refused, "invalid_token"},
		{"for nobody", with(func(p *parsed) { delete(p.claims, "aud") }), refused, "invalid_token"},
		{"of another issuer", with(func(p *parsed) { p.claims["iss"] = "https://other.example.com" }), refused, "invalid_token"},
		{"without the scope", "Bearer " + other, http.StatusForbidden, "insufficient_scope"},
		writes,
		{"of no scope", with(func(p *parsed) { p.claims["scope"] = "" }), http.StatusForbidden, "insufficient_scope"},

		{"a refresh token", "Bearer " + refresh, refused, "invalid_token"},
		{"no token", "", refused, ""},
		{"another scheme", "Basic ZGV2LXNlcnZpY2U6ZGV2LXNlcnZpY2Utc2VjcmV0", refused, ""},
		{"no JWT", "Bearer abc", refused, "invalid_token"},
		{"the type of ID tokens", with(func(p *parsed) { p.header["typ"] = "JWT" }), refused, "invalid_token"},
		{"no type", with(func(p *parsed) { delete(p.header, "typ") }), refused, "invalid_token"},
		{"alg none", with(func(p *parsed) { p.method, p.key = jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType }), refused, "invalid_token"},
		{"the public key as a secret", with(func(p *parsed) { p.method, p.key = jwt.SigningMethodHS256, public }), refused, "invalid_token"},
		{"signed by a stranger", with(func(p *parsed) { p.key = stranger }), refused, "invalid_token"},
		{"a key nobody knows", with(func(p *parsed) { p.header["kid"], p.key = "stranger", stranger }), refused, "invalid_token"},
		{"the signature of another token", "Bearer " + access[:strings.LastIndex(access, ".")] + other[strings.LastIndex(other, "."):], refused, "invalid_token"},
	}
}
