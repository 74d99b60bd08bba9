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
	password := member(doc, "components", "securitySchemes", "OAuth2PasswordBearer", "flows", "password")
	password["tokenUrl"], password["refreshUrl"], password["scopes"] = s.url("/token"), s.url("/token"), described
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

func openAPISecurity(needs scopes.Needs) []any {
	if needs.IsOpen() {
		return []any{}
	}
	return []any{map[string]any{"OAuth2PasswordBearer": append([]string{}, needs.Scope()...)}}
}

// docsClient says what to enter for the client.
func (s *Server) docsClient() string {
	if s.DefaultClient == "" {
		return "Enter a client_id that has the password grant."
	}
	return "Leave the client fields empty: the client is then " + s.DefaultClient + "."
}

func member(doc map[string]any, path ...string) map[string]any {
	for _, name := range path {
		doc = doc[name].(map[string]any)
	}
	return doc
}
