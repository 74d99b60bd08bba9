package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/grantd/grantd/scopes"
	"github.com/grantd/grantd/server/authreq"
	"github.com/grantd/grantd/server/reason"
	"github.com/grantd/grantd/server/token"
	"github.com/grantd/grantd/store"
)

// The response modes (OAuth 2.0 Multiple Response Types §2.1, OAuth 2.0 Form
// Post Response Mode §2).
const (
	modeQuery    = "query"
	modeFormPost = "form_post"
)

// Bounds of what is kept of a request, in bytes.
const (
	maxNonce     = 1 << 10
	maxLoginHint = 320
)

// authorization is an authorization request that was found to be right
// (RFC 6749 §4.1.1), or at least where its refusal goes.
type authorization struct {
	client       *store.Client
	redirectURI  string // where the answer goes
	sentURI      string // the same as in the request; empty: it had none
	state        string
	nonce        string
	challenge    string // S256; empty: the code is not bound by PKCE
	loginHint    string
	responseMode string     // modeQuery or modeFormPost
	claims       string     // OpenID Connect Core §5.5, as it was sent
	scope        scopes.Set // what the client asks for and may have
	audience     []string   // nil: what the server has for all
	prompt       struct{ none, login, consent, selectAccount bool }
	maxAge       time.Duration // authreq.AnyAge: it asks for none
	idTokenHint  string
	subject      string // the only user for whom it may succeed; empty: anybody
	knowsSubject bool   // the app has an ID token about them, issued to it
	request      authreq.Request
	query        string // the request, encoded in one way
}

// authorizeError is a refusal that the app is told of: the redirect URI is its own.
type authorizeError struct {
	to authorization
	error
}

func (e *authorizeError) Unwrap() error { return e.error }

// authorizationFrom reads an authorization request. Its error is an
// *authorizeError, which answerRefusal sends to the app, or one for a page: RFC
// 6749 §4.1.2.1: nobody is sent to a URI that was not found to be the client's.
func (s *Server) authorizationFrom(ctx context.Context, query string) (authorization, error) {
	req, err := authreq.Parse(query)
	if err != nil {
		return authorization{}, unreadable(err)
	}
	a, err := s.whereTo(ctx, req)
	if err != nil {
		return authorization{}, err
	}
	if err := s.readAuthorization(&a); err != nil {
		return authorization{}, &authorizeError{a, err}
	}
	return a, nil
}

// whereTo finds the client and how to answer it.
func (s *Server) whereTo(ctx context.Context, req authreq.Request) (a authorization, err error) {
	a.request, a.query, a.maxAge = req, req.Encode(), authreq.AnyAge
	ids := req.All("client_id")
	if len(ids) != 1 || !cleanText(ids[0]) {
		return a, badRequest(reason.ClientMissing, "the app did not say which one it is: client_id is missing, malformed or there twice")
	}
	a.client, _, err = s.client(ctx, ids[0])
	if errors.Is(err, store.ErrNotFound) {
		return a, unknownApp()
	}
	if err != nil {
		return a, err
	}
	recordOf(ctx).client = a.client.ID
	if a.sentURI, a.redirectURI, err = redirectTo(req, a.client); err != nil {
		return a, err
	}
	if states := req.All("state"); len(states) == 1 {
		a.state = states[0]
	}
	a.responseMode = modeQuery
	if slices.Equal(req.All("response_mode"), []string{modeFormPost}) {
		a.responseMode = modeFormPost
		if !authreq.FitsForm(a.state) {
			return a, badRequest(reason.StateUnfit, "the app sent a state with control characters or bytes that are not UTF-8, "+
				"which response_mode=form_post cannot give back; use response_mode=query")
		}
	}
	return a, nil
}

func unknownApp() *Error {
	return badRequest(reason.ClientUnknown, "the app that sent you here is not known to this server; tell the app's makers")
}

