package doctor

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

// code has a test user authorize the client at a server with these pages.
func code(t *testing.T, pages http.HandlerFunc, redirectURI string) (flow, error) {
	t.Helper()
	s := httptest.NewServer(describe(pages))
	t.Cleanup(s.Close)
	e, err := newExam(Options{Issuer: s.URL, Client: Client{ID: "app"}, RedirectURI: redirectURI, User: modelUser, Password: modelPassword})
	if err != nil {
		t.Fatal(err)
	}
	if err := e.find(t.Context()); err != nil {
		t.Fatal(err)
	}
	return e.newCode(t.Context())
}

// Sign-in pages of other makers: a name first and the password on the next page, links between, consent by an input.
func TestSignsInOnTwoPages(t *testing.T) {
	var seen []string
	f, err := code(t, func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.Method+" "+r.URL.Path)
		page := ""
		switch r.URL.Path {
		case "/authorize":
			http.Redirect(w, r, "/name?to="+r.FormValue("state"), http.StatusFound)
			return
		case "/name":
			page = `<form method="post" action="/password"><input type="hidden" name="state" value="` + r.FormValue("to") + `"><input type="email" name="who"><button>Next</button></form>`
		case "/password":
			page = `<form method="post" action="consent"><input type="hidden" name="who" value="` + r.FormValue("who") + `"><input type="hidden" name="state" value="` + r.FormValue("state") + `">
				<input type="password" name="pw"><input type="submit" value="Log in"></form>`
		case "/consent":
			if r.FormValue("who") != modelUser || r.FormValue("pw") != modelPassword {
				t.Errorf("signed in with %v", r.Form)
			}
			page = `<form method="post" action="/cancel"><button>Cancel</button></form>
				<form method="post" action="/agreed"><input type="checkbox" name="all" checked><input type="hidden" name="state" value="` + r.FormValue("state") + `"><input type="submit" name="yes" value="I agree"></form>`
		case "/agreed":
			if r.FormValue("all") != "on" || r.FormValue("yes") != "I agree" {
				t.Errorf("consented with %v", r.Form)
			}
			http.Redirect(w, r, modelRedirect+"?code=123456&state="+r.FormValue("state"), http.StatusSeeOther)
			return
		}
		io.WriteString(w, page)
	}, modelRedirect)
	want := []string{"GET /authorize", "GET /name", "POST /password", "POST /consent", "POST /agreed"}
	if err != nil || f.code != "123456" || f.landing.answers().Get("state") != f.request.Get("state") || !slices.Equal(seen, want) {
		t.Errorf("%v, code %q, %q", err, f.code, seen)
	}
}

// Where nobody gets through, the reason is told, and nothing is tried again and again.
func TestNobodyGetsThrough(t *testing.T) {
	signIn := `<form method=post action=/in><input name=u><input type=password name=p><button>Sign in</button></form>`
	for name, c := range map[string]struct {
		pages map[string]string // by path
		want  string
		posts int
	}{
		"a second factor":  {map[string]string{"/authorize": signIn, "/in": `<form method=post action=/otp><input name=otp><button>Verify</button></form>`}, "second factor", 1},
		"scripts":          {map[string]string{"/authorize": `<div id=root></div><script src=/app.js></script>`}, "needs scripts", 0},
		"a wrong password": {map[string]string{"/authorize": signIn, "/in": signIn}, "the page to sign in came back", 1},
		"a wrong name":     {map[string]string{"/authorize": `<form method=post action=/n><input name=u></form>`, "/n": `<form method=post action=/n><input name=u></form>`}, "is --user right?", 1},
		"only no":          {map[string]string{"/authorize": `<form method=post action=/n><button>Deny</button></form>`}, "no form to go on by", 0},
		"around and around": {map[string]string{"/authorize": `<form method=post action=/n><button>Continue</button></form>`, "/n": `<form method=post action=/n><button>Continue</button></form>`},
			"from page to page", maxSteps},
	} {
		posts := 0
		_, err := code(t, func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost {
				posts++
			}
			fmt.Fprint(w, c.pages[r.URL.Path])
		}, modelRedirect)
		if err == nil || !strings.Contains(err.Error(), c.want) || posts != c.posts {
			t.Errorf("%s: %v after %d forms", name, err, posts)
		}
	}
}

