package server_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-oauth2/oauth2/v4"
	oautherrors "github.com/go-oauth2/oauth2/v4/errors"
	"github.com/go-oauth2/oauth2/v4/generates"
	"github.com/go-oauth2/oauth2/v4/manage"
	"github.com/go-oauth2/oauth2/v4/models"
	stockserver "github.com/go-oauth2/oauth2/v4/server"
	stockstore "github.com/go-oauth2/oauth2/v4/store"
	"github.com/golang-jwt/jwt/v5"
	"github.com/grantd/grantd/scopes"
	"github.com/grantd/grantd/server/token"
)

// Each test here shows a weakness of go-oauth2 as it comes out of the box, and
// that grantd, which is built on parts of it, does not have it. The first half
// keeps the second one honest; when it fails after an update of go-oauth2, the
// weakness has been mended there.

// stock is go-oauth2 with its own manager, its own store in memory and its
// default settings, as its README sets it up.
type stock struct {
	*stockserver.Server
	manager *manage.Manager
	logins  int // calls of the password handler
}

func newStock(t *testing.T) *stock {
	t.Helper()
	clients := stockstore.NewClientStore()
	for _, c := range []*models.Client{
		{ID: "app", Secret: "app secret", Domain: "https://app.example"},
		{ID: "other", Secret: "other secret", Domain: "https://other.example"},
	} {
		if err := clients.Set(c.ID, c); err != nil {
			t.Fatal(err)
		}
	}
	manager := manage.NewDefaultManager()
	manager.MustTokenStorage(stockstore.NewMemoryTokenStore())
	manager.MapClientStorage(clients)
	s := &stock{Server: stockserver.NewDefaultServer(manager), manager: manager}
	s.PasswordAuthorizationHandler = func(_ context.Context, _, username, secret string) (string, error) {
		s.logins++
		if secret != password {
			return "", oautherrors.ErrInvalidGrant
		}
		return "u-" + username, nil
	}
	return s
}

// send posts a form to the handler h.
func (s *stock) send(t *testing.T, h func(http.ResponseWriter, *http.Request) error, target string, body url.Values, edits ...edit) reply {
	t.Helper()
	r := httptest.NewRequest("POST", target, strings.NewReader(body.Encode()))
	r.Header.Set("Content-Type", formType)
	for _, e := range edits {
		e(r)
	}
	w := httptest.NewRecorder()
	if err := h(w, r); err != nil {
		t.Fatal(err)
	}
	out := reply{Response: w.Result(), body: w.Body.String()}
	json.Unmarshal(w.Body.Bytes(), &out.JSON) // a redirect has none
	return out
}

func (s *stock) token(t *testing.T, body url.Values, edits ...edit) reply {
	t.Helper()
	return s.send(t, s.HandleTokenRequest, "/token", body, edits...)
}

// asApp is the client's Basic header as go-oauth2 reads it.
func asApp(r *http.Request) { r.SetBasicAuth("app", "app secret") }

func (s *stock) login(t *testing.T, scope string) reply {
	t.Helper()
	res := s.token(t, form("grant_type", "password", "username", "ann", "password", password, "scope", scope), asApp)
	res.wantOK(t)
	return res
}

// code logs in at the authorize endpoint, with more parameters if given, and
// returns the code.
func (s *stock) code(t *testing.T, pairs ...string) string {
	t.Helper()
	s.UserAuthorizationHandler = func(http.ResponseWriter, *http.Request) (string, error) { return "u-ann", nil }
	res := s.send(t, s.HandleAuthorizeRequest, "/authorize",
		form(append([]string{"response_type", "code", "client_id", "app", "redirect_uri", "https://app.example/cb"}, pairs...)...))
	u, err := res.Location()
	if err != nil {
		t.Fatal(err)
	}
	return u.Query().Get("code")
}

func redeem(code string) url.Values {
	return form("grant_type", "authorization_code", "code", code, "redirect_uri", "https://app.example/cb")
}

func TestStockRefreshAuthenticatesNoClient(t *testing.T) {
	std := newStock(t)
	wrong := func(r *http.Request) { r.SetBasicAuth("app", "wrong secret") }
	std.token(t, form("grant_type", "refresh_token", "refresh_token", std.login(t, "me").str("refresh_token")), wrong).wantOK(t)

	s := newSystem(t)
	first := s.post("/token", form("grant_type", "password", "username", "ann", "password", password), as("service", serviceSecret))
	refresh := form("grant_type", "refresh_token", "refresh_token", first.str("refresh_token"))
	s.post("/token", refresh, as("service", "wrong secret")).wantError(t, http.StatusUnauthorized, "invalid_client")
	s.post("/token", refresh, as("service", serviceSecret)).wantOK(t)
}

