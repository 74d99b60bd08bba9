// Package demoapp is an app that signs people in with grantd, as any third party
// would write it: with golang.org/x/oauth2 and go-oidc, and nothing of grantd's
// but its URL. "grantd dev" serves it on a port of its own.
package demoapp

import (
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Options say where the app is and what it is registered as. All are required.
type Options struct {
	// Issuer is the URL of the server that signs people in.
	Issuer string
	// URL is where browsers reach the app, without a trailing slash.
	URL string
	// ClientID and ClientSecret are what the app is registered as.
	ClientID, ClientSecret string
	// Log takes what goes wrong. It gets no tokens and no claims.
	Log *slog.Logger
}

// App answers the URLs of the demo app.
type App struct {
	Options
	sessions *sessions
	issuer   issuer
	cookie   string // its name
	handler  http.Handler
}

// New makes an App. It asks nothing of the issuer before the first sign-in, so
// both may start together.
func New(o Options) (*App, error) {
	own, err := url.Parse(o.URL)
	if err != nil {
		return nil, err
	}
	theirs, err := url.Parse(o.Issuer)
	if err != nil {
		return nil, err
	}
	a := &App{Options: o, sessions: newSessions(time.Now), cookie: "demo_app_" + own.Port()}
	a.issuer.url, a.issuer.client = o.Issuer, &http.Client{Timeout: 10 * time.Second}
	// Other sites cannot send the app's forms.
	a.handler = secure(theirs.Scheme+"://"+theirs.Host, a.atHome(own.Host, http.NewCrossOriginProtection().Handler(a.routes())))
	return a, nil
}

// atHome leads browsers that came by another name of this machine, such as 127.0.0.1, to the app's URL:
// its cookie is for that one alone.
func (a *App) atHome(host string, h http.Handler) http.Handler {
	host = strings.TrimSuffix(host, ":80") // which browsers leave out
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet && strings.TrimSuffix(r.Host, ":80") != host {
			http.Redirect(w, r, a.URL+r.URL.RequestURI(), http.StatusFound)
			return
		}
		h.ServeHTTP(w, r)
	})
}

func (a *App) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", a.home)
	mux.HandleFunc("GET /style.css", style)
	mux.HandleFunc("POST /login", a.login)
	mux.HandleFunc("GET /callback", a.callback)
	mux.HandleFunc("POST /items", a.signedIn(a.listItems))
	mux.HandleFunc("POST /items/add", a.signedIn(a.addItem))
	mux.HandleFunc("POST /refresh", a.signedIn(a.refresh))
	mux.HandleFunc("POST /logout", a.signedIn(a.logout))
	mux.HandleFunc("POST /backchannel-logout", a.backchannelLogout)
	return mux
}

// ServeHTTP answers a request.
func (a *App) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.handler.ServeHTTP(w, r) }

// maxForm bounds what is read of a request.
const maxForm = 64 << 10

// secure sets what every page has in common. Its forms lead to the app and, by
// way of a redirect, to the issuer: browsers hold both to form-action.
func secure(issuer string, h http.Handler) http.Handler {
	policy := "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; frame-ancestors 'none'; form-action 'self' " + issuer
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Content-Security-Policy", policy)
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Cache-Control", "no-store")
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		h.ServeHTTP(w, r)
	})
}

// session finds the browser's session, locked: whoever gets it unlocks it.
func (a *App) session(r *http.Request) *session {
	cookie, err := r.Cookie(a.cookie)
	if err != nil {
		return nil
	}
	s := a.sessions.find(cookie.Value)
	if s != nil {
		s.Lock()
	}
	return s
}

// setCookie gives the browser the session's id, until the browser ends. Lax: the
// issuer sends people back by a link from another site.
func (a *App) setCookie(w http.ResponseWriter, s *session) {
	http.SetCookie(w, &http.Cookie{
		Name: a.cookie, Value: s.id, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode,
		Secure: strings.HasPrefix(a.URL, "https:"),
	})
}

// signedIn answers who is signed in; others find the start page. Requests of one
// session wait for each other: of two refreshes at once, one would be a replay.
func (a *App) signedIn(h func(w http.ResponseWriter, r *http.Request, s *session)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s := a.session(r)
		if s == nil {
			a.toStart(w, r)
			return
		}
		defer s.Unlock()
		if s.user == nil {
			a.toStart(w, r)
			return
		}
		h(w, r, s)
	}
}

// toStart follows each form, so that loading the page again sends nothing again.
func (a *App) toStart(w http.ResponseWriter, r *http.Request) {
	http.Redirect(w, r, a.URL+"/", http.StatusSeeOther)
}
