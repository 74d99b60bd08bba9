package server_test

import (
	"strings"
	"testing"
	"time"

	"github.com/grantd/grantd/server"
	"github.com/grantd/grantd/server/reason"
)

// authorizes is a provocation that is an authorization request by ann, who is signed in.
func authorizes(word reason.Word, name string, pairs ...string) provocation {
	return provocation{reason: word, name: name, refused: func(_ *testing.T, s *system) reply { return s.authorize(asked(pairs...), s.cookie("u-ann")) }}
}

const acrClaims = `{"id_token":{"acr":{"essential":true,"values":["gold"]}}}`

var provokedAuthorizations = []provocation{
	{reason: reason.ParameterRepeated, name: "at /authorize", refused: func(_ *testing.T, s *system) reply { return s.authorize(asked() + "&redirect_uri=x") }},
	{reason: reason.ParameterRepeated, name: "told to the app", refused: func(_ *testing.T, s *system) reply { return s.authorize(asked() + "&nonce=x&nonce=y") }},
	{reason: reason.ParameterRepeated, name: "at /logout", refused: func(_ *testing.T, s *system) reply { return s.get("/logout?state=x&state=y") }},
	authorizes(reason.ParameterMalformed, "at /authorize", "nonce", "\x00"),
	{reason: reason.ParameterMalformed, name: "at /logout", refused: func(_ *testing.T, s *system) reply { return s.get("/logout?client_id=%00") }},
	authorizes(reason.RedirectURIMissing, "", "redirect_uri", ""),
	authorizes(reason.RedirectURIUnregistered, "", "redirect_uri", callback+"/"),
	{reason: reason.LogoutURIUnregistered, refused: func(_ *testing.T, s *system) reply {
		return s.get("/logout?client_id=spa&post_logout_redirect_uri=https://x.example/")
	}},
	authorizes(reason.StateUnfit, "", "state", "\x00", "response_mode", "form_post"),
	authorizes(reason.ResponseModeUnsupported, "", "response_mode", "fragment"),
	authorizes(reason.ResponseTypeMissing, "", "response_type", ""),
	authorizes(reason.ResponseTypeUnsupported, "", "response_type", "token"),
	authorizes(reason.RequestObject, "", "request", "x"),
	authorizes(reason.RequestObject, "by URI", "request_uri", "x"),
	authorizes(reason.RequestObject, "registration", "registration", "x"),
	authorizes(reason.NonceTooLong, "", "nonce", strings.Repeat("n", 1025)),
	authorizes(reason.ClaimsMalformed, "", "scope", "openid", "claims", "x"),
	authorizes(reason.ClaimsUnmet, "", "scope", "openid", "claims", acrClaims),
	authorizes(reason.PKCEMissing, "", "code_challenge", "", "code_challenge_method", ""),
	authorizes(reason.PKCEMethod, "", "code_challenge_method", "plain"),
	authorizes(reason.PKCEMethod, "none", "code_challenge_method", ""),
	authorizes(reason.PKCEMethod, "no challenge", "code_challenge", ""),
	authorizes(reason.PKCEMalformed, "", "code_challenge", "x"),
	authorizes(reason.PromptMalformed, "", "prompt", "magic"),
	authorizes(reason.MaxAgeMalformed, "", "max_age", "x"),
	authorizes(reason.HintInvalid, "", "id_token_hint", "x"),
	{reason: reason.HintInvalid, name: "at /logout", refused: func(_ *testing.T, s *system) reply {
		return s.get("/logout?client_id=spa&id_token_hint=" + s.idHint("u-ann", "web", ""))
	}},
	{reason: reason.HintsDisagree, refused: func(_ *testing.T, s *system) reply {
		return s.authorize(asked("scope", "openid", "claims", `{"id_token":{"sub":{"value":"u-bob"}}}`, "id_token_hint", s.idHint("u-ann", "spa", "")))
	}},
	{
		reason: reason.HintForgotten, options: func(o *server.Options) { o.SessionTTL, o.SessionMaxTTL = time.Hour, time.Hour },
		refused: func(t *testing.T, s *system) reply {
			hint := s.idHint("u-ann", "spa", "before")
			s.retire(t, s.opts.SessionMaxTTL)
			return s.authorize(asked("scope", "openid", "prompt", "none", "id_token_hint", hint), s.cookie("u-ann"))
		},
	},
	{reason: reason.NobodySignedIn, refused: func(_ *testing.T, s *system) reply { return s.authorize(asked("prompt", "none")) }},
	authorizes(reason.SignInTooOld, "", "prompt", "none", "max_age", "0"),
	{reason: reason.SignedOutMeanwhile, refused: func(_ *testing.T, s *system) reply {
		s.alter(`CREATE TRIGGER meanwhile AFTER INSERT ON session_clients BEGIN DELETE FROM sessions; END`)
		return s.authorize(asked("scope", "openid"), s.cookie("u-ann"))
	}},
	{reason: reason.ConsentMissing, refused: func(_ *testing.T, s *system) reply {
		return s.authorize(askedByThird("me", "prompt", "none"), s.cookie("u-ann"))
	}},
	{reason: reason.ConsentDenied, refused: func(t *testing.T, s *system) reply {
		cookie := s.cookie("u-ann")
		page := s.authorize(askedByThird("me"), cookie)
		return s.post("/consent", form("request", page.hiddenField(t, "request"), "session", page.hiddenField(t, "session"),
			"asked", page.hiddenField(t, "asked"), "decision", "deny"), cookie, from(ownSite))
	}},
	{reason: reason.SignInCancelled, refused: func(_ *testing.T, s *system) reply {
		return s.post("/consent", form("request", askedByThird("me"), "decision", "cancel"), from(ownSite))
	}},
}

