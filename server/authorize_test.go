package server_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/grantd/grantd/scopes"
	"github.com/grantd/grantd/server"
	"github.com/grantd/grantd/store"
)

const formPost = "form_post"

// Every mistake that an app is told of, whether or not somebody is signed in.
func TestAuthorizeErrors(t *testing.T) {
	s := withApps(t, func(o *server.Options) { o.Audiences = []string{"https://api.example"} })
	s.addClient(store.Client{ID: "no-codes", Grants: []string{"password"}, RedirectURIs: []string{callback}})
	s.addClient(store.Client{
		ID: "careless", Grants: []string{"authorization_code"}, Scopes: []string{"openid"}, RedirectURIs: []string{callback}, PKCEOptional: true,
	})
	noPKCE := []string{"code_challenge", "", "code_challenge_method", ""}
	with := func(pairs ...string) []string { return append(pairs, noPKCE...) }
	for _, c := range []struct {
		name, query, code string
	}{
		{"6749-4.1.1 no response_type", asked("response_type", ""), "invalid_request"},
		{"9700-2.1.2 the implicit grant", asked("response_type", "token"), "unsupported_response_type"},
		{"9700-2.1.2 the hybrid flow", asked("response_type", "code id_token"), "unsupported_response_type"},
		{"6749-4.1.2.1 letter case", asked("response_type", "CODE"), "unsupported_response_type"},
		{"6749-4.1.2.1 the client may not", asked("client_id", "no-codes", "scope", ""), "unauthorized_client"},
		{"6749-3.1 response_type twice", asked() + "&response_type=code", "invalid_request"},
		{"6749-3.1 scope twice", asked() + "&scope=me", "invalid_request"},
		{"6749-3.1 state twice", asked() + "&state=xyz", "invalid_request"},
		{"6749-3.1 code_challenge twice", asked() + "&code_challenge=" + challenge, "invalid_request"},
		{"6749-3.1 response_mode twice", asked("response_mode", formPost) + "&response_mode=query", "invalid_request"},
		{"6749-3.1 an unknown parameter twice", asked() + "&x=1&x=2", "invalid_request"},
		{"6749-3.1 control characters", asked("scope", "me\x00"), "invalid_request"},
		{"6749-3.1 bytes that are not UTF-8", asked("nonce", "\xff"), "invalid_request"},
		{"6749-3.3 an unknown scope", asked("scope", "magic"), "invalid_scope"},
		{"6749-3.3 a scope that is not the client's", asked("scope", "admin"), "invalid_scope"},
		{"6749-3.3 two spaces", asked("scope", "me  items"), "invalid_scope"},
		{"7636-4.3 plain", asked("code_challenge_method", "plain"), "invalid_request"},
		{"7636-4.3 no method means plain", asked("code_challenge_method", ""), "invalid_request"},
		{"7636-4.2 a short challenge", asked("code_challenge", challenge[1:]), "invalid_request"},
		{"7636-4.2 a challenge in another alphabet", asked("code_challenge", "+"+challenge[1:]), "invalid_request"},
		{"9700-2.1.1 no challenge", asked(noPKCE...), "invalid_request"},
		{"9700-2.1.1 no challenge, but its method", asked("code_challenge", ""), "invalid_request"},
		{"9700-2.1.1 optional, but no openid", askedBy(true, with("nonce", "n")...), "invalid_request"},
		{"9700-2.1.1 optional, but no nonce", askedBy(true, with("scope", "openid")...), "invalid_request"},
		{"9700-2.1.1 optional, but what is sent is wrong", askedBy(true, "scope", "openid", "nonce", "n", "code_challenge_method", "plain"), "invalid_request"},
		{"9700-2.1.1 never optional for a public client", asked(with("client_id", "careless", "scope", "openid", "nonce", "n")...), "invalid_request"},
		{"9700-2.1.1 the nonce does for clients that are registered so alone", asked(with("scope", "openid", "nonce", "n")...), "invalid_request"},
		{"8707-2 an unknown resource", asked("resource", "https://other.example"), "invalid_target"},
		{"8707-2 a relative resource", asked("resource", "api"), "invalid_target"},
		{"8707-2 a resource with a fragment", asked("resource", "https://api.example#x"), "invalid_target"},
		{"8707-2 one of two unknown", asked("resource", "https://api.example") + "&resource=https://other.example", "invalid_target"},
		{"request object", asked("request", "e30.e30."), "request_not_supported"},
		{"request object by reference", asked("request_uri", "https://app.example/r"), "request_uri_not_supported"},
		{"registration", asked("registration", "{}"), "registration_not_supported"},
		{"request object, whatever it says", asked("request", "x", "response_type", "", "scope", "magic"), "request_not_supported"},
		{"response_mode fragment", asked("response_mode", "fragment"), "invalid_request"},
		{"response_mode form_post.jwt", asked("response_mode", "form_post.jwt"), "invalid_request"},
		{"prompt none and login", asked("prompt", "none login"), "invalid_request"},
		{"prompt unknown", asked("prompt", "create"), "invalid_request"},
		{"max_age negative", asked("max_age", "-1"), "invalid_request"},
		{"max_age no number", asked("max_age", "1h"), "invalid_request"},
		{"nonce too long", asked("nonce", strings.Repeat("n", 1025)), "invalid_request"},
		{"claims no JSON", asked("scope", "openid", "claims", "{"), "invalid_request"},
		{"id_token_hint no ID token", asked("id_token_hint", "x"), "invalid_request"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, edits := range [][]edit{nil, {s.cookie("u-ann")}} {
				res := s.authorize(c.query, edits...)
				s.wantTold(t, res, c.code)
				if got, twice := res.answer(t).Get("state"), strings.Contains(c.name, "state twice"); got == "xyz" == twice {
					t.Errorf("state %q", got)
				}
			}
		})
	}
}

