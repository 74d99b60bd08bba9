package server

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/go-oauth2/oauth2/v4"
	"github.com/go-oauth2/oauth2/v4/models"
	oauth2server "github.com/go-oauth2/oauth2/v4/server"
	"github.com/grantd/grantd/scopes"
	"github.com/grantd/grantd/server/authreq"
	"github.com/grantd/grantd/server/pages"
	"github.com/grantd/grantd/server/reason"
	"github.com/grantd/grantd/store"
)

// codeTTL is how long an authorization code may wait (RFC 6749 §4.1.2: ten minutes at most).
const codeTTL = time.Minute

// codeRequest is what is proven of an authorization request on its way through the engine.
type codeRequest struct {
	authorization
	visitor
	granted scopes.Set
}

type codeRequestKey struct{}

// issueCode sends the app a code for what the visitor granted of what it asked for. a.scope
// is without what they may not grant.
func (s *Server) issueCode(w http.ResponseWriter, r *http.Request, a authorization, v visitor, granted scopes.Set) error {
	granted = a.scope.Intersect(granted) // whatever the caller says
	ctx := context.WithValue(r.Context(), codeRequestKey{}, codeRequest{a, v, granted})
	info, err := s.engine.GetAuthorizeToken(ctx, &oauth2server.AuthorizeRequest{
		ResponseType: oauth2.Code, ClientID: a.client.ID, UserID: v.user.ID, Scope: granted.String(), RedirectURI: a.redirectURI,
		State: a.state, CodeChallenge: a.challenge, CodeChallengeMethod: oauth2.CodeChallengeS256, Request: r,
	})
	if err != nil && s.deleted(r.Context(), a.client.ID) { // its address is nobody's any more
		return unknownApp()
	}
	if err != nil {
		return s.answerRefusal(w, r, &authorizeError{a, err})
	}
	var answer authreq.Answer
	answer.Add("code", info.GetCode())
	return s.answerApp(w, r, a, answer)
}

// deleted is whether a client, which was remembered, is no more.
func (s *Server) deleted(ctx context.Context, clientID string) bool {
	_, err := s.DB.Client(ctx, clientID)
	return errors.Is(err, store.ErrNotFound)
}

// createCode makes the code, in the session that it comes from. What ended the
// session since it was read has ended what would come of the code.
func (s *Server) createCode(ctx context.Context) (oauth2.TokenInfo, error) {
	in, ok := ctx.Value(codeRequestKey{}).(codeRequest)
	if !ok {
		return nil, errors.New("a code was asked for without a checked request")
	}
	if in.granted.Has("openid") { // before the code: its ID token names the session, whose end the client wants to know
		if _, err := s.DB.JoinSession(ctx, in.session.ID, in.client.ID); err != nil {
			return nil, err
		}
	}
	code, c := NewSecret(), s.newCode(in)
	c.ID = hashText(code)
	created, err := s.DB.CreateCode(ctx, c)
	if err != nil {
		return nil, err
	}
	if !created {
		return nil, refusal(reason.SignedOutMeanwhile, loginRequired, "the person was signed out meanwhile")
	}
	s.audit(ctx, slog.LevelInfo, store.Event{Type: "authorization.granted", Actor: byUser(c.UserID), Subject: c.UserID, ClientID: c.ClientID, GrantID: c.GrantID, Detail: store.Detail{"scope": in.granted.String()}})
	return &models.Token{ClientID: c.ClientID, UserID: c.UserID, Scope: in.granted.String(), Code: code, CodeCreateAt: c.CreatedAt, CodeExpiresIn: codeTTL}, nil
}

func (s *Server) newCode(in codeRequest) store.Code {
	now := s.Now()
	return store.Code{
		ClientID: in.client.ID, UserID: in.user.ID, GrantID: rand.Text(), Scope: in.granted, Audience: in.audience,
		RedirectURI: in.sentURI, Challenge: in.challenge, Nonce: in.nonce, Claims: in.claims,
		SessionID: in.session.ID, AuthTime: in.session.AuthTime, CreatedAt: now, ExpiresAt: now.Add(codeTTL),
	}
}

// answerRefusal tells the app of an *authorizeError. Any other error it returns:
// that is for a page.
func (s *Server) answerRefusal(w http.ResponseWriter, r *http.Request, err error) error {
	var refused *authorizeError
	if !errors.As(err, &refused) {
		return err
	}
	e := asError(refused.error, recordOf(r.Context()).id)
	return s.refuseAuthorization(w, r, refused.to, e)
}

// refuseAuthorization sends the app an error (RFC 6749 §4.1.2.1).
func (s *Server) refuseAuthorization(w http.ResponseWriter, r *http.Request, a authorization, e *Error) error {
	recordOf(r.Context()).refused(e.Code, e.Reason, e)
	var answer authreq.Answer
	answer.Add("error", e.Code)
	answer.Add("error_description", descriptionText(e.Hint))
	return s.answerApp(w, r, a, answer)
}

// answerApp sends the browser to the app with an answer. RFC 9207 §2: iss is in
// every one, so that no other server's answer is taken for ours.
func (s *Server) answerApp(w http.ResponseWriter, r *http.Request, a authorization, answer authreq.Answer) error {
	answer.Add("state", a.state)
	answer.Add("iss", s.Issuer)
	if a.responseMode == modeFormPost {
		return s.formPost(w, a, answer)
	}
	return seeOther(w, answer.URL(a.redirectURI)) // RFC 9700 §4.12: 303 lets no form along
}

// formPost has the browser post the answer (OAuth 2.0 Form Post Response Mode §2).
// Who has no JavaScript presses a button.
func (s *Server) formPost(w http.ResponseWriter, a authorization, answer authreq.Answer) error {
	w.Header().Set("Referrer-Policy", "strict-origin") // the app may want to know whose form it is; our URL stays with us
	page := pages.FormPost{Action: a.redirectURI}
	answer.Each(func(name, value string) { page.Fields = append(page.Fields, pages.Field{Name: name, Value: value}) })
	return s.send(w, http.StatusOK, func(out io.Writer) error { return s.pages.FormPost(out, page) },
		"script-src 'self'", "form-action "+strings.Join(a.formAction(), " "))
}
