package doctor

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// metadata is the document of RFC 8414 §2, as it came.
type metadata struct {
	reply  *reply
	place  string // its URL
	object map[string]any
}

func (m *metadata) str(name string) string {
	s, _ := m.object[name].(string)
	return s
}

// list is a member that is an array of strings, and whether it is there.
func (m *metadata) list(name string) (all []string, there bool) {
	values, there := m.object[name].([]any)
	for _, v := range values {
		if s, ok := v.(string); ok {
			all = append(all, s)
		}
	}
	return all, there
}

// grantTypes are those that the server supports; RFC 8414 §2 says what is meant where they are left out.
func (m *metadata) grantTypes() []string {
	if all, there := m.list("grant_types_supported"); there {
		return all
	}
	return []string{"authorization_code", "implicit"}
}

// authMethods are those of the token endpoint; client_secret_basic where they are left out.
func (m *metadata) authMethods() []string {
	if all, there := m.list("token_endpoint_auth_methods_supported"); there {
		return all
	}
	return []string{"client_secret_basic"}
}

// find looks for the metadata, once.
func (e *exam) find(ctx context.Context) error {
	if e.metadata != nil || e.metaErr != nil {
		return e.metaErr
	}
	for _, place := range e.wellKnown() {
		r, err := e.get(ctx, place)
		if err != nil {
			e.metaErr = err
			return err // a server that does not answer is asked no more
		}
		if object := r.object(); r.status == http.StatusOK && object != nil {
			e.metadata, e.metaErr = &metadata{r, place, object}, nil
			return nil
		}
		if e.metaErr == nil {
			e.metaErr = noMetadata(fmt.Sprintf("%s answers %s and no JSON object", r.at.EscapedPath(), statusText(r.status)))
		}
	}
	return e.metaErr
}

// noMetadata is what is wrong with the answer; other errors are of the way to it.
type noMetadata string

func (err noMetadata) Error() string { return string(err) }

func metadataFound(ctx context.Context, e *exam) verdict {
	err := e.find(ctx)
	if answer := noMetadata(""); errors.As(err, &answer) {
		return fails("%v", err)
	}
	if err != nil {
		return because(err)
	}
	return ok("%s", e.metadata.place)
}

func metadataJSON(_ context.Context, e *exam) verdict {
	if e.metadata == nil {
		return because(e.metaErr)
	}
	if r := e.metadata.reply; !r.isJSON() {
		return fails("Content-Type is %q", r.header.Get("Content-Type"))
	}
	return ok("%s, %d bytes", e.metadata.reply.header.Get("Content-Type"), len(e.metadata.reply.body))
}

func issuerURL(_ context.Context, e *exam) verdict {
	switch u := e.issuer; {
	case u.RawQuery != "" || u.ForceQuery || strings.Contains(e.Issuer, "#"):
		return fails("%s has a query or a fragment", e.Issuer)
	case u.Scheme == "https":
		return ok("%s", e.Issuer)
	case isLoopback(u.Hostname()):
		return ok("%s is on this machine, where http is excused", e.Issuer)
	}
	return fails("%s is plain http", e.Issuer)
}

func issuerIdentical(_ context.Context, e *exam) verdict {
	if e.metadata == nil {
		return because(e.metaErr)
	}
	if named := e.metadata.str("issuer"); named != e.Issuer {
		return fails("asked for %q, they name %q", e.Issuer, named)
	}
	return ok("%q", e.Issuer)
}

func metadataRequired(_ context.Context, e *exam) verdict {
	if e.metadata == nil {
		return because(e.metaErr)
	}
	var missing []string
	required := []string{"issuer", "token_endpoint"}
	if slices.Contains(e.metadata.grantTypes(), "authorization_code") {
		required = append(required, "authorization_endpoint")
	}
	for _, name := range required {
		if e.metadata.str(name) == "" {
			missing = append(missing, name)
		}
	}
	if all, _ := e.metadata.list("response_types_supported"); len(all) == 0 && slices.Contains(required, "authorization_endpoint") {
		missing = append(missing, "response_types_supported")
	}
	if len(missing) > 0 {
		return fails("%s missing", strings.Join(missing, ", "))
	}
	return ok("%s, response_types_supported", strings.Join(required, ", "))
}

