package server

import (
	"github.com/grantd/grantd/scopes"
	"github.com/grantd/grantd/server/resource"
)

// routes is the only table of URLs.
func (s *Server) routes() (table urls, err error) {
	table = s.newURLs(s.prefix)
	s.serveShared(table, "/token", s.api(s.token), "POST")
	table.serve("POST", "/refresh", s.api(s.refresh))
	s.serveShared(table, "/revoke", s.api(s.revoke), "POST")
	table.serve("POST", "/introspect", s.api(s.introspect))
	s.serveShared(table, "/userinfo", s.userinfoGuard(), "GET", "POST")

	table.serve("GET", "/.well-known/jwks.json", s.public(s.jwks))
	table.serve("GET", listPath, s.public(s.revocationList))
	for _, name := range []string{"oauth-authorization-server", "openid-configuration"} { // RFC 8414 §5
		s.wellKnownShared(table, name, s.api(document(s.serverMetadata())))
	}
	var resources []scopes.Route
	if s.Resources {
		resources, err = s.mountResources(table, resource.Options{
			DB: s.DB, Owner: s.owner, Verifier: s.verifier, Issuer: s.Issuer, URL: s.url(""),
			Signup: s.Signup, HashPassword: s.signups.hash, Version: s.Version, DemoApp: s.DemoApp, Now: s.Now,
		})
	}
	s.servePages(table)
	table.serve("GET", "/docs", s.api(s.docs))
	table.serve("GET", docsRedirect, s.api(s.docsRedirected))
	for _, name := range docsAssets {
		table.serve("GET", "/docs/"+name, s.api(s.docsAsset(name)))
	}
	table.known["GET /openapi.json"] = true // it describes itself
	table.serve("GET", "/openapi.json", s.public(document(s.openAPI(table.known, resources))))
	return table, err
}

// servePages adds what people see.
func (s *Server) servePages(table urls) {
	table.serve("GET", "/authorize", s.page(s.authorize))
	table.serve("POST", "/authorize", s.html(s.authorizeForm))
	table.serve("GET", "/login", s.page(s.signInPage))
	table.serve("POST", "/login", s.page(s.signIn))
	if s.Signup {
		table.serve("GET", "/signup", s.page(s.signUpPage))
		table.serve("POST", "/signup", s.page(s.signUp))
	}
	table.serve("POST", "/consent", s.page(s.consent))
	table.serve("GET", "/logout", s.page(s.logout))
	table.serve("POST", "/logout", s.html(s.logoutForm))
	table.serve("GET", "/account", s.signedIn(s.account))
	table.serve("POST", "/account/revoke", s.signedIn(s.revokeApp))
	table.serve("POST", "/account/sessions", s.signedIn(s.endSession))
	table.serve("POST", "/account/password", s.signedIn(s.changePassword))
	table.serve("GET", "/assets/pages.css", s.api(s.styleSheet))
	table.serve("GET", "/assets/form_post.js", s.api(s.formPostScript))
	table.serve("GET", "/assets/icon.svg", s.api(s.icon))
	if image, _ := s.pages.Logo(); len(image) > 0 {
		table.serve("GET", "/assets/logo", s.api(s.logo))
	}
	table.NotFoundHandler = s.forPeople(table.NotFoundHandler, nothingThere)
	table.MethodNotAllowedHandler = s.forPeople(table.MethodNotAllowedHandler, wrongMethod(table.Router))
}