func TestStockRefreshesForAnotherClient(t *testing.T) {
	std := newStock(t)
	thief := func(r *http.Request) { r.SetBasicAuth("other", "other secret") }
	std.token(t, form("grant_type", "refresh_token", "refresh_token", std.login(t, "me").str("refresh_token")), thief).wantOK(t)

	s := newSystem(t)
	refresh := s.login("me").str("refresh_token")
	s.post("/token", form("grant_type", "refresh_token", "client_id", "other", "refresh_token", refresh)).wantError(t, http.StatusBadRequest, "invalid_grant")
	s.refresh(refresh).wantOK(t) // nothing was spent
}

func TestStockRefreshWidensScope(t *testing.T) {
	std := newStock(t)
	wider := std.token(t, form("grant_type", "refresh_token", "refresh_token", std.login(t, "me").str("refresh_token"), "scope", "me admin"), asApp)
	if wider.StatusCode != http.StatusOK || wider.str("scope") != "me admin" {
		t.Errorf("stock: %d %s", wider.StatusCode, wider.body)
	}

	s := newSystem(t)
	s.refresh(s.login("me").str("refresh_token"), "scope", "me items").wantError(t, http.StatusBadRequest, "invalid_scope")
}

func TestStockRefreshKeepsNarrowedScope(t *testing.T) {
	std := newStock(t)
	narrow := std.token(t, form("grant_type", "refresh_token", "refresh_token", std.login(t, "me items").str("refresh_token"), "scope", "me"), asApp)
	after := std.token(t, form("grant_type", "refresh_token", "refresh_token", narrow.str("refresh_token")), asApp)
	if after.str("scope") != "me" {
		t.Errorf("stock: %d %s", after.StatusCode, after.body)
	}

	s := newSystem(t)
	kept := s.refresh(s.login("me items").str("refresh_token"), "scope", "me")
	if kept.str("scope") != "me" {
		t.Errorf("%d %s", kept.StatusCode, kept.body)
	}
	if after := s.refresh(kept.str("refresh_token")); after.str("scope") != "me items" {
		t.Errorf("%d %s", after.StatusCode, after.body)
	}
}

// gated lets the reads of n racers happen before the first of them goes on, as
// a busy scheduler may.
type gated struct {
	oauth2.TokenStore
	all *sync.WaitGroup
}

func gate(t *testing.T, std *stock, racers int) {
	t.Helper()
	inner, err := stockstore.NewMemoryTokenStore()
	if err != nil {
		t.Fatal(err)
	}
	g := gated{inner, new(sync.WaitGroup)}
	g.all.Add(racers)
	std.manager.MapTokenStorage(g)
}

func (g gated) GetByRefresh(ctx context.Context, refresh string) (oauth2.TokenInfo, error) {
	info, err := g.TokenStore.GetByRefresh(ctx, refresh)
	g.all.Done()
	g.all.Wait()
	return info, err
}

func (g gated) GetByCode(ctx context.Context, code string) (oauth2.TokenInfo, error) {
	info, err := g.TokenStore.GetByCode(ctx, code)
	g.all.Done()
	g.all.Wait()
	return info, err
}

// race sends n requests at once and counts what is different in the answers
// that were no refusals.
func race(n int, member string, send func() reply) (winners int, different map[string]bool) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	different = map[string]bool{}
	for range n {
		wg.Go(func() {
			res := send()
			mu.Lock()
			defer mu.Unlock()
			if res.StatusCode == http.StatusOK {
				winners++
				different[res.str(member)] = true
			}
		})
	}
	wg.Wait()
	return winners, different
}

func TestStockRotatesForAllRacers(t *testing.T) {
	const racers = 8
	std := newStock(t)
	gate(t, std, racers)
	refresh := form("grant_type", "refresh_token", "refresh_token", std.login(t, "me").str("refresh_token"))
	if winners, families := race(racers, "refresh_token", func() reply { return std.token(t, refresh, asApp) }); winners != racers || len(families) != racers {
		t.Errorf("stock: %d of %d won %d families", winners, racers, len(families))
	}

	s := newSystem(t)
	first := s.login("me").str("refresh_token")
	// The others are answered too, with the one successor (contract §4).
	if winners, families := race(racers, "refresh_token", func() reply { return s.refresh(first) }); winners != racers || len(families) != 1 {
		t.Errorf("%d of %d won %d families, want one", winners, racers, len(families))
	}
}