// RFC 6749 §4.1.2.1: nobody is sent anywhere before client and address are known to belong together.
func TestAuthorizeSendsNobodyAstray(t *testing.T) {
	s := withApps(t)
	s.addClient(store.Client{
		ID: "native", Grants: []string{"authorization_code"}, Scopes: []string{"me"}, FirstParty: true,
		RedirectURIs: []string{"http://127.0.0.1/cb", "http://[::1]/cb", "com.example.app:/cb"},
	})
	for _, c := range []struct{ name, query string }{
		{"6749-4.1.2.1 no client", asked("client_id", "")},
		{"6749-4.1.2.1 an unknown client", asked("client_id", "nobody")},
		{"6749-4.1.2.1 a client with control characters", asked("client_id", "spa\x00")},
		{"6749-4.1.2.1 two clients", asked() + "&client_id=web"},
		{"6749-4.1.2.1 the same client twice", asked() + "&client_id=spa"},
		{"6749-4.1.2.1 two addresses", asked() + "&redirect_uri=https://evil.example/"},
		{"6749-4.1.2.1 two addresses, where one is registered", askedBy(true) + "&redirect_uri=https://evil.example/"},
		{"6749-4.1.2.1 the same address twice", asked() + "&redirect_uri=" + url.QueryEscape(callback)},
		{"6749-3.1.2.3 no address, two are registered", asked("redirect_uri", "")},
		{"6749-3.1.2.3 no address, and OpenID Connect", askedBy(true, "redirect_uri", "", "scope", "me openid")},
		{"6749-3.1.2.3 no address, and none is registered", asked("client_id", "app", "redirect_uri", "")},
		{"6749-3.1.2.3 an address, and none is registered", asked("client_id", "app")},
		{"6749-3.1.2.3 another client's address", askedBy(true, "redirect_uri", callback)},
		{"6749-3.1 a query that cannot be read", asked() + "&x=%zz"},
		{"6749-3.1 a query that is too long", asked("state", strings.Repeat("s", 40<<10))},
		{"form_post cannot carry the state", asked("response_mode", formPost, "state", "a\r\nb")},
		{"form_post cannot carry the state", asked("response_mode", formPost, "state", "a\xff")},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, edits := range [][]edit{nil, {s.cookie("u-ann")}} {
				s.authorize(c.query, edits...).wantPage(t, http.StatusBadRequest)
			}
		})
	}
	if log := s.log.String(); !strings.Contains(log, `"route":"/authorize","status":400`) || !strings.Contains(log, `"client":"spa","outcome":"invalid_request"`) {
		t.Errorf("the log says nothing of it: %s", log)
	}
	if log := s.log.String(); !strings.Contains(log, `was sent, registered are \"https://web.example/cb\"`) || !strings.Contains(log, "was sent, none is registered") {
		t.Errorf("the log does not name the addresses: %s", log)
	}
	for _, to := range astray {
		t.Run("9700-2.1 "+to, func(t *testing.T) {
			for _, client := range []string{"spa", "native"} {
				s.authorize(asked("client_id", client, "redirect_uri", to, "scope", "me"), s.cookie("u-ann")).wantPage(t, http.StatusBadRequest)
			}
		})
	}
	for _, to := range []string{
		"http://127.0.0.1/cb", "http://127.0.0.1:1/cb", "http://127.0.0.1:65535/cb", "http://[::1]:51004/cb", "com.example.app:/cb",
	} {
		t.Run("8252-7.3 "+to, func(t *testing.T) {
			res := s.authorize(asked("client_id", "native", "redirect_uri", to, "scope", "me"), s.cookie("u-ann"))
			if where := res.Header.Get("Location"); !strings.HasPrefix(where, to+"?code=") {
				t.Errorf("sent to %q", where)
			}
		})
	}
}