// endpoints are the members of the metadata that name a URL of the server, in their order.
func (m *metadata) endpoints() (names []string) {
	for name := range m.object {
		if (strings.HasSuffix(name, "_endpoint") || name == "jwks_uri") && m.str(name) != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func endpointsHTTPS(_ context.Context, e *exam) verdict {
	if e.metadata == nil {
		return because(e.metaErr)
	}
	names := e.metadata.endpoints()
	for _, name := range names {
		u, err := url.Parse(e.metadata.str(name))
		switch {
		case err != nil || u.Host == "":
			return fails("%s is no URL", name)
		case strings.Contains(e.metadata.str(name), "#"): // RFC 6749 §3.1, §3.2
			return fails("%s has a fragment", name)
		case u.Scheme != "https" && !(u.Scheme == "http" && isLoopback(u.Hostname()) && isLoopback(e.issuer.Hostname())):
			return fails("%s is %s://%s", name, u.Scheme, u.Host)
		}
	}
	if e.issuer.Scheme == "http" {
		return ok("%d endpoints, all on this machine, where http is excused", len(names))
	}
	return ok("%d endpoints", len(names))
}

func endpointsAnswer(ctx context.Context, e *exam) verdict {
	if e.metadata == nil {
		return because(e.metaErr)
	}
	names := e.metadata.endpoints()
	for _, name := range names {
		target := e.metadata.str(name)
		ask := func() (*reply, error) { return e.get(ctx, target) }
		switch name {
		case "token_endpoint", "revocation_endpoint", "introspection_endpoint", "pushed_authorization_request_endpoint",
			"device_authorization_endpoint", "backchannel_authentication_endpoint":
			ask = func() (*reply, error) { return e.post(ctx, target, url.Values{}) }
		}
		r, err := ask()
		switch {
		case err != nil:
			return unknown("%s: %v", name, err)
		case r.status == http.StatusNotFound || r.status == http.StatusGone || r.status >= 500:
			return fails("%s answers %s", name, statusText(r.status))
		}
	}
	return ok("%s", strings.Join(names, ", "))
}

// grantTypesTrue sends requests that lack what their grant needs: only what the server makes of the type shows.
func grantTypesTrue(ctx context.Context, e *exam) verdict {
	if err := e.needs("token_endpoint", true, false, false); err != nil {
		return because(err)
	}
	listed := e.metadata.grantTypes()
	for _, grant := range []string{"authorization_code", "refresh_token", "client_credentials", "password"} {
		form := url.Values{"grant_type": {grant}}
		switch grant {
		case "client_credentials": // it lacks nothing: a token of a scope that does not exist
			form.Set("scope", "doctor-"+random())
		case "refresh_token", "authorization_code":
			form.Set(strings.TrimPrefix(grant, "authorization_"), random())
		}
		r, err := e.token(ctx, e.Client, form)
		if err != nil {
			return because(err)
		}
		code, isListed := r.str("error"), slices.Contains(listed, grant)
		switch {
		case isListed && code == "unsupported_grant_type":
			return fails("%s is listed and answered %s", grant, r.says())
		case !isListed && (r.status == http.StatusOK || code == "invalid_grant" || code == "invalid_scope"):
			return fails("%s is not listed and answered %s", grant, r.says())
		}
	}
	return ok("%s", strings.Join(listed, ", "))
}

// authMethodsTrue sends the secret of the client in the ways that there are, in the body and never in the URL.
func authMethodsTrue(ctx context.Context, e *exam) verdict {
	if err := e.needs("token_endpoint", true, false, false); err != nil {
		return because(err)
	}
	listed := e.metadata.authMethods()
	methods := []string{"client_secret_basic", "client_secret_post"}
	if e.Client.Secret == "" {
		methods = []string{"none"}
	}
	var work []string
	for _, method := range methods {
		r, err := e.tokenBy(ctx, method, e.Client, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {random()}})
		if err != nil {
			return because(err)
		}
		if r.str("error") == "invalid_client" || r.status == http.StatusUnauthorized && r.str("error") == "" {
			continue
		}
		if !slices.Contains(listed, method) {
			return fails("%s works and is not listed: %s", method, strings.Join(listed, ", "))
		}
		work = append(work, method)
	}
	if len(work) == 0 {
		return unknown("the client is not let in; is its id right, and its secret?")
	}
	return ok("%s", strings.Join(work, ", "))
}

func pkceListed(_ context.Context, e *exam) verdict {
	if e.metadata == nil {
		return because(e.metaErr)
	}
	methods, there := e.metadata.list("code_challenge_methods_supported")
	switch {
	case !there:
		return fails("code_challenge_methods_supported is missing: clients cannot know that PKCE works")
	case !slices.Contains(methods, "S256"), slices.Contains(methods, "plain"):
		return fails("code_challenge_methods_supported is %q", methods)
	}
	return ok("code_challenge_methods_supported is %q", methods)
}

func passwordAbsent(_ context.Context, e *exam) verdict {
	if e.metadata == nil {
		return because(e.metaErr)
	}
	if slices.Contains(e.metadata.grantTypes(), "password") {
		return fails("grant_types_supported lists password; give it to no client of somebody else")
	}
	return ok("grant_types_supported does not list password")
}