func TestStockRedeemsACodeForAllRacers(t *testing.T) {
	const racers = 8
	std := newStock(t)
	gate(t, std, racers)
	body := redeem(std.code(t))
	if winners, _ := race(racers, "access_token", func() reply { return std.token(t, body, asApp) }); winners != racers {
		t.Errorf("stock: %d of %d won", winners, racers)
	}

	s := withApps(t)
	code := s.code(asked())
	if winners, _ := race(racers, "access_token", func() reply { return s.redeem(code) }); winners != 1 {
		t.Errorf("%d of %d won", winners, racers)
	}
}

func TestStockMatchesRedirectURIsBySuffix(t *testing.T) {
	std := newStock(t)
	std.UserAuthorizationHandler = func(http.ResponseWriter, *http.Request) (string, error) { return "u-ann", nil }
	res := std.send(t, std.HandleAuthorizeRequest, "/authorize",
		form("response_type", "code", "client_id", "app", "redirect_uri", "http://evil-app.example/steal"))
	if where := res.Header.Get("Location"); !strings.HasPrefix(where, "http://evil-app.example/steal?code=") {
		t.Errorf("stock: sent to %q", where)
	}

	s := withApps(t)
	s.authorize(asked("redirect_uri", "https://evil-app.example/cb"), s.cookie("u-ann")).wantPage(t, http.StatusBadRequest)
}

func TestStockRedirectsBeforeItChecksWhere(t *testing.T) {
	std := newStock(t) // its user handler refuses everybody
	res := std.send(t, std.HandleAuthorizeRequest, "/authorize",
		form("response_type", "code", "client_id", "nobody", "redirect_uri", "https://phish.example/login"))
	if where := res.Header.Get("Location"); res.StatusCode != http.StatusFound || !strings.HasPrefix(where, "https://phish.example/login?error=") {
		t.Errorf("stock: %d, sent to %q", res.StatusCode, where)
	}

	withApps(t).authorize(asked("client_id", "nobody", "redirect_uri", "https://phish.example/login")).wantPage(t, http.StatusBadRequest)
}

func TestStockReadsTheQueryString(t *testing.T) {
	all := form("grant_type", "password", "username", "ann", "password", password)
	std := newStock(t)
	std.send(t, std.HandleTokenRequest, "/token?"+all.Encode(), nil, asApp).wantOK(t)

	s := newSystem(t)
	s.post("/token?"+all.Encode(), form("client_id", "app")).wantError(t, http.StatusBadRequest, "invalid_request")
	s.post("/token?grant_type=password", form("client_id", "app", "username", "ann", "password", password)).wantError(t, http.StatusBadRequest, "invalid_request")
}

func TestStockTakesTheFirstOfRepeatedParameters(t *testing.T) {
	for _, again := range []string{"grant_type", "username", "password", "scope"} {
		body := form("grant_type", "password", "username", "ann", "password", password, "scope", "me")
		body.Add(again, "another")
		newStock(t).token(t, body, asApp).wantOK(t)

		body.Set("client_id", "app")
		newSystem(t).post("/token", body).wantError(t, http.StatusBadRequest, "invalid_request")
	}
}

func TestStockChecksPasswordsForStrangers(t *testing.T) {
	body := form("grant_type", "password", "username", "ann", "password", password)
	std := newStock(t)
	res := std.token(t, body, func(r *http.Request) { r.SetBasicAuth("app", "wrong secret") })
	if res.StatusCode != http.StatusUnauthorized || std.logins != 1 {
		t.Errorf("stock: %d after %d logins", res.StatusCode, std.logins)
	}

	s := newSystem(t)
	defer s.occupyHashes()() // a login would wait
	s.post("/token", body, as("service", "wrong secret")).wantError(t, http.StatusUnauthorized, "invalid_client")
}

func TestStockTakesPlainPKCE(t *testing.T) {
	verifier := strings.Repeat("v", 43)
	std := newStock(t)
	std.token(t, with(redeem(std.code(t, "code_challenge", verifier)), "code_verifier", verifier), asApp).wantOK(t)

	s := withApps(t)
	for _, method := range []oauth2.CodeChallengeMethod{oauth2.CodeChallengePlain, ""} {
		if s.srv.Engine().CheckCodeChallengeMethod(method) {
			t.Errorf("code challenge method %q is allowed", method)
		}
		s.wantTold(t, s.authorize(asked("code_challenge", verifier[:43], "code_challenge_method", string(method)), s.cookie("u-ann")), "invalid_request")
	}
}

func with(v url.Values, name, value string) url.Values {
	v.Set(name, value)
	return v
}