// astray are addresses close to registered ones.
var astray = []string{
	"https://app.example@evil.example/cb", "https://ann@app.example/cb", "https://app.example:pass@evil.example/cb",
	"https://app.example/x/../cb", "https://app.example/cb/..", "https://app.example/cb/%2e%2e", `https://app.example\cb`,
	`https://evil.example\@app.example/cb`, `https://app.example\.evil.example/cb`, "https://app.example/cb#fragment", "https://app.example/cb#",
	"https://app.example/%63b", "https://app.example%2fcb", "https://app.example%2f.evil.example/cb", "https://app.example/cb%2f",
	"https://APP.example/cb", "https://app.example/CB", "HTTPS://app.example/cb", "javascript:alert(1)", "javascript://app.example/cb%0aalert(1)",
	"data:text/html,<script>alert(1)</script>", "vbscript:x", "file:///cb", "https://*.example/cb", "https://app.example/*", "*",
	"https://app.example/cb?x=1", "https://app.example/cb?tenant=a%2Fb&&x&y", "https://app.example/cb?tenant=a/b&&x", "https://app.example/cb?",
	"https://app.example:8443/cb", "https://app.example:443/cb", "http://app.example/cb", "https://evil-app.example/cb",
	"https://app.example.evil.example/cb", "https://evil.example/?https://app.example/cb", "https://аpp.example/cb", "https://app。example/cb",
	"https://app.example./cb", "//app.example/cb", "/cb", "https:app.example/cb", "https:///app.example/cb", "https://app.example/cb\x00", " https://app.example/cb",
	"https://app.example/cb\r\nX: y", "http://127.0.0.1:80@evil.example/cb", "http://127.0.0.1.evil.example/cb", "http://127.0.0.1:/cb", "http://127.0.0.1:0/cb",
	"http://127.0.0.1:99999/cb", "https://127.0.0.1/cb", "http://127.0.0.2/cb", "http://localhost/cb", "http://0/cb", "http://[::ffff:127.0.0.1]/cb", "com.example.app://cb", "com.example.app:/cb2",
}