// redirectTo: RFC 6749 §3.1.2.3. An app with one registered URI need not send it,
// unless it speaks OpenID Connect (Core §3.1.2.1).
func redirectTo(req authreq.Request, c *store.Client) (sent, to string, err error) {
	switch uris := req.All("redirect_uri"); {
	case len(uris) > 1:
		return "", "", badRequest(reason.ParameterRepeated, "the app sent redirect_uri twice")
	case len(uris) == 1:
		sent, to = uris[0], uris[0]
	case len(c.RedirectURIs) != 1 || asksOpenID(req, c):
		return "", "", badRequest(reason.RedirectURIMissing, "the app did not say where to send you back to: redirect_uri is missing")
	default:
		to = c.RedirectURIs[0]
	}
	if !authreq.Registered(to, c.RedirectURIs) {
		return "", "", badRequest(reason.RedirectURIUnregistered, "the app wants you sent to an address that is not registered for it; "+
			"you stay here, for it may be a trap (redirect_uri)").because(unregistered("redirect_uri", to, c.RedirectURIs))
	}
	return sent, to, nil
}

// asksOpenID is whether a request is one of OpenID Connect, be it by default.
func asksOpenID(req authreq.Request, c *store.Client) bool {
	if scope := req.Get("scope"); scope != "" {
		return slices.Contains(strings.Fields(scope), "openid")
	}
	return slices.Contains(c.DefaultScopes, "openid")
}

// readAuthorization checks what is left, in the order in which one mistake explains another.
func (s *Server) readAuthorization(a *authorization) error {
	for _, check := range []func(*authorization) error{
		checkParameters, checkResponse, s.readAsked, s.readClaims, readPKCE, readPrompt, s.readHints,
	} {
		if err := check(a); err != nil {
			return err
		}
	}
	return nil
}

// checkParameters: RFC 6749 §3.1, none twice, and the characters of appendix A.
// The state alone may have any: it is given back and not looked at.
func checkParameters(a *authorization) (err error) {
	if name := a.request.Repeated(repeatable); name != "" {
		return badRequest(reason.ParameterRepeated, parameter(name)+" is given more than once")
	}
	a.request.Each(func(name, value string) bool {
		if name != "state" {
			err = checkParameter(name, value)
		}
		return err == nil
	})
	return err
}

// checkResponse: the client, and the kind of answer.
func checkResponse(a *authorization) error {
	for _, name := range []string{"request", "request_uri", "registration"} { // OpenID Connect Core §6.1, §6.2, §7.2.1
		if a.request.Has(name) {
			return refusal(reason.RequestObject, name+"_not_supported", "this server does not take the parameter "+name)
		}
	}
	if mode := a.request.Get("response_mode"); mode != "" && mode != modeQuery && mode != modeFormPost {
		return badRequest(reason.ResponseModeUnsupported, "this response_mode is not supported; use query or form_post")
	}
	if !allows(a.client, "authorization_code") {
		return notForClient(reason.GrantTypeNotForClient, "this client may not use the authorization code flow").
			becausef("%s may use %s", clientWords(a.client), strings.Join(a.client.Grants, ", "))
	}
	switch a.request.Get("response_type") {
	case "code":
		return nil
	case "":
		return badRequest(reason.ResponseTypeMissing, "response_type is missing; use code")
	}
	// RFC 9700 §2.1.2: what the implicit grant sends through the browser is not safe there.
	return refusal(reason.ResponseTypeUnsupported, unsupportedResponseType, "this response_type is not supported; use code")
}

// readAsked: what access is asked for, and at what.
func (s *Server) readAsked(a *authorization) (err error) {
	if a.scope, err = s.askedScope(a.request.Get("scope"), a.client); err != nil {
		return err
	}
	if a.audience, err = askedAudience(a.request.All(repeatable), s.audiences(), reason.ResourceUnknown); err != nil {
		return err
	}
	if a.nonce = a.request.Get("nonce"); len(a.nonce) > maxNonce {
		return badRequest(reason.NonceTooLong, "nonce is longer than 1024 bytes")
	}
	return nil
}

// readClaims: OpenID Connect Core §5.5: claims that are asked for by name come with
// the scopes that cover them, as far as the client may have those.
func (s *Server) readClaims(a *authorization) error {
	if !a.scope.Has("openid") {
		return nil // the parameter has no meaning there
	}
	a.claims = a.request.Get("claims")
	asked, err := parseClaims(a.claims)
	if err != nil {
		return err
	}
	if asked.acrUnmet() {
		return refusal(reason.ClaimsUnmet, unmetAuthentication, "nobody can sign in here in the way that claims demands")
	}
	open := s.scopes.Intersect(a.client.Scopes)
	a.scope = open.Intersect(append(asked.scopes(), a.scope...))
	a.subject = asked.subject()
	return nil
}