func TestStockHasTheImplicitGrant(t *testing.T) {
	std := newStock(t)
	std.UserAuthorizationHandler = func(http.ResponseWriter, *http.Request) (string, error) { return "u-ann", nil }
	res := std.send(t, std.HandleAuthorizeRequest, "/authorize",
		form("response_type", "token", "client_id", "app", "redirect_uri", "https://app.example/cb"))
	if where := res.Header.Get("Location"); !strings.Contains(where, "#access_token=") {
		t.Errorf("stock: sent to %q", where)
	}

	s := withApps(t)
	engine := s.srv.Engine()
	if engine.CheckResponseType(oauth2.Token) || engine.CheckGrantType(oauth2.Implicit) {
		t.Error("the engine allows the implicit grant")
	}
	if _, err := engine.GetAuthorizeToken(t.Context(), &stockserver.AuthorizeRequest{ResponseType: oauth2.Token, ClientID: "app"}); err == nil {
		t.Error("the engine issues at the authorize endpoint")
	}
	s.wantTold(t, s.authorize(asked("response_type", "token"), s.cookie("u-ann")), "unsupported_response_type")
}

func TestStockReadsTokensInTheURL(t *testing.T) {
	std := newStock(t)
	access := std.login(t, "me").str("access_token")
	if _, err := std.ValidationBearerToken(httptest.NewRequest("GET", "/me?access_token="+access, nil)); err != nil {
		t.Errorf("stock: %v", err)
	}

	s := newSystem(t)
	access = s.login("me").str("access_token")
	s.get("/users/me/?access_token="+access).wantPlainChallenge(t, "me")
	if _, err := s.srv.Engine().ValidationBearerToken(httptest.NewRequest("GET", "/users/me/?access_token="+access, nil)); err == nil {
		t.Error("the engine reads a token in the query string")
	}
}

// RFC 6749 §5.2: 400, but for invalid_client.
func TestStockErrorStatuses(t *testing.T) {
	wrongPassword := form("grant_type", "password", "username", "ann", "password", "wrong")
	unknownGrant := form("grant_type", "magic")
	std := newStock(t)
	for _, c := range []struct {
		body   url.Values
		status int
		code   string
	}{
		{wrongPassword, http.StatusUnauthorized, "invalid_grant"},
		{unknownGrant, http.StatusUnauthorized, "unsupported_grant_type"},
	} {
		if res := std.token(t, c.body, asApp); res.StatusCode != c.status || res.str("error") != c.code {
			t.Errorf("stock: %d %s", res.StatusCode, res.body)
		}
	}

	s := newSystem(t)
	s.post("/token", with(wrongPassword, "client_id", "app")).wantRefusal(t, http.StatusBadRequest, "invalid_grant")
	s.post("/token", with(unknownGrant, "client_id", "app")).wantRefusal(t, http.StatusBadRequest, "unsupported_grant_type")
}

func TestStockFailsOverAMissingVerifier(t *testing.T) {
	std := newStock(t)
	res := std.token(t, redeem(std.code(t, "code_challenge", strings.Repeat("v", 43))), asApp)
	if res.StatusCode != http.StatusInternalServerError || res.str("error") != "server_error" {
		t.Errorf("stock: %d %s", res.StatusCode, res.body)
	}

	s := withApps(t)
	s.redeem(s.code(asked()), "code_verifier", "").wantRefusal(t, http.StatusBadRequest, "invalid_grant")
}

// RFC 6749 §5.2: a client that tried the Authorization header is challenged.
func TestStockChallengesNobody(t *testing.T) {
	body := form("grant_type", "client_credentials")
	std := newStock(t)
	res := std.token(t, body, func(r *http.Request) { r.SetBasicAuth("app", "wrong secret") })
	if res.StatusCode != http.StatusUnauthorized || res.Header.Get("WWW-Authenticate") != "" {
		t.Errorf("stock: %d, challenge %q", res.StatusCode, res.Header.Get("WWW-Authenticate"))
	}

	s := newSystem(t)
	s.post("/token", body, as("service", "wrong secret")).wantRefusal(t, http.StatusUnauthorized, "invalid_client", `Basic realm="grantd", charset="UTF-8"`)
}

