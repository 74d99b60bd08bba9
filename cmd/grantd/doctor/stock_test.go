package doctor

import (
	"fmt"
	"html"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/go-oauth2/oauth2/v4/generates"
	"github.com/go-oauth2/oauth2/v4/manage"
	"github.com/go-oauth2/oauth2/v4/models"
	stockserver "github.com/go-oauth2/oauth2/v4/server"
	stockstore "github.com/go-oauth2/oauth2/v4/store"
	"github.com/golang-jwt/jwt/v5"
)

// newStock is go-oauth2 as its README sets it up, with its own manager, its store in memory and its default settings. It
// has JWTs, a page to sign in, and metadata that say what it does.
func newStock(t *testing.T) (*httptest.Server, Options) {
	t.Helper()
	clients := stockstore.NewClientStore()
	for _, c := range []*models.Client{
		{ID: "app", Secret: "the-secret-of-app", Domain: "https://app.example"}, {ID: "other", Secret: "the-secret-of-other", Domain: "https://other.example"},
	} {
		if err := clients.Set(c.ID, c); err != nil {
			t.Fatal(err)
		}
	}
	manager := manage.NewDefaultManager()
	manager.MustTokenStorage(stockstore.NewMemoryTokenStore())
	manager.MapClientStorage(clients)
	manager.MapAccessGenerate(generates.NewJWTAccessGenerate("", []byte("a key that services share"), jwt.SigningMethodHS256))
	srv := stockserver.NewDefaultServer(manager)
	srv.UserAuthorizationHandler = signInStock

	mux := http.NewServeMux()
	s := httptest.NewUnstartedServer(mux)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	mux.HandleFunc("/authorize", func(w http.ResponseWriter, r *http.Request) {
		if err := srv.HandleAuthorizeRequest(w, r); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
		}
	})
	mux.HandleFunc("/token", func(w http.ResponseWriter, r *http.Request) { srv.HandleTokenRequest(w, r) })
	mux.HandleFunc("/.well-known/oauth-authorization-server", func(w http.ResponseWriter, _ *http.Request) {
		reply200(w, "application/json", map[string]any{
			"issuer": s.URL, "authorization_endpoint": s.URL + "/authorize", "token_endpoint": s.URL + "/token",
			"response_types_supported": []string{"code", "token"}, "grant_types_supported": []string{"authorization_code", "refresh_token", "password", "client_credentials", "implicit"},
			"token_endpoint_auth_methods_supported": []string{"client_secret_basic"}, "scopes_supported": []string{"me", "admin"},
		})
	})
	return s, Options{
		Issuer: s.URL, Roots: s.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs, Client: Client{"app", "the-secret-of-app"}, Other: Client{"other", "the-secret-of-other"},
		RedirectURI: "https://app.example/cb", User: modelUser, Password: modelPassword, Scope: "me",
	}
}

// signInStock is what an app adds: go-oauth2 has no pages.
func signInStock(w http.ResponseWriter, r *http.Request) (string, error) {
	if cookie, err := r.Cookie("user"); err == nil {
		return cookie.Value, nil
	}
	if r.Method == http.MethodPost && r.PostFormValue("password") == modelPassword {
		http.SetCookie(w, &http.Cookie{Name: "user", Value: r.PostFormValue("username"), Path: "/"})
		return r.PostFormValue("username"), nil
	}
	w.Header().Set("Content-Type", "text/html")
	_, err := fmt.Fprint(w, `<form method=post action="/authorize?`+html.EscapeString(r.URL.RawQuery)+`"><input name=username><input name=password type=password><button>Sign in</button></form>`)
	return "", err
}

// The points are not theory: what go-oauth2 does out of the box fails many of them. Which of them it fails is what
// grantd does otherwise (server/stock_test.go).
func TestStockServerFails(t *testing.T) {
	t.Parallel()
	_, o := newStock(t)
	all := results(t, o, points)
	want := []string{
		"pkce_listed", "password_absent", "hsts", "error_status", "basic_challenge", "token_query", "token_twice",
		"page_frames", "page_no_store", "page_referrer", "redirect_unknown_client", "redirect_open", "redirect_slash",
		"redirect_query", "redirect_host", "redirect_port", "redirect_scheme", "redirect_path", "redirect_fragment",
		"authorize_error", "authorize_twice", "implicit", "iss", "pkce_plain", "code_reuse", "token_lifetime", "jwt_type",
		"jwt_claims", "jwt_audience", "jwt_times", "refresh_scope", "refresh_client", "refresh_secret",
	}
	var got []string
	for _, p := range points {
		if all[p.id].Outcome == Fails {
			got = append(got, p.id)
		}
		if all[p.id].Outcome != OK {
			t.Logf("%s: %s: %s", all[p.id].Outcome, p.id, all[p.id].Evidence)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("it fails\n%q, want\n%q", got, want)
	}
}