// The answer goes to the registered address as it is, and names its issuer.
func TestAuthorizeAnswers(t *testing.T) {
	s := withApps(t)
	ann := s.cookie("u-ann")
	to := callback + "?tenant=a%2Fb&&x"
	t.Run("6749-3.1.2 the query of the address is kept byte for byte", func(t *testing.T) {
		if where := s.authorize(asked("redirect_uri", to), ann).Header.Get("Location"); !strings.HasPrefix(where, to+"&code=") {
			t.Errorf("sent to %q", where)
		}
	})
	t.Run("9207-2 every answer names the issuer", func(t *testing.T) {
		for _, res := range []reply{s.authorize(asked(), ann), s.authorize(asked("prompt", "none"))} {
			if got := res.answer(t)["iss"]; !slices.Equal(got, []string{s.opts.Issuer}) {
				t.Errorf("iss %q", got)
			}
		}
	})
	t.Run("6749-4.1.2 a code and the state, and nothing else", func(t *testing.T) {
		got := s.authorize(asked(), ann).answer(t)
		if got.Get("state") != "xyz" || len(got.Get("code")) < 43 || len(got) != 3 { // 256 bits
			t.Errorf("told %v", got)
		}
		if got := s.authorize(asked("state", ""), ann).answer(t); got.Has("state") || len(got) != 2 {
			t.Errorf("told %v", got)
		}
	})
	t.Run("6749-4.1.1 state of 8 KB of any bytes", func(t *testing.T) {
		for _, res := range []reply{s.authorize(asked("state", anyBytes()), ann), s.authorize(asked("state", anyBytes(), "response_type", "x"), ann)} {
			if got := res.answer(t).Get("state"); got != anyBytes() {
				t.Errorf("it came back changed, with %d bytes", len(got))
			}
		}
	})
	t.Run("6749-3.1.2.3 the one registered address may be left out", func(t *testing.T) {
		if where := s.authorize(askedBy(true, "redirect_uri", ""), ann).Header.Get("Location"); !strings.HasPrefix(where, "https://web.example/cb?code=") {
			t.Errorf("sent to %q", where)
		}
	})
	t.Run("9700-2.1.1 a confidential OpenID client with a nonce may be registered without PKCE", func(t *testing.T) {
		query := askedBy(true, "scope", "openid", "nonce", "n", "code_challenge", "", "code_challenge_method", "")
		if got := s.authorize(query, ann).answer(t); got.Get("code") == "" {
			t.Errorf("told %v", got)
		}
	})
	t.Run("9700-4.12 303", func(t *testing.T) {
		if res := s.authorize(asked(), ann); res.StatusCode != http.StatusSeeOther || res.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%d %v", res.StatusCode, res.Header)
		}
	})
	t.Run("parameters that are accepted", func(t *testing.T) {
		query := asked("ui_locales", "de en", "display", "popup", "claims_locales", "de", "acr_values", "2 1", "login_hint", "ann", "unknown", "x", "response_mode", "query")
		if got := s.authorize(query, ann).answer(t); got.Get("code") == "" {
			t.Errorf("told %v", got)
		}
	})
	t.Run("a fault is told, too", func(t *testing.T) {
		s := withApps(t)
		s.authorize(asked()) // the client is known
		s.db.Close()
		if got := s.authorize(asked(), header("Cookie", "grantd_session_"+s.web.URL[strings.LastIndex(s.web.URL, ":")+1:]+"=x")).answer(t).Get("error"); got != "temporarily_unavailable" && got != "server_error" {
			t.Errorf("told %q", got)
		}
	})
	for _, secret := range []string{"xyz", challenge, "code="} {
		if strings.Contains(s.log.String(), secret) {
			t.Errorf("%q is in the log", secret)
		}
	}
}

// anyBytes is a state of 8 KB that has every byte.
func anyBytes() string {
	state := make([]byte, 8<<10)
	for i := range state {
		state[i] = byte(i + i>>8)
	}
	return string(state)
}

