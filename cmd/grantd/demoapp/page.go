package demoapp

import (
	"bytes"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

//go:embed page.html
var pageHTML string

//go:embed style.css
var styleCSS []byte

var page = template.Must(template.New("page").Parse(pageHTML))

// view is what the page shows: of a user, or without one the way to sign in.
type view struct {
	Issuer, Notice string
	Problem        *problem
	User           *userView
}

// problem is a request that the app cannot do.
type problem struct{ What, Remedy string }

type userView struct {
	Name                 string
	IDToken, Info        []claim
	Access               []claim // empty: it is not a JWT
	Expires              string
	Scope                []string
	CanWrite, CanRefresh bool
	Result               *result
	Missing              *missingView // nil: nothing that people could allow
}

// missingView is what the app offers to ask for.
type missingView struct {
	Names string // as a form sends them
	List  string // in a sentence
	Words string // as the issuer words them
}

type claim struct{ Name, Value string }

// home answers GET /.
func (a *App) home(w http.ResponseWriter, r *http.Request) {
	v := view{Issuer: a.Issuer}
	if s := a.session(r); s != nil {
		defer s.Unlock()
		if s.signedOut(r.URL.Query().Get("state")) {
			a.toStart(w, r) // the URL without the state
			return
		}
		v.Notice, s.notice = s.notice, ""
		if s.user != nil {
			v.User, s.user.result = viewUser(s.user), nil
		}
	}
	a.show(w, http.StatusOK, v)
}

func viewUser(u *user) *userView {
	v := &userView{
		IDToken: claimsOf(u.claims), Info: claimsOf(u.info), Access: claimsOf(payload(u.token.AccessToken)),
		Expires: u.token.Expiry.UTC().Format(time.RFC1123), Scope: strings.Fields(u.scope), CanRefresh: u.token.RefreshToken != "",
		Result: u.result,
	}
	if u.result != nil && len(u.result.Missing) > 0 {
		names := u.result.Missing
		v.Missing = &missingView{strings.Join(names, " "), list(names, nil), list(names, scopeWords)}
	}
	v.CanWrite = slices.Contains(v.Scope, "items:write")
	for _, name := range []string{"name", "preferred_username", "sub"} { // the first that people let the app know
		if text, _ := u.info[name].(string); v.Name == "" {
			v.Name = text
		}
	}
	return v
}

// fail answers a request that cannot be done.
func (a *App) fail(w http.ResponseWriter, status int, what, remedy string) {
	a.show(w, status, view{Issuer: a.Issuer, Problem: &problem{what, remedy}})
}

func (a *App) show(w http.ResponseWriter, status int, v view) {
	var body bytes.Buffer // a template that fails must not leave half a page
	if err := page.Execute(&body, v); err != nil {
		a.Log.Error("the demo app cannot draw its page", "error", err)
		http.Error(w, "the page cannot be shown", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	body.WriteTo(w)
}

// style answers GET /style.css.
func style(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	w.Write(styleCSS)
}

// claimsOf puts claims in order, with times as people read them.
func claimsOf(claims map[string]any) (list []claim) {
	for _, name := range slices.Sorted(maps.Keys(claims)) {
		text, err := json.Marshal(claims[name])
		if err != nil {
			continue // it came from JSON
		}
		value := strings.Trim(string(text), `"`)
		if n, isNumber := claims[name].(float64); isNumber && slices.Contains([]string{"exp", "iat", "nbf", "auth_time"}, name) {
			value = fmt.Sprintf("%.0f (%s)", n, time.Unix(int64(n), 0).UTC().Format(time.RFC1123))
		}
		list = append(list, claim{name, value})
	}
	return list
}

// payload reads the claims of a JWT without a check: only the API has to check
// an access token, and to an app it should be a text without a meaning. It is
// shown here to learn from.
func payload(jwt string) (claims map[string]any) {
	parts := strings.Split(jwt, ".")
	if len(parts) != 3 {
		return nil
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil || json.Unmarshal(text, &claims) != nil {
		return nil
	}
	return claims
}
