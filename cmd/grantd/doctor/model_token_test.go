package doctor

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

func (m *model) refuse(w http.ResponseWriter, status int, code string) {
	switch {
	case m.is("error_json"):
		http.Error(w, code, status)
		return
	case m.is("error_status"):
		status = http.StatusUnauthorized
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write([]byte(`{"error":"` + code + `"}`))
}

func (m *model) serveToken(w http.ResponseWriter, r *http.Request) {
	if m.is("token_cors") && r.Header.Get("Origin") != "" {
		w.Header().Set("Access-Control-Allow-Origin", r.Header.Get("Origin"))
		w.Header().Set("Access-Control-Allow-Credentials", "true")
	}
	if r.Method != http.MethodPost && !m.is("token_get") {
		m.refuse(w, http.StatusMethodNotAllowed, "invalid_request")
		return
	}
	if err := r.ParseForm(); err != nil {
		m.refuse(w, http.StatusBadRequest, "invalid_request")
		return
	}
	form := r.PostForm
	if m.is("token_query") || m.is("token_get") {
		form = r.Form
	}
	for _, values := range form {
		if len(values) > 1 && !m.is("token_twice") {
			m.refuse(w, http.StatusBadRequest, "invalid_request")
			return
		}
	}
	client, known := m.clientOf(r, form)
	switch {
	case !known && m.is("unknown_client"):
		m.refuse(w, http.StatusBadRequest, "invalid_grant")
	case !known:
		if !m.is("basic_challenge") {
			w.Header().Set("WWW-Authenticate", `Basic realm="model"`)
		}
		m.refuse(w, http.StatusUnauthorized, "invalid_client")
	default:
		m.grant(w, form, client)
	}
}

func (m *model) clientOf(r *http.Request, form url.Values) (id string, known bool) {
	id, secret, basic := r.BasicAuth()
	if !basic {
		id, secret = form.Get("client_id"), form.Get("client_secret")
	} else if plain, err := url.QueryUnescape(secret); err == nil {
		secret = plain
	}
	if id == "web" {
		return id, secret == modelSecret || m.is("refresh_secret") && form.Get("grant_type") == "refresh_token"
	}
	return id, (id == "app" || id == "other") && secret == ""
}

func (m *model) grant(w http.ResponseWriter, form url.Values, client string) {
	switch form.Get("grant_type") {
	case "":
		m.refuse(w, http.StatusBadRequest, "invalid_request")
	case "authorization_code":
		m.redeem(w, form, client)
	case "refresh_token":
		m.refresh(w, form, client)
	case "client_credentials":
		m.refuse(w, http.StatusBadRequest, "unauthorized_client")
	default:
		m.refuse(w, http.StatusBadRequest, "unsupported_grant_type")
	}
}

func (m *model) redeem(w http.ResponseWriter, form url.Values, client string) {
	c := m.codes[form.Get("code")]
	switch {
	case c == nil,
		c.client != client && !m.is("code_client"),
		c.redirect != form.Get("redirect_uri") && !m.is("code_redirect"),
		!m.proves(c, form.Get("code_verifier")):
		m.refuse(w, http.StatusBadRequest, "invalid_grant")
		return
	case c.family != nil && !m.is("code_once"):
		if !m.is("code_reuse") {
			m.end(c.family)
		}
		m.refuse(w, http.StatusBadRequest, "invalid_grant")
		return
	}
	c.family = &modelFamily{client: client, scope: c.scope}
	m.give(w, c.family, c.scope)
}

func (m *model) proves(c *modelCode, verifier string) bool {
	switch {
	case c.challenge == "":
		return verifier == "" || m.is("pkce_downgrade")
	case verifier == "":
		return m.is("pkce_verifier")
	case c.method != "S256":
		return verifier == c.challenge
	}
	return challengeOf(verifier) == c.challenge || m.is("pkce_wrong")
}

func (m *model) end(f *modelFamily) {
	f.ended = true
	for _, token := range f.access {
		delete(m.access, token)
	}
}

func (m *model) refresh(w http.ResponseWriter, form url.Values, client string) {
	token := form.Get("refresh_token")
	f := m.families[token]
	if f == nil || f.ended || f.client != client && !m.is("refresh_client") {
		m.refuse(w, http.StatusBadRequest, "invalid_grant")
		return
	}
	if token != f.newest && !m.is("refresh_reuse") {
		if !m.is("refresh_ends") {
			m.end(f)
		}
		m.refuse(w, http.StatusBadRequest, "invalid_grant")
		return
	}
	scope := f.scope
	if form.Has("scope") {
		scope = form.Get("scope")
		for _, one := range strings.Fields(scope) {
			if !slices.Contains(strings.Fields(f.scope), one) && !m.is("refresh_scope") {
				m.refuse(w, http.StatusBadRequest, "invalid_scope")
				return
			}
		}
	}
	m.give(w, f, scope)
}

// give answers with new tokens.
func (m *model) give(w http.ResponseWriter, f *modelFamily, scope string) {
	if f.newest == "" || !m.is("refresh_rotates") {
		f.newest = m.secret()
	}
	m.families[f.newest] = f
	answer := map[string]any{"access_token": m.mint(f, scope), "token_type": "Bearer", "expires_in": 600, "refresh_token": f.newest, "scope": scope}
	w.Header().Set("Cache-Control", "no-store")
	switch m.fault {
	case "token_json":
		delete(answer, "token_type")
	case "token_no_store":
		w.Header().Del("Cache-Control")
	case "token_expires_in":
		delete(answer, "expires_in")
	case "token_lifetime":
		answer["expires_in"] = 86400
	}
	reply200(w, "application/json", answer)
}

func (m *model) mint(f *modelFamily, scope string) string {
	now := time.Now().Unix()
	claims := jwt.MapClaims{
		"iss": m.URL, "sub": "u-ann", "aud": "https://api.example", "client_id": f.client, "scope": scope, "iat": now, "exp": now + 600, "jti": m.secret(),
	}
	key, typ := m.key, "at+jwt"
	switch m.fault {
	case "jwt_type":
		typ = "JWT"
	case "jwt_claims":
		delete(claims, "jti")
	case "jwt_audience":
		claims["aud"] = f.client
	case "jwt_signature":
		key = m.stranger
	case "jwt_times":
		claims["exp"] = now + 86400
	}
	t := jwt.NewWithClaims(jwt.SigningMethodES256, claims)
	t.Header["typ"], t.Header["kid"] = typ, "one"
	token, err := t.SignedString(key)
	if err != nil {
		panic(err)
	}
	m.given = append(m.given, token)
	m.access[token] = true
	f.access = append(f.access, token)
	return token
}

func (m *model) serveRevoke(w http.ResponseWriter, r *http.Request) {
	r.ParseForm()
	f := m.families[r.PostForm.Get("token")]
	switch client, known := m.clientOf(r, r.PostForm); {
	case !known:
		m.refuse(w, http.StatusUnauthorized, "invalid_client")
	case f == nil && m.is("revoke_unknown"):
		m.refuse(w, http.StatusBadRequest, "invalid_request")
	case f != nil && f.client != client && !m.is("revoke_client"):
	case f != nil && !m.is("revoke"):
		m.end(f)
	}
}

func (m *model) serveIntrospect(w http.ResponseWriter, r *http.Request) {
	if !m.is("introspect") {
		m.refuse(w, http.StatusUnauthorized, "invalid_client")
		return
	}
	reply200(w, "application/json", map[string]bool{"active": m.access[r.PostFormValue("token")]})
}

func (m *model) serveUserinfo(w http.ResponseWriter, r *http.Request) {
	token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	if m.is("bearer_query") && token == "" {
		token = r.URL.Query().Get("access_token")
	}
	if !m.access[token] {
		if !m.is("userinfo") {
			w.Header().Set("WWW-Authenticate", `Bearer realm="model"`)
		}
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	reply200(w, "application/json", maps.Clone(map[string]string{"sub": "u-ann"}))
}