// A long state survives all the forms on the way.
func TestStateThroughThePages(t *testing.T) {
	s := withApps(t)
	for _, decision := range []string{"Allow", "Deny"} {
		b := s.browser()
		b.open("/authorize?" + asked("client_id", "third", "redirect_uri", "https://third.example/cb", "prompt", "login consent", "state", anyBytes()))
		b.signIn("ann", password)
		b.press(decision)
		if b.left == nil || b.left.Host != "third.example" || b.left.Query().Get("state") != anyBytes() {
			t.Errorf("%s: %d, left for %.60v", decision, b.status, b.left)
		}
	}
}

func TestFormPost(t *testing.T) {
	s := withApps(t)
	state := `"><script>alert(1)</script>&amp; ü€𝄞`
	to := callback + "?tenant=a%2Fb&&x"
	for name, edits := range map[string][]edit{"code": {s.cookie("u-ann")}, "error": nil} {
		b := s.browser()
		b.open("/authorize?"+asked("prompt", "none", "response_mode", formPost, "state", state, "redirect_uri", to), edits...)
		if b.status != http.StatusOK || b.hidden(name) == "" || b.hidden("state") != state || b.hidden("iss") != s.opts.Issuer {
			t.Errorf("%s: %d %s", name, b.status, b.text())
		}
		res := s.authorize(asked("prompt", "none", "response_mode", formPost, "state", state, "redirect_uri", to), edits...)
		res.wantOK(t)
		if !strings.Contains(res.body, `action="https://app.example/cb?tenant=a%2Fb&amp;&amp;x"`) || strings.Contains(res.body, "<script>") {
			t.Errorf("%s", res.body)
		}
		if got := res.Header.Get("Referrer-Policy"); got != "strict-origin" {
			t.Errorf("Referrer-Policy %q", got)
		}
		policy := res.Header.Get("Content-Security-Policy")
		if !strings.Contains(policy, "script-src 'self'; form-action https:") || strings.Contains(policy, "unsafe") || res.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("policy %q", policy)
		}
	}
	res := s.authorize(asked("response_mode", formPost), s.cookie("u-ann"))
	_, after, _ := strings.Cut(res.body, `<script src="`)
	script, _, _ := strings.Cut(after, `"`)
	js := s.get(script)
	js.wantOK(t)
	if js.Header.Get("Content-Type") != "text/javascript; charset=utf-8" || !strings.Contains(js.body, "submit()") {
		t.Errorf("%v %s", js.Header, js.body)
	}
}

