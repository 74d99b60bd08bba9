package server

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"strings"

	"github.com/grantd/grantd/scopes"
)

//go:embed openapi.json
var openAPITemplate []byte

// openAPI is the OpenAPI description of what this server serves: the template
// with the issuer, the scopes that exist, only the routes that are on, and what
// those of the resource router need.
func (s *Server) openAPI(routes routeTable, resources []scopes.Route) map[string]any {
	var doc map[string]any
	if err := json.Unmarshal(openAPITemplate, &doc); err != nil {
		panic(err) // embedded; a test reads it
	}
	doc["servers"] = []any{map[string]any{"url": s.url("")}}
	info := member(doc, "info")
	info["version"] = s.Version
	info["description"] = fmt.Sprint(info["description"], " ", s.docsClient())
	described := map[string]string{}
	for _, scope := range s.Scopes {
		described[scope.Name] = scope.Description
	}
	flows := member(doc, "components", "securitySchemes", "OAuth2PasswordBearer", "flows")
	for name := range flows {
		flow := member(flows, name)
		flow["tokenUrl"], flow["refreshUrl"], flow["scopes"] = s.url("/token"), s.url("/token"), described
	}
	member(flows, "authorizationCode")["authorizationUrl"] = s.url("/authorize")
	s.fillAuthorize(doc)
	for _, route := range resources {
		member(doc, "paths", route.Path, strings.ToLower(route.Method))["security"] = openAPISecurity(route.Needs)
	}
	for path, operations := range member(doc, "paths") {
		maps.DeleteFunc(operations.(map[string]any), func(method string, _ any) bool {
			return !routes[strings.ToUpper(method)+" "+path]
		})
	}
	maps.DeleteFunc(member(doc, "paths"), func(_ string, operations any) bool { return len(operations.(map[string]any)) == 0 })
	return doc
}

// undescribed begin the paths that the description leaves out: pages, the forms in
// them, which are of no use without their page, and the files that belong to pages.
var undescribed = []string{"/docs/", "/assets/", "/login", "/signup", "/consent", "/account"}

// fillAuthorize gives the authorization request values with which it can be tried
// out: those of the page's own code flow.
func (s *Server) fillAuthorize(doc map[string]any) {
	if s.DefaultClient == "" {
		return
	}
	examples := map[string]string{"client_id": s.DefaultClient, "redirect_uri": s.url(docsRedirect), "code_challenge_method": "S256"}
	for _, parameter := range member(doc, "paths", "/authorize", "get")["parameters"].([]any) {
		p := parameter.(map[string]any)
		if value, ok := examples[p["name"].(string)]; ok {
			member(p, "schema")["example"] = value
		}
	}
	form := member(doc, "paths", "/authorize", "post", "requestBody", "content", "application/x-www-form-urlencoded", "schema", "properties")
	for name, value := range examples {
		member(form, name)["example"] = value
	}
}

func openAPISecurity(needs scopes.Needs) []any {
	if needs.IsOpen() {
		return []any{}
	}
	return []any{map[string]any{"OAuth2PasswordBearer": append([]string{}, needs.Scope()...)}}
}

// docsClient says what to enter for the client.
func (s *Server) docsClient() string {
	if s.DefaultClient == "" {
		return "Enter a client_id that may use the flow; for the code flow, " + s.url(docsRedirect) + " has to be among its redirect URIs."
	}
	return "The client is " + s.DefaultClient + ", which is filled in and has no secret."
}

func member(doc map[string]any, path ...string) map[string]any {
	for _, name := range path {
		doc = doc[name].(map[string]any)
	}
	return doc
}
