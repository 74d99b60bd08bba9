package server

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"
)

const metadataMaxAge = time.Hour

// metadata is the document of RFC 8414 §2. It lists what works and nothing else.
type metadata struct {
	Issuer                   string   `json:"issuer"`
	TokenEndpoint            string   `json:"token_endpoint"`
	RevocationEndpoint       string   `json:"revocation_endpoint"`
	IntrospectionEndpoint    string   `json:"introspection_endpoint"`
	JWKSURI                  string   `json:"jwks_uri"`
	RevocationListURI        string   `json:"revocation_list_uri"` // ours: RFC 8414 §2 lets servers add members
	ScopesSupported          []string `json:"scopes_supported"`
	ResponseTypesSupported   []string `json:"response_types_supported"`
	GrantTypesSupported      []string `json:"grant_types_supported"`
	TokenAuthMethods         []string `json:"token_endpoint_auth_methods_supported"`
	RevocationAuthMethods    []string `json:"revocation_endpoint_auth_methods_supported"`
	IntrospectionAuthMethods []string `json:"introspection_endpoint_auth_methods_supported"`
}

func (s *Server) serverMetadata() metadata {
	secretMethods := []string{"client_secret_basic", "client_secret_post"}
	anyMethod := append(slices.Clone(secretMethods), "none")
	grants := make([]string, 0, len(grantTypes))
	for name := range grantTypes {
		grants = append(grants, name)
	}
	slices.Sort(grants)
	return metadata{
		Issuer:                   s.Issuer,
		TokenEndpoint:            s.url("/token"),
		RevocationEndpoint:       s.url("/revoke"),
		IntrospectionEndpoint:    s.url("/introspect"),
		JWKSURI:                  s.url("/.well-known/jwks.json"),
		RevocationListURI:        s.url(listPath),
		ScopesSupported:          s.scopes,
		ResponseTypesSupported:   []string{},
		GrantTypesSupported:      grants,
		TokenAuthMethods:         anyMethod,
		RevocationAuthMethods:    anyMethod,
		IntrospectionAuthMethods: secretMethods,
	}
}

func (s *Server) url(path string) string { return strings.TrimSuffix(s.Issuer, "/") + path }

// document makes the handler of a document that never changes while we run.
func document(v any) handler {
	body, err := json.Marshal(v)
	if err != nil {
		panic(err) // structs of strings marshal
	}
	return func(w http.ResponseWriter, r *http.Request) error {
		return writeDocument(w, r, "application/json", metadataMaxAge, body)
	}
}

// noneMatch reports whether no entity tag of an If-None-Match header is etag
// (RFC 9110 §13.1.2), so that the body has to be sent.
func noneMatch(headers []string, etag string) bool {
	for tag := range strings.SplitSeq(strings.Join(headers, ","), ",") {
		tag = strings.TrimSpace(tag)
		if tag == "*" || strings.TrimPrefix(tag, "W/") == etag {
			return false
		}
	}
	return true
}