// Who is asked what.
func TestPrompts(t *testing.T) {
	s := withApps(t)
	old := s.cookie("u-ann")
	s.clock.Add(time.Minute)
	third := []string{"client_id", "third", "redirect_uri", "https://third.example/cb"}
	hint := s.redeem(s.code(asked("scope", "openid"))).str("id_token")
	const signIn, consent, choose, code = "Sign in", "Third", "account", "code"
	for _, c := range []struct {
		name   string
		pairs  []string
		cookie edit
		want   string // a page's heading has it, or the app is told it
	}{
		{"nobody is signed in", nil, nil, signIn},
		{"somebody is", nil, old, code},
		{"prompt=none, nobody is signed in", []string{"prompt", "none"}, nil, "login_required"},
		{"prompt=none, somebody is", []string{"prompt", "none"}, old, code},
		{"prompt=none, nobody was asked yet", append(third, "prompt", "none"), old, "consent_required"},
		{"nobody was asked yet", third, old, consent},
		{"prompt=login", []string{"prompt", "login"}, old, signIn},
		{"prompt=select_account", []string{"prompt", "select_account"}, old, choose},
		{"prompt=consent, of our own app", []string{"prompt", "consent"}, old, code},
		{"prompt=consent", append(third, "prompt", "consent"), old, consent},
		{"max_age not yet over", []string{"max_age", "60"}, old, code},
		{"max_age over", []string{"max_age", "59"}, old, signIn},
		{"max_age=0", []string{"max_age", "0"}, s.cookie("u-ann"), signIn},
		{"prompt=none, max_age over", []string{"max_age", "59", "prompt", "none"}, old, "login_required"},
		{"id_token_hint of who is signed in", []string{"id_token_hint", hint, "prompt", "none"}, old, code},
		{"prompt=none, id_token_hint of somebody else", []string{"id_token_hint", hint, "prompt", "none"}, s.cookie("u-bob"), "login_required"},
		{"id_token_hint of somebody else", []string{"id_token_hint", hint}, s.cookie("u-bob"), signIn},
	} {
		t.Run(c.name, func(t *testing.T) {
			var edits []edit
			if c.cookie != nil {
				edits = append(edits, c.cookie)
			}
			res := s.authorize(asked(c.pairs...), edits...)
			if res.StatusCode == http.StatusSeeOther {
				told := res.answer(t)
				if told.Get("error") != c.want && !(c.want == code && told.Get("code") != "") {
					t.Errorf("told %v, want %s", told, c.want)
				}
				return
			}
			res.wantPage(t, http.StatusOK)
			b := s.browser()
			b.open("/authorize?"+asked(c.pairs...), edits...)
			if !strings.Contains(b.heading(), c.want) {
				t.Errorf("the page is %q, want %s", b.heading(), c.want)
			}
		})
	}
}

// An app that wants nobody to be asked is told what that would take.
func TestPromptNoneSaysWhy(t *testing.T) {
	s := withApps(t)
	s.addClient(store.Client{
		ID: "native", Grants: []string{"authorization_code"}, Scopes: []string{"me"}, RedirectURIs: []string{"http://127.0.0.1/cb", "com.example.app:/cb"},
	})
	old := s.cookie("u-ann")
	s.clock.Add(time.Minute)
	hint := s.redeem(s.code(asked("scope", "openid"))).str("id_token")
	const each = "this client is asked about each time, because its redirect URI leads to the person's own device; prompt=none cannot work"
	for _, c := range []struct {
		name  string
		pairs []string
		edit  edit
		want  string
	}{
		{"8252-8.6 on loopback", []string{"client_id", "native", "redirect_uri", "http://127.0.0.1:51004/cb", "scope", "me"}, old, each},
		{"8252-8.6 behind a scheme of its own", []string{"client_id", "native", "redirect_uri", "com.example.app:/cb", "scope", "me"}, old, each},
		{"not asked yet", []string{"client_id", "third", "redirect_uri", "https://third.example/cb"}, old, "the user has not allowed this yet"},
		{"too long ago", []string{"max_age", "59"}, old, "the last sign-in is longer ago than max_age"},
		{"somebody else", []string{"id_token_hint", hint, "max_age", "59"}, s.cookie("u-bob"), "nobody is signed in whom this request could be about"},
		{"nobody", []string{"max_age", "59"}, header("Cookie", ""), "nobody is signed in whom this request could be about"},
	} {
		to, err := url.Parse(s.authorize(asked(append(c.pairs, "prompt", "none")...), c.edit).Header.Get("Location"))
		if err != nil || to.Query().Get("error_description") != c.want {
			t.Errorf("%s: %v %v, want %q", c.name, to, err, c.want)
		}
	}
}

// What a sign-in satisfies is gone from the request that goes on, and nothing else.
func TestAfterSignIn(t *testing.T) {
	s := withApps(t)
	b := s.browser()
	b.open("/authorize?" + asked("prompt", "login consent", "max_age", "0", "state", "\xff &="))
	to, err := url.Parse(b.hidden("return_to"))
	if err != nil || to.Path != "/authorize" {
		t.Fatalf("%v, %v", to, err)
	}
	want, err := url.ParseQuery(asked("prompt", "consent", "state", "\xff &="))
	if err != nil {
		t.Fatal(err)
	}
	if got := to.Query(); got.Encode() != want.Encode() {
		t.Errorf("it goes on with\n%s, want\n%s", got.Encode(), want.Encode())
	}
}

