package server_test

import (
	"testing"
	"time"

	"github.com/go-oauth2/oauth2/v4"
)

// What go-oauth2 may ask of its manager, although grantd's own endpoints do not
// ask it that way.
func TestManager(t *testing.T) {
	s := newSystem(t)
	ctx, m := t.Context(), s.srv.Manager()
	tokens := s.login("me items")
	access, refresh := tokens.str("access_token"), tokens.str("refresh_token")

	t.Run("GetClient", func(t *testing.T) {
		for id, public := range map[string]bool{"app": true, "service": false} {
			c, err := m.GetClient(ctx, id)
			if err != nil || c.GetID() != id || c.IsPublic() != public || c.GetSecret() != "" {
				t.Errorf("%s: %+v, %v", id, c, err)
			}
		}
		if c, err := m.GetClient(ctx, "nobody"); err == nil {
			t.Errorf("%+v", c)
		}
	})
	t.Run("LoadAccessToken", func(t *testing.T) {
		info, err := m.LoadAccessToken(ctx, access)
		if err != nil {
			t.Fatal(err)
		}
		if info.GetUserID() != "u-ann" || info.GetClientID() != "app" || info.GetScope() != "me items" || info.GetAccessExpiresIn() != 15*time.Minute {
			t.Errorf("%+v", info)
		}
		if info, err := m.LoadAccessToken(ctx, refresh); err == nil {
			t.Errorf("a refresh token passed: %+v", info)
		}
	})
	t.Run("LoadRefreshToken", func(t *testing.T) {
		info, err := m.LoadRefreshToken(ctx, refresh)
		if err != nil {
			t.Fatal(err)
		}
		if info.GetUserID() != "u-ann" || info.GetClientID() != "app" || info.GetScope() != "me items" || info.GetRefreshExpiresIn() != 720*time.Hour {
			t.Errorf("%+v", info)
		}
		if info, err := m.LoadRefreshToken(ctx, access); err == nil {
			t.Errorf("an access token passed: %+v", info)
		}
	})
	t.Run("RemoveAccessToken", func(t *testing.T) {
		if err := m.RemoveAccessToken(ctx, refresh); err == nil {
			t.Error("a refresh token passed")
		}
		if err := m.RemoveAccessToken(ctx, access); err != nil {
			t.Fatal(err)
		}
		if s.active(access) || !s.active(refresh) {
			t.Error("it ends itself and nothing else")
		}
	})
	t.Run("RemoveRefreshToken", func(t *testing.T) {
		if err := m.RemoveRefreshToken(ctx, access); err == nil {
			t.Error("an access token passed")
		}
		if err := m.RemoveRefreshToken(ctx, refresh); err != nil {
			t.Fatal(err)
		}
		s.wantDead(tokens)
	})
	t.Run("no code for a request that was not checked, and no token in place of one", func(t *testing.T) {
		for _, kind := range []oauth2.ResponseType{oauth2.Code, oauth2.Token} {
			if info, err := m.GenerateAuthToken(ctx, kind, &oauth2.TokenGenerateRequest{ClientID: "app", UserID: "u-ann"}); err == nil {
				t.Errorf("%s: %+v", kind, info)
			}
		}
	})
}
