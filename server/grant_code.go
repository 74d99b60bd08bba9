package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/go-oauth2/oauth2/v4"
	"github.com/grantd/grantd/server/authreq"
	"github.com/grantd/grantd/server/reason"
	"github.com/grantd/grantd/store"
)

// withRedirectURI is the request as the engine wants it: with a redirect_uri, which
// OAuth 2.1 §4.1.3 lets clients leave out. What they sent is in the tokenRequest.
func withRedirectURI(r *http.Request, form url.Values) *http.Request {
	if form.Get("grant_type") != "authorization_code" || form.Has("redirect_uri") {
		return r
	}
	filled := url.Values{"redirect_uri": {"left out"}}
	for name, values := range form {
		filled[name] = values
	}
	r.Form, r.PostForm = filled, filled
	return r
}

// grantCode answers an authorization code (RFC 6749 §4.1.3). All that the client
// could have got wrong is checked before the code is spent, so that nobody can
// use up, or have punished, a code that is not theirs.
func (s *Server) grantCode(ctx context.Context, code, verifier string) (info oauth2.TokenInfo, err error) {
	req := tokenRequestOf(ctx)
	c, err := s.DB.Code(ctx, hashText(code))
	if errors.Is(err, store.ErrNotFound) {
		return nil, badGrant(reason.CodeUnknown, "this is not an authorization code of this server, or it expired long ago")
	}
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			recordOf(ctx).about(c.UserID, c.GrantID)
		}
	}()
	if err := checkCode(c, req, verifier); err != nil {
		return nil, err
	}
	audience, err := s.narrowedAudience(req.resources, c.Audience)
	if err != nil {
		return nil, err
	}
	out := issuance{scope: c.Scope, audience: audience, refresh: mayRefresh(c.Scope, req.client), nonce: c.Nonce}
	if out.user, err = s.whomToName(ctx, c.UserID, c.Scope); err != nil {
		return nil, err
	}
	// All that can fail comes before the code is spent: a client that got an error asks
	// again, and would be taken for a thief.
	g := s.grantOf(c, req)
	info, err = s.issue(ctx, g, out)
	if err != nil {
		return nil, err
	}
	if err := s.redeem(ctx, c, g); err != nil {
		return nil, err
	}
	return info, nil
}

// checkCode holds a token request to the authorization request (RFC 6749 §4.1.3).
func checkCode(c store.Code, req *tokenRequest, verifier string) error {
	switch {
	case c.ClientID != req.client.ID:
		return badGrant(reason.CodeOfAnotherClient, "the code was issued to another client").becausef("it was made for client %s", c.ClientID)
	// OAuth 2.1 §4.1.3: a code that PKCE binds needs no redirect URI to bind it.
	case req.redirectURI != c.RedirectURI && (req.redirectURI != "" || c.Challenge == ""):
		return badGrant(reason.RedirectURIDiffers, "redirect_uri is not that of the authorization request").
			because(whyRedeemed(req.redirectURI, c.RedirectURI))
	case c.Challenge == "" && verifier != "":
		// RFC 9700 §4.8.2: an attacker may have taken the challenge out of the request.
		return badGrant(reason.VerifierUnexpected, "code_verifier is sent, but the authorization request had no code_challenge")
	case c.Challenge != "" && verifier == "":
		return badGrant(reason.VerifierMissing, "code_verifier is missing")
	case c.Challenge != "" && !authreq.Proves(verifier, c.Challenge): // RFC 7636 §4.6
		why, cause := whyUnprovable(verifier, c.Challenge)
		return badGrant(why, "code_verifier is not that of the code_challenge").because(cause)
	}
	return nil
}

// whyRedeemed is, for the operator, what is wrong with the redirect_uri of a token request.
func whyRedeemed(sent, asked string) error {
	switch {
	case sent == "":
		return fmt.Errorf("none is sent, the authorization request had %s", loggedURI(asked))
	case asked == "":
		return fmt.Errorf("%s is sent, the authorization request had none", loggedURI(sent))
	}
	return fmt.Errorf("redirect_uri differs at byte %d%s: the authorization request had %s, the token request %s",
		commonStart(sent, asked)+1, inBrackets(differenceInWords(sent, asked)), loggedURI(asked), loggedURI(sent))
}

// whyUnprovable is, for the operator, which side of PKCE is wrong.
func whyUnprovable(verifier, challenge string) (reason.Word, error) {
	switch {
	case verifier == challenge:
		return reason.VerifierMismatch, errors.New("the code_challenge itself was sent as code_verifier")
	case !authreq.ValidVerifier(verifier):
		return reason.VerifierMalformed, fmt.Errorf("it has %d bytes, or a character that it may not have", len(verifier))
	}
	return reason.VerifierMismatch, fmt.Errorf("it is well-formed, %d bytes long, and of another code_challenge", len(verifier))
}

// grantOf is the authorization that a code becomes.
func (s *Server) grantOf(c store.Code, req *tokenRequest) store.Grant {
	return s.newGrant(store.Grant{
		ID: c.GrantID, ClientID: c.ClientID, UserID: c.UserID, Scope: c.Scope, AuthTime: c.AuthTime,
		SessionID: c.SessionID, Audience: c.Audience, Claims: c.Claims, UsedFrom: req.from,
	}, mayRefresh(c.Scope, req.client))
}

// redeem spends the code.
func (s *Server) redeem(ctx context.Context, c store.Code, g store.Grant) error {
	now := s.Now()
	outcome, err := s.DB.RedeemCode(ctx, store.Redemption{ID: c.ID, ClientID: c.ClientID, Grant: g, Now: now, Until: accessEnd(now)})
	if err != nil {
		return err
	}
	recordOf(ctx).outcome = outcome.String()
	switch outcome {
	case store.CodeSpent:
		recordOf(ctx).outcome = "ok"
		s.audit(ctx, slog.LevelInfo, grantCreated(g, "authorization_code"))
		return nil
	case store.CodeReplayed:
		s.afterReplay(ctx, c)
		return badGrant(reason.CodeReused, "the code was used before; what came of it is revoked, start anew").
			becausef("it became authorization %s of user %s", c.GrantID, c.UserID)
	case store.CodeExpired:
		return badGrant(reason.CodeExpired, "the code expired; start anew").becausef("it expired %s ago, and was made at %s", ago(now, c.ExpiresAt), c.CreatedAt.UTC().Format(time.RFC3339))
	}
	return badGrant(reason.CodeRevoked, "the code is no longer good; start anew").becausef("code of grant %s is %s", c.GrantID, outcome)
}

// afterReplay: RFC 6749 §4.1.2. Of two who have the code and its verifier one is a thief.
func (s *Server) afterReplay(ctx context.Context, c store.Code) {
	s.audit(ctx, slog.LevelWarn, store.Event{Type: "authorization_code.reused", Subject: c.UserID, ClientID: c.ClientID, GrantID: c.GrantID})
	now := s.Now()
	s.live.add(store.Revocation{Kind: store.RevokedGrant, ID: c.GrantID, RevokedAt: now, ExpiresAt: accessEnd(now)})
}