var provokedPages = []provocation{
	{reason: reason.CrossSiteForm, refused: func(_ *testing.T, s *system) reply {
		return s.post("/login", form(), from("cross-site"), header("Origin", "https://evil.example"))
	}},
	{reason: reason.DecisionMissing, refused: func(t *testing.T, s *system) reply {
		cookie := s.cookie("u-ann")
		page := s.authorize(askedByThird("me"), cookie)
		return s.post("/consent", form("request", page.hiddenField(t, "request"), "session", page.hiddenField(t, "session"),
			"asked", page.hiddenField(t, "asked")), cookie, from(ownSite))
	}},
	{reason: reason.AppGone, refused: func(_ *testing.T, s *system) reply {
		return s.post("/account/revoke", form("app", "nobody"), s.cookie("u-ann"), from(ownSite))
	}},
	{reason: reason.SessionMissing, refused: func(_ *testing.T, s *system) reply {
		return s.post("/account/sessions", form(), s.cookie("u-ann"), from(ownSite))
	}},
	{reason: reason.PageLimit, refused: func(_ *testing.T, s *system) reply { return s.get("/users/me/items/?limit=0", s.annsToken()) }},
	{reason: reason.QueryMalformed, name: "at /users/me/items/", refused: func(_ *testing.T, s *system) reply { return s.get("/users/me/items/?a=%zz", s.annsToken()) }},
	{reason: reason.ParameterRepeated, name: "at /users/me/items/", refused: func(_ *testing.T, s *system) reply {
		return s.get("/users/me/items/?limit=1&limit=2", s.annsToken())
	}},
	{reason: reason.ItemRejected, refused: func(_ *testing.T, s *system) reply {
		return s.send("POST", "/users/me/items/", "{}", jsonBody, s.annsToken())
	}},
	{reason: reason.ItemTaken, refused: func(_ *testing.T, s *system) reply {
		token := s.annsToken()
		s.send("POST", "/users/me/items/", `{"item_id":"Foo"}`, jsonBody, token)
		return s.send("POST", "/users/me/items/", `{"item_id":"Foo"}`, jsonBody, token)
	}},
}

// annsToken is a token for all of ann's items.
func (s *system) annsToken() edit {
	s.t.Helper()
	return bearer(s.login("me items items:write").str("access_token"))
}
