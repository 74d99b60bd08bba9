package server

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/grantd/grantd/server/authreq"
	"github.com/grantd/grantd/server/token"
)

const metadataMaxAge = time.Hour

// metadata is the document of RFC 8414 §2, and of OpenID Connect Discovery §3. It
// lists what works and nothing else.
type metadata struct {
	Issuer                string `json:"issuer"`
	AuthorizationEndpoint string `json:"authorization_endpoint"`
	TokenEndpoint         string `json:"token_endpoint"`
	UserinfoEndpoint      string `json:"userinfo_endpoint"`
	RevocationEndpoint    string `json:"revocation_endpoint"`
	IntrospectionEndpoint string `json:"introspection_endpoint"`
	EndSessionEndpoint    string `json:"end_session_endpoint"` // OpenID Connect RP-Initiated Logout §2.1
	JWKSURI               string `json:"jwks_uri"`
	RevocationListURI     string `json:"revocation_list_uri"` // ours: RFC 8414 §2 lets servers add members
	ServiceDocumentation  string `json:"service_documentation"`

	ScopesSupported          []string `json:"scopes_supported"`
	ResponseTypesSupported   []string `json:"response_types_supported"`
	ResponseModesSupported   []string `json:"response_modes_supported"`
	GrantTypesSupported      []string `json:"grant_types_supported"`
	CodeChallengeMethods     []string `json:"code_challenge_methods_supported"`               // RFC 7636 §6.2
	IssInAnswers             bool     `json:"authorization_response_iss_parameter_supported"` // RFC 9207 §3
	TokenAuthMethods         []string `json:"token_endpoint_auth_methods_supported"`
	RevocationAuthMethods    []string `json:"revocation_endpoint_auth_methods_supported"`
	IntrospectionAuthMethods []string `json:"introspection_endpoint_auth_methods_supported"`

	SubjectTypes      []string `json:"subject_types_supported"`
	IDTokenAlgs       []string `json:"id_token_signing_alg_values_supported"`
	ClaimsSupported   []string `json:"claims_supported"`
	ClaimsParameter   bool     `json:"claims_parameter_supported"`
	RequestParameter  bool     `json:"request_parameter_supported"`
	RequestURI        bool     `json:"request_uri_parameter_supported"` // Discovery §3: true when it is left out
	ACRValues         []string `json:"acr_values_supported"`
	PromptValues      []string `json:"prompt_values_supported"` // Initiating User Registration §4
	UILocales         []string `json:"ui_locales_supported"`
	BackchannelLogout bool     `json:"backchannel_logout_supported"` // OpenID Connect Back-Channel Logout §2.1
	BackchannelSID    bool     `json:"backchannel_logout_session_supported"`
}

func (s *Server) serverMetadata() metadata {
	secretMethods := []string{"client_secret_basic", "client_secret_post"}
	anyMethod := append(slices.Clone(secretMethods), "none")
	return metadata{
		Issuer:                s.Issuer,
		AuthorizationEndpoint: s.url("/authorize"),
		TokenEndpoint:         s.url("/token"),
		UserinfoEndpoint:      s.url("/userinfo"),
		RevocationEndpoint:    s.url("/revoke"),
		IntrospectionEndpoint: s.url("/introspect"),
		EndSessionEndpoint:    s.url("/logout"),
		JWKSURI:               s.url("/.well-known/jwks.json"),
		RevocationListURI:     s.url(listPath),
		ServiceDocumentation:  s.url("/docs"),

		ScopesSupported:          s.scopes,
		ResponseTypesSupported:   []string{"code"},
		ResponseModesSupported:   []string{modeQuery, modeFormPost},
		GrantTypesSupported:      slices.Sorted(maps.Keys(grantTypes)),
		CodeChallengeMethods:     []string{authreq.S256},
		IssInAnswers:             true,
		TokenAuthMethods:         anyMethod,
		RevocationAuthMethods:    anyMethod,
		IntrospectionAuthMethods: secretMethods,

		SubjectTypes:      []string{"public"}, // OpenID Connect Core §8
		IDTokenAlgs:       token.IDAlgs,
		ClaimsSupported:   claimsSupported(),
		ClaimsParameter:   true,
		ACRValues:         []string{token.PasswordACR},
		PromptValues:      []string{"none", "login", "consent", "select_account"},
		UILocales:         []string{"en"},
		BackchannelLogout: true,
		BackchannelSID:    true,
	}
}

// claimsSupported are those of ID tokens and of /userinfo.
func claimsSupported() []string {
	names := []string{"iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "at_hash", "acr", "amr", "sid"}
	for _, scope := range identityScopeNames() {
		names = append(names, claimsOfScope[scope]...)
	}
	return names
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