// POST /authorize only makes a link of the form.
func TestAuthorizeByPost(t *testing.T) {
	s := withApps(t)
	query := asked("state", "\xff &=\x00")
	body, err := url.ParseQuery(query)
	if err != nil {
		t.Fatal(err)
	}
	fromApp := []edit{header("Origin", "https://app.example"), header("Sec-Fetch-Site", "cross-site"), s.cookie("u-ann")}
	t.Run("6749-3.1 a form becomes a link", func(t *testing.T) {
		res := s.post("/authorize", body, fromApp...)
		where := res.Header.Get("Location")
		path, got, _ := strings.Cut(where, "?")
		if again, err := url.ParseQuery(got); res.StatusCode != http.StatusSeeOther || path != "/authorize" || err != nil || again.Encode() != query {
			t.Errorf("%d %s", res.StatusCode, where)
		}
		if s.get(where, s.cookie("u-ann")).answer(t).Get("code") == "" {
			t.Error("the link leads to no code")
		}
	})
	for name, res := range map[string]reply{
		"parameters in the URL": s.post("/authorize?x=y", body, fromApp...),
		"no form":               s.send("POST", "/authorize", `{}`, header("Content-Type", "application/json")),
		"malformed":             s.send("POST", "/authorize", "a=%zz", header("Content-Type", formType)),
		"too long":              s.post("/authorize", form("state", strings.Repeat("x", 70<<10))),
		"longer than a link":    s.post("/authorize", form("state", strings.Repeat("x", 40<<10))),
	} {
		t.Run(name, func(t *testing.T) { res.wantPage(t, http.StatusBadRequest) })
	}
}

// The user may grant less than the app asks for.
func TestAuthorizeAsFarAsTheUserMay(t *testing.T) {
	s := withApps(t)
	code := s.authorize(asked("scope", "me items openid"), s.cookie("u-bob")).answer(t).Get("code")
	if res := s.redeem(code); res.str("scope") != "openid me" {
		t.Errorf("%s", res.body)
	}
	s.wantTold(t, s.authorize(asked("scope", "items"), s.cookie("u-bob")), "invalid_scope")
}

// A session that ends while the app is answered gives nothing more away.
func TestNoCodeOfAnEndedSession(t *testing.T) {
	s := withApps(t)
	for _, scope := range []string{"me", "openid"} {
		s.wantTold(t, served(s.srv.AnswerIn(store.Session{ID: "ended"}, asked("scope", scope), scopes.Set{scope})), "login_required")
	}
	t.Run("and no more than was asked for", func(t *testing.T) {
		s.cookie("u-ann")
		sessions, err := s.db.Sessions(t.Context(), "u-ann", s.clock.Now())
		if err != nil || len(sessions) != 1 {
			t.Fatalf("%d sessions, %v", len(sessions), err)
		}
		told := served(s.srv.AnswerIn(sessions[0], asked("scope", "me"), scopes.Set{"me", "items:write"})).answer(t)
		if res := s.redeem(told.Get("code")); res.str("scope") != "me" {
			t.Errorf("%s", res.body)
		}
	})
}

