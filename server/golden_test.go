package server_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/grantd/grantd/server"
)

var update = flag.Bool("update", false, "write testdata/*.golden anew")

// golden compares text with testdata/name.golden.
func golden(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if text != string(want) {
		t.Errorf("%s: got\n%s\nwant\n%s", path, text, want)
	}
}

// wire is a reply as it was sent, without what differs each time.
func (r reply) wire() string {
	var b strings.Builder
	fmt.Fprintln(&b, r.Proto, r.Status)
	h := r.Header.Clone()
	for _, volatile := range []string{"Date", "X-Request-Id", "Content-Length"} {
		h.Del(volatile)
	}
	h.Write(&b) // in the order of names
	return strings.ReplaceAll(b.String(), "\r\n", "\n") + "\n" + r.bodyWithoutID()
}

// bodyWithoutID is the body with a word in place of the id of the request.
func (r reply) bodyWithoutID() string {
	if id := r.Header.Get("X-Request-Id"); id != "" {
		return strings.ReplaceAll(r.body, id, "REQUEST")
	}
	return r.body
}

var volatileClaims = regexp.MustCompile(`"(jti|gid|kid)": "[^"]*"`)

// withTokens is the wire reply with its tokens replaced by their names, and what
// is in them behind it.
func (r reply) withTokens(t *testing.T) string {
	t.Helper()
	text := r.wire()
	for _, name := range []string{"access_token", "refresh_token"} {
		tok := r.str(name)
		if tok == "" {
			continue
		}
		text = strings.ReplaceAll(text, tok, strings.ToUpper(name))
		text += "\n" + strings.ToUpper(name) + "\n"
		for i := range 2 {
			part, err := json.MarshalIndent(partOf(t, tok, i), "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			text += volatileClaims.ReplaceAllString(string(part), `"$1": "..."`) + "\n"
		}
	}
	return text
}

// fixedIssuer makes what is derived from the issuer the same in each run.
func fixedIssuer(o *server.Options) { o.Issuer = "https://auth.example.com" }

func TestWireOfMetadata(t *testing.T) {
	s := newSystem(t, fixedIssuer)
	for name, path := range map[string]string{
		"metadata_server": "/.well-known/oauth-authorization-server", "metadata_resource": "/.well-known/oauth-protected-resource",
	} {
		t.Run(name, func(t *testing.T) {
			res := s.get(path)
			var indented bytes.Buffer
			if err := json.Indent(&indented, []byte(res.body), "", "  "); err != nil {
				t.Fatal(err)
			}
			res.body = indented.String() + "\n"
			golden(t, name, res.wire())
		})
	}
}

func TestWireOfTokenReplies(t *testing.T) {
	s := newSystem(t, fixedIssuer)
	login := s.login("items me")
	s.clock.Add(time.Minute)
	narrowed := s.refresh(login.str("refresh_token"), "scope", "me")
	own := s.post("/token", form("grant_type", "client_credentials"), as("service", serviceSecret))
	for name, res := range map[string]reply{
		"token_password":           login,
		"token_password_no_scope":  s.login(""),
		"token_refresh_narrowed":   narrowed,
		"token_client_credentials": own,
	} {
		t.Run(name, func(t *testing.T) { golden(t, name, res.withTokens(t)) })
	}
	t.Run("refresh", func(t *testing.T) { // answers exactly as /token
		again := s.post("/refresh", form("refresh_token", login.str("refresh_token"), "scope", "me"))
		again.Header.Set("Vary", "Origin") // but to nobody's scripts: single-page apps use /token
		golden(t, "token_refresh_narrowed", again.withTokens(t))
	})
	t.Run("revoke", func(t *testing.T) { golden(t, "revoke", s.revoke(narrowed.str("refresh_token")).wire()) })
	t.Run("introspect_inactive", func(t *testing.T) {
		golden(t, "introspect_inactive", s.post("/introspect", form("token", "x"), as("service", serviceSecret)).wire())
	})
}

// Every error code of contract §5, as it is sent.
func TestWireOfErrors(t *testing.T) {
	s := newSystem(t, fixedIssuer)
	spent := s.rotations(2)[0].str("refresh_token")
	access := s.login("me").str("access_token")
	token := func(body url.Values, edits ...edit) reply { return s.post("/token", body, edits...) }
	cases := map[string]reply{
		"invalid_request":          token(form("client_id", "app")),
		"invalid_request_twice":    token(url.Values{"scope": {"me", "me"}}),
		"invalid_request_query":    s.post("/token?password=x", form()),
		"invalid_request_json":     s.postJSON("/token", `{}`),
		"invalid_client":           token(form("grant_type", "client_credentials", "client_id", "service", "client_secret", "wrong")),
		"invalid_client_basic":     token(form("grant_type", "client_credentials"), as("service", "wrong")),
		"invalid_client_none":      token(form("grant_type", "client_credentials")),
		"invalid_grant_login":      token(form("grant_type", "password", "username", "ann", "password", "wrong")),
		"invalid_grant_refresh":    s.refresh("x"),
		"invalid_grant_reuse":      s.refresh(spent),
		"invalid_scope":            token(asAnn("scope", "magic")),
		"unauthorized_client":      token(form("grant_type", "refresh_token", "client_id", "no-refresh")),
		"unsupported_grant_type":   token(form("grant_type", "magic", "client_id", "app")),
		"not_found":                s.get("/nothing"),
		"method_not_allowed":       s.get("/token"),
		"resource_no_token":        s.get("/users/me/items/"),
		"resource_invalid_token":   s.get("/users/me/items/", bearer("x")),
		"resource_lacks_scope":     s.get("/users/me/items/", bearer(access)),
		"resource_malformed":       s.get("/users/me/items/", header("Authorization", "Bearer")),
		"introspect_unprivileged":  s.post("/introspect", form("token", "x"), as("plain-service", "plain")),
		"revoke_of_another_client": s.post("/revoke", form("token", access, "client_id", "other")),
	}
	s.db.Close()
	cases["temporarily_unavailable"] = token(asAnn())
	for name, res := range cases {
		t.Run(name, func(t *testing.T) {
			if res.StatusCode < http.StatusBadRequest {
				t.Fatalf("%d", res.StatusCode)
			}
			golden(t, "error_"+name, res.wire())
		})
	}
}