// The address of an app on a device may have no host and no path.
func TestRedirectsToApps(t *testing.T) {
	for _, uri := range []string{"com.example.app:/cb", "com.example.app:cb", "http://[::1]:1234/cb", "https://app.example", "https://app.example/cb?x=1"} {
		f, err := code(t, func(w http.ResponseWriter, r *http.Request) {
			separator := "?"
			if strings.Contains(uri, "?") {
				separator = "&"
			}
			w.Header().Set("Location", r.FormValue("redirect_uri")+separator+"code=123456")
			w.WriteHeader(http.StatusFound)
		}, uri)
		if err != nil || f.code != "123456" {
			t.Errorf("%s: %v", uri, err)
		}
	}
}

// A page that says nothing shows nothing: there may be more behind it.
func TestPagesThatSayNothing(t *testing.T) {
	s := httptest.NewServer(describe(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `<div id=root></div><script src=/app.js></script>`)
	}))
	t.Cleanup(s.Close)
	for _, user := range []string{"", modelUser} {
		o := Options{Issuer: s.URL, Client: Client{ID: "app"}, RedirectURI: modelRedirect, User: user}
		for _, r := range results(t, o, points) {
			if (r.Group == "Redirects" || r.Group == "Authorization" || r.Group == "PKCE" || r.Group == "Codes") && r.Outcome != CannotTell {
				t.Errorf("user %q: %s is %s: %s", user, r.Point, r.Outcome, r.Evidence)
			}
		}
	}
}

// A point whose requests go astray because of a typing error says so, and fails nobody.
func TestWrongRedirectURIOfTheExamination(t *testing.T) {
	t.Parallel()
	m := newModel(t, "")
	o := m.options()
	o.RedirectURI = "https://app.example/callback"
	for _, r := range results(t, o, points) {
		if r.Outcome == Fails || r.Group == "Redirects" && r.Point != "redirect_unknown_client" && r.Point != "redirect_open" && r.Outcome == OK {
			t.Errorf("%s is %s: %s", r.Point, r.Outcome, r.Evidence)
		}
	}
}

// What cannot be varied is not asked for, and fails nobody.
func TestRedirectURIWithoutParts(t *testing.T) {
	const uri = "com.example.app:cb"
	s := httptest.NewServer(describe(func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("redirect_uri") != uri {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		w.Header().Set("Location", uri+"?code=123456")
		w.WriteHeader(http.StatusFound)
	}))
	t.Cleanup(s.Close)
	for _, r := range results(t, Options{Issuer: s.URL, Client: Client{ID: "app"}, RedirectURI: uri, User: modelUser, Password: modelPassword}, points) {
		if r.Group == "Redirects" && r.Outcome == Fails {
			t.Errorf("%s: %s", r.Point, r.Evidence)
		}
	}
}

// A refusal of a client that is not let in at all shows nothing about what it sent.
func TestClientThatIsNotLetIn(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(o *Options)
		untold func(r Result) bool
	}{
		"a wrong secret": {
			func(o *Options) { o.Client = Client{"web", "not the secret"} },
			func(r Result) bool {
				return r.Group == "Refresh" || r.Group == "Tokens" || r.Group == "Codes" && r.Point != "code_guess" || r.Point == "pkce_verifier" || r.Point == "pkce_wrong" || r.Point == "revoke"
			},
		},
		"a wrong secret of the other": {
			func(o *Options) { o.Other = Client{"other", "it has none"} },
			func(r Result) bool {
				return slices.Contains([]string{"code_client", "refresh_client", "revoke_client"}, r.Point)
			},
		},
	} {
		m := newModel(t, "")
		o := m.options()
		c.change(&o)
		for _, r := range results(t, o, points) {
			if r.Outcome == Fails || c.untold(r) && r.Outcome != CannotTell {
				t.Errorf("%s: %s is %s: %s", name, r.Point, r.Outcome, r.Evidence)
			}
		}
	}
}