// What the parameters of OpenID Connect ask for besides.
func TestClaimsAndHints(t *testing.T) {
	s := withApps(t)
	hint := s.redeem(s.code(asked("scope", "openid"))).str("id_token")
	ann := s.cookie("u-ann")
	t.Run("claims by name come with their scope", func(t *testing.T) {
		res := s.redeem(s.code(asked("scope", "openid me", "claims", `{"id_token":{"email":null}}`)))
		if res.str("scope") != "openid email me" || claimsOf(t, res.str("id_token"))["email"] != "ann@example.com" {
			t.Errorf("%s", res.body)
		}
		s.addClient(store.Client{ID: "bare", Grants: []string{"authorization_code"}, Scopes: []string{"openid"}, RedirectURIs: []string{callback}, FirstParty: true})
		res = s.redeem(s.code(asked("client_id", "bare", "scope", "openid", "claims", `{"id_token":{"email":null}}`)), "client_id", "bare")
		if res.str("scope") != "openid" || claimsOf(t, res.str("id_token"))["email"] != nil {
			t.Errorf("%s", res.body)
		}
	})
	t.Run("claims mean nothing without openid", func(t *testing.T) {
		if got := s.authorize(asked("claims", "{"), ann).answer(t); got.Get("code") == "" {
			t.Errorf("told %v", got)
		}
	})
	t.Run("an essential acr that nobody has", func(t *testing.T) {
		claims := `{"id_token":{"acr":{"essential":true,"value":"9"}}}`
		s.wantTold(t, s.authorize(asked("scope", "openid", "claims", claims), ann), "unmet_authentication_requirements")
	})
	t.Run("two people at once", func(t *testing.T) {
		claims := `{"id_token":{"sub":{"value":"u-bob"}}}`
		s.wantTold(t, s.authorize(asked("scope", "openid", "claims", claims, "id_token_hint", hint), ann), "invalid_request")
		s.wantTold(t, s.authorize(asked("scope", "openid", "claims", claims, "prompt", "none"), ann), "login_required")
	})
	t.Run("login_hint is filled in, unless it is no name", func(t *testing.T) {
		for hint, want := range map[string]string{"ann@example.com": "ann@example.com", strings.Repeat("x", 321): ""} {
			b := s.browser()
			b.open("/authorize?" + asked("login_hint", hint))
			if got := b.value("Username or email"); got != want {
				t.Errorf("%q is filled in, want %q", got, want)
			}
		}
	})
}

// served is what a handler of the server itself answers.
func served(h http.Handler) reply {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "/authorize", nil))
	return reply{Response: w.Result(), body: w.Body.String()}
}

// Only a person who goes to a page brings an app a code: what a page loads, or a browser fetches
// ahead, happens as if nobody were signed in.
func TestOnlyPeopleBringCodes(t *testing.T) {
	s := withApps(t)
	ann := s.cookie("u-ann")
	for name, c := range map[string]struct {
		method string
		edit   edit
		code   bool
	}{
		"a browser":             {"GET", header("Sec-Fetch-Dest", "document"), true},
		"an older browser":      {"GET", header("Accept", "text/html"), true},
		"HEAD":                  {"HEAD", header("Accept", "text/html"), false},
		"a frame":               {"GET", header("Sec-Fetch-Dest", "iframe"), false},
		"an image":              {"GET", header("Sec-Fetch-Dest", "image"), false},
		"a script's request":    {"GET", header("Sec-Fetch-Dest", "empty"), false},
		"fetched ahead":         {"GET", header("Sec-Purpose", "prefetch"), false},
		"drawn ahead":           {"GET", header("Sec-Purpose", "prefetch;prerender"), false},
		"fetched ahead, before": {"GET", header("Purpose", "prefetch"), false},
	} {
		t.Run(name, func(t *testing.T) {
			res := s.send(c.method, "/authorize?"+asked(), "", ann, c.edit)
			if made := res.Header.Get("Location") != ""; made != c.code || !made && res.StatusCode != http.StatusOK {
				t.Errorf("%d to %q", res.StatusCode, res.Header.Get("Location"))
			}
			told := s.send(c.method, "/authorize?"+asked("prompt", "none"), "", ann, c.edit).answer(t)
			if told.Has("code") != c.code || told.Get("error") != "" && told.Get("error") != "login_required" {
				t.Errorf("oidc-core-3.1.2.6 prompt=none: told %v", told)
			}
		})
	}
}
