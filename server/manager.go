package server

import (
	"context"
	"errors"
	"time"

	"github.com/go-oauth2/oauth2/v4"
	oautherrors "github.com/go-oauth2/oauth2/v4/errors"
	"github.com/go-oauth2/oauth2/v4/models"
	"github.com/grantd/grantd/scopes"
	"github.com/grantd/grantd/server/reason"
	"github.com/grantd/grantd/server/token"
	"github.com/grantd/grantd/store"
)

// manager is the engine's oauth2.Manager: it issues from our rows and keys.
type manager struct{ s *Server }

var _ oauth2.Manager = (*manager)(nil)

// GetClient finds a client for the engine.
func (m *manager) GetClient(ctx context.Context, id string) (oauth2.ClientInfo, error) {
	c, _, err := m.s.client(ctx, id)
	if err != nil {
		return nil, err
	}
	return &models.Client{ID: c.ID, Public: public(c)}, nil
}

// GenerateAuthToken issues authorization codes, for a request that was checked
// before. The engine itself would issue access tokens here, too (RFC 9700 §2.1.2).
func (m *manager) GenerateAuthToken(ctx context.Context, kind oauth2.ResponseType, _ *oauth2.TokenGenerateRequest) (oauth2.TokenInfo, error) {
	if kind != oauth2.Code {
		return nil, oautherrors.ErrUnsupportedResponseType
	}
	return m.s.createCode(ctx)
}

// GenerateAccessToken issues for the grants that start an authorization.
func (m *manager) GenerateAccessToken(ctx context.Context, grant oauth2.GrantType, asked *oauth2.TokenGenerateRequest) (oauth2.TokenInfo, error) {
	switch grant {
	case oauth2.PasswordCredentials:
		return m.s.grantPassword(ctx)
	case oauth2.AuthorizationCode:
		return m.s.grantCode(ctx, asked.Code, asked.CodeVerifier)
	case oauth2.ClientCredentials:
		return m.s.grantClientCredentials(ctx, asked.Scope)
	}
	return nil, oautherrors.ErrUnsupportedGrantType
}

// RefreshAccessToken answers a refresh token.
func (m *manager) RefreshAccessToken(ctx context.Context, asked *oauth2.TokenGenerateRequest) (oauth2.TokenInfo, error) {
	return m.s.grantRefresh(ctx, asked.Refresh, asked.Scope)
}

// RemoveAccessToken revokes one access token.
func (m *manager) RemoveAccessToken(ctx context.Context, access string) error {
	claims, err := m.s.anyVerifier.Verify(ctx, access)
	if err != nil {
		return err
	}
	return m.s.revokeToken(ctx, claims)
}

// RemoveRefreshToken revokes the authorization of a refresh token.
func (m *manager) RemoveRefreshToken(ctx context.Context, refresh string) error {
	t, err := m.s.refresher.Read(refresh)
	if err != nil {
		return err
	}
	return m.s.revokeGrant(ctx, t)
}

// LoadAccessToken says what a valid access token grants.
func (m *manager) LoadAccessToken(ctx context.Context, access string) (oauth2.TokenInfo, error) {
	c, err := m.s.anyVerifier.Verify(ctx, access)
	if err != nil {
		return nil, err
	}
	return &models.Token{
		ClientID: c.ClientID, UserID: c.Subject, Scope: c.Scope.String(),
		Access: access, AccessCreateAt: c.IssuedAt, AccessExpiresIn: c.ExpiresAt.Sub(c.IssuedAt),
	}, nil
}

// LoadRefreshToken says what a live refresh token grants.
func (m *manager) LoadRefreshToken(ctx context.Context, refresh string) (oauth2.TokenInfo, error) {
	t, err := m.s.liveRefresh(ctx, refresh)
	if err != nil {
		return nil, err
	}
	return &models.Token{
		ClientID: t.ClientID, UserID: t.Subject, Scope: t.Scope.String(),
		Refresh: refresh, RefreshCreateAt: t.IssuedAt, RefreshExpiresIn: t.ExpireAt.Sub(t.IssuedAt),
	}, nil
}

// issuance is what one answer gives out of an authorization.
type issuance struct {
	scope    scopes.Set
	audience []string
	refresh  bool       // whether the refresh token comes along
	nonce    string     // for the ID token
	user     store.User // for the same: whom it is about
}

// issue mints the answer for an authorization: an access token, the refresh token
// of the row where the client may refresh, and who the user is if openid is in the scope.
// It asks nothing of the database.
func (s *Server) issue(ctx context.Context, g store.Grant, out issuance) (oauth2.TokenInfo, error) {
	now := s.Now()
	info, err := s.mintAccess(token.Access{
		Subject: g.UserID, ClientID: g.ClientID, Audience: out.audience, Scope: out.scope, GrantID: g.ID,
		IssuedAt: now, ExpireAt: earlier(now.Add(s.AccessTTL), g.MaxExpiresAt), AuthTime: g.AuthTime,
	})
	if err != nil {
		return nil, err
	}
	if out.refresh {
		minted, err := s.refresher.Mint(refreshOf(g))
		if err != nil {
			return nil, err
		}
		info.SetRefresh(minted)
		info.SetRefreshCreateAt(g.RotatedAt)
		info.SetRefreshExpiresIn(g.ExpiresAt.Sub(g.RotatedAt))
	}
	if out.scope.Has("openid") {
		return s.withIDToken(ctx, info, g, out)
	}
	return info, nil
}

// whomToName reads the user whom the ID token for a scope is about, if there is to be one, and sees to
// the key that signs it: what can fail comes before a refresh token is spent.
func (s *Server) whomToName(ctx context.Context, userID string, scope scopes.Set) (store.User, error) {
	if !scope.Has("openid") {
		return store.User{}, nil
	}
	if err := s.ensureIDKey(ctx, tokenRequestOf(ctx).client); err != nil {
		return store.User{}, err
	}
	user, err := s.DB.User(ctx, userID)
	if errors.Is(err, store.ErrNotFound) {
		return store.User{}, badGrant(reason.UserGone, "the user is gone")
	}
	return user, err
}

// signedInfo is an answer that says who the user is.
type signedInfo struct {
	*models.Token
	idToken string
}

func (s *Server) withIDToken(ctx context.Context, info *models.Token, g store.Grant, out issuance) (oauth2.TokenInfo, error) {
	idToken, err := s.idToken(ctx, tokenRequestOf(ctx).client, g, out, info.GetAccess())
	if err != nil {
		return nil, err
	}
	return &signedInfo{info, idToken}, nil
}

func (s *Server) mintAccess(a token.Access) (*models.Token, error) {
	a.Issuer = s.Issuer
	minted, err := s.ring.MintAccess(a)
	if err != nil {
		return nil, err
	}
	return &models.Token{
		ClientID: a.ClientID, UserID: a.Subject, Scope: a.Scope.String(),
		Access: minted, AccessCreateAt: a.IssuedAt, AccessExpiresIn: a.ExpireAt.Sub(a.IssuedAt),
	}, nil
}

// refreshOf derives the refresh token from the row alone, so that a repeat
// inside the grace gets the same bytes (contract §4).
func refreshOf(g store.Grant) token.Refresh {
	return token.Refresh{
		Subject: g.UserID, ClientID: g.ClientID, Scope: g.Scope,
		GrantID: g.ID, Generation: g.Generation, IssuedAt: g.RotatedAt, ExpireAt: g.ExpiresAt,
	}
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
