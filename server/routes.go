package server

import (
	"github.com/grantd/grantd/scopes"
	"github.com/grantd/grantd/server/resource"
)

// routes is the only table of URLs.
func (s *Server) routes() (table urls, err error) {
	table = s.newURLs(s.prefix)
	table.serve("POST", "/token", s.api(s.token))
	table.serve("POST", "/refresh", s.api(s.refresh))
	table.serve("POST", "/revoke", s.api(s.revoke))
	table.serve("POST", "/introspect", s.api(s.introspect))

	table.serve("GET", "/.well-known/jwks.json", s.public(s.jwks))
	table.serve("GET", listPath, s.public(s.revocationList))
	table.wellKnown("oauth-authorization-server", s.public(document(s.serverMetadata())))
	var resources []scopes.Route
	if s.Resources {
		resources, err = s.mountResources(table, resource.Options{
			DB: s.DB, Verifier: s.verifier, Issuer: s.Issuer, URL: s.url(""),
			Signup: s.Signup, HashPassword: s.hashes.hashNew, Version: s.Version, DemoApp: s.DemoApp, Now: s.Now,
		})
	}
	s.serveAssets(table)
	table.serve("GET", "/docs", s.api(s.docs))
	for _, name := range docsAssets {
		table.serve("GET", "/docs/"+name, s.api(s.docsAsset(name)))
	}
	table.known["GET /openapi.json"] = true // it describes itself
	table.serve("GET", "/openapi.json", s.public(document(s.openAPI(table.known, resources))))
	return table, err
}