// readPKCE: every client binds its codes (RFC 9700 §2.1.1), but for confidential ones
// that are registered so and bind them by an OpenID Connect nonce (OAuth 2.1 §7.5.1).
func readPKCE(a *authorization) error {
	a.challenge = a.request.Get("code_challenge")
	if err := authreq.CheckChallenge(a.challenge, a.request.Get("code_challenge_method")); err != nil {
		return badRequest(whyChallenge(err), err.Error()).becausef("code_challenge has %d bytes, code_challenge_method is %s",
			len(a.challenge), strconv.QuoteToASCII(clip(a.request.Get("code_challenge_method"))))
	}
	optional := a.client.PKCEOptional && !public(a.client) && a.scope.Has("openid") && a.nonce != ""
	if a.challenge == "" && !optional {
		return badRequest(reason.PKCEMissing, "code_challenge is missing; this server requires PKCE with S256").because(whyPKCE(a))
	}
	return nil
}

// whyPKCE is, for the operator, why a request cannot do without PKCE.
func whyPKCE(a *authorization) error {
	switch {
	case !a.client.PKCEOptional:
		return fmt.Errorf("%s is not registered with --pkce optional", clientWords(a.client))
	case !a.scope.Has("openid"):
		return errors.New("without openid in the scope PKCE is never optional")
	}
	return errors.New("without a nonce PKCE is never optional")
}

func whyChallenge(err error) reason.Word {
	if errors.Is(err, authreq.ErrChallenge) {
		return reason.PKCEMalformed
	}
	return reason.PKCEMethod
}

func readPrompt(a *authorization) error {
	p, err := authreq.ParsePrompt(a.request.Get("prompt"))
	if err != nil {
		return badRequest(reason.PromptMalformed, err.Error())
	}
	a.prompt.none, a.prompt.login, a.prompt.consent, a.prompt.selectAccount = p.None, p.Login, p.Consent, p.SelectAccount
	if a.maxAge, err = authreq.ParseMaxAge(a.request.Get("max_age")); err != nil {
		return badRequest(reason.MaxAgeMalformed, err.Error())
	}
	return nil
}

// readHints: whom the app believes to be there. One that is too long to be a name is no hint.
func (s *Server) readHints(a *authorization) error {
	if a.idTokenHint = a.request.Get("id_token_hint"); a.idTokenHint != "" {
		subject, issuedTo, _, err := s.readIDHint(a.idTokenHint)
		switch {
		case errors.Is(err, token.ErrForgotten) && a.prompt.none:
			// OpenID Connect Core §3.1.2.1: nobody can tell whether it is the same person.
			return refusal(reason.HintForgotten, loginRequired, "id_token_hint is older than every session").because(err)
		case errors.Is(err, token.ErrForgotten): // of somebody who was here long ago; they may sign in
		case err != nil:
			return badRequest(reason.HintInvalid, "id_token_hint is not an ID token of this server").because(err)
		case a.subject != "" && a.subject != subject:
			return badRequest(reason.HintsDisagree, "id_token_hint and claims name two different people")
		default:
			a.subject, a.knowsSubject = subject, issuedTo == a.client.ID
		}
	}
	if hint := a.request.Get("login_hint"); len(hint) <= maxLoginHint {
		a.loginHint = hint
	}
	return nil
}

// afterSignIn is the request again, without what signing in has satisfied.
func (a authorization) afterSignIn(prefix string) string {
	left := authreq.Prompt{None: a.prompt.none, Consent: a.prompt.consent}
	return prefix + "/authorize?" + a.request.Without("max_age").With("prompt", left.String()).Encode()
}

// formAction is where the forms may lead that the answer follows.
func (a authorization) formAction() []string { return []string{authreq.FormAction(a.redirectURI)} }

// refusal is an *Error of status 400 with a code of its own.
func refusal(why reason.Word, code, hint string) *Error {
	return &Error{Code: code, Hint: hint, Reason: why, Status: http.StatusBadRequest}
}