// An error that says more than its code becomes a server_error.
func TestStockKnowsErrorsByIdentity(t *testing.T) {
	std := newStock(t)
	std.PasswordAuthorizationHandler = func(context.Context, string, string, string) (string, error) {
		return "", fmt.Errorf("account locked: %w", oautherrors.ErrInvalidGrant)
	}
	res := std.token(t, form("grant_type", "password", "username", "ann", "password", password), asApp)
	if res.StatusCode != http.StatusInternalServerError {
		t.Errorf("stock: %d %s", res.StatusCode, res.body)
	}

	// Our refusal of another client's token comes out of the engine with its own words.
	s := newSystem(t)
	refused := s.post("/token", form("grant_type", "refresh_token", "client_id", "other", "refresh_token", s.login("me").str("refresh_token")))
	refused.wantRefusal(t, http.StatusBadRequest, "invalid_grant")
	if !strings.Contains(refused.str("error_description"), "another client") {
		t.Errorf("description %q", refused.str("error_description"))
	}
}

func newPEM(t *testing.T, key *ecdsa.PrivateKey) []byte {
	t.Helper()
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der})
}

// RFC 9068 §2.1, §2.2: what an access token must have.
func TestStockJWTsLackClaims(t *testing.T) {
	std := newStock(t)
	std.manager.MapAccessGenerate(generates.NewJWTAccessGenerate("k", newPEM(t, newECKey(t)), jwt.SigningMethodES256))
	required := []string{"jti", "iat", "iss", "scope", "client_id"}
	access := std.login(t, "me").str("access_token")
	if typ := headerOf(t, access, "typ"); typ == "at+jwt" {
		t.Errorf("stock: typ %q", typ)
	}
	for _, name := range required {
		if value, ok := claimsOf(t, access)[name]; ok {
			t.Errorf("stock: %s is %v", name, value)
		}
	}

	s := newSystem(t)
	access = s.login("me").str("access_token")
	if typ := headerOf(t, access, "typ"); typ != "at+jwt" {
		t.Errorf("typ %q", typ)
	}
	for _, name := range append(required, "sub", "aud", "exp") {
		if claimsOf(t, access)[name] == nil {
			t.Errorf("no %s", name)
		}
	}
}

// Shown by taking the encoded key away: who has parsed it goes on.
func TestStockParsesTheKeyForEachToken(t *testing.T) {
	encoded := newPEM(t, newECKey(t))
	stockKey := generates.NewJWTAccessGenerate("k", encoded, jwt.SigningMethodES256)
	info := &oauth2.GenerateBasic{Client: &models.Client{ID: "app"}, UserID: "u", TokenInfo: models.NewToken()}
	if _, _, err := stockKey.Token(t.Context(), info, false); err != nil {
		t.Fatal(err)
	}
	clear(encoded)
	if _, _, err := stockKey.Token(t.Context(), info, false); err == nil {
		t.Error("stock: the key was parsed once")
	}

	master, now := masterOf(t, 1), time.Now()
	made, err := token.GenerateKey(token.ES256, now)
	if err != nil {
		t.Fatal(err)
	}
	_, sealed, err := made.Marshal(master)
	if err != nil {
		t.Fatal(err)
	}
	opened, err := token.OpenKey(master, made.ID, token.ES256, now, sealed)
	if err != nil {
		t.Fatal(err)
	}
	clear(sealed)
	ring, err := token.NewRing(token.ES256, []token.SigningKey{opened})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ring.MintAccess(token.Access{Scope: scopes.Set{"me"}, IssuedAt: now, ExpireAt: now.Add(time.Minute)}); err != nil {
		t.Error(err)
	}
}

// Grant types of extensions (RFC 8628, RFC 8693) do not get past the engine, so
// grantd looks at the grant type first.
func TestStockKnowsNoOtherGrantTypes(t *testing.T) {
	others := []string{"urn:ietf:params:oauth:grant-type:device_code", "urn:ietf:params:oauth:grant-type:token-exchange"}
	std := newStock(t)
	std.Config.AllowedGrantTypes = append(std.Config.AllowedGrantTypes, oauth2.GrantType(others[0]), oauth2.GrantType(others[1]))
	s := newSystem(t)
	for _, grantType := range others {
		_, err := std.GetAccessToken(t.Context(), oauth2.GrantType(grantType), &oauth2.TokenGenerateRequest{ClientID: "app"})
		if !errors.Is(err, oautherrors.ErrUnsupportedGrantType) {
			t.Errorf("stock: %v, though it is allowed", err)
		}
		s.post("/token", form("grant_type", grantType, "client_id", "app")).wantRefusal(t, http.StatusBadRequest, "unsupported_grant_type")
	}
	if known := s.get("/.well-known/oauth-authorization-server").JSON["grant_types_supported"].([]any); slices.Contains(known, any(others[0])) {
		t.Errorf("metadata lists %v", known)
	}
}
