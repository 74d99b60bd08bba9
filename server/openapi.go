package server

import (
	_ "embed"
	"encoding/json"
	"maps"
	"strings"
)

//go:embed openapi.json
var openAPITemplate []byte

// openAPI is the OpenAPI description of what this server serves: the template
// with the issuer, the scopes that exist, and only the routes that are on.
func (s *Server) openAPI(routes routeTable) map[string]any {
	var doc map[string]any
	if err := json.Unmarshal(openAPITemplate, &doc); err != nil {
		panic(err) // embedded; a test reads it
	}
	doc["servers"] = []any{map[string]any{"url": s.url("")}}
	member(doc, "info")["version"] = s.Version
	described := map[string]string{}
	for _, scope := range s.Scopes {
		described[scope.Name] = scope.Description
	}
	password := member(doc, "components", "securitySchemes", "user", "flows", "password")
	password["tokenUrl"], password["refreshUrl"], password["scopes"] = s.url("/token"), s.url("/token"), described
	for path, operations := range member(doc, "paths") {
		maps.DeleteFunc(operations.(map[string]any), func(method string, _ any) bool {
			return !routes[strings.ToUpper(method)+" "+path]
		})
	}
	maps.DeleteFunc(member(doc, "paths"), func(_ string, operations any) bool { return len(operations.(map[string]any)) == 0 })
	return doc
}

func member(doc map[string]any, path ...string) map[string]any {
	for _, name := range path {
		doc = doc[name].(map[string]any)
	}
	return doc
}
