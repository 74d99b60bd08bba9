package server_test

import (
	"testing"
	"time"

	"github.com/grantd/grantd/server"
	"github.com/grantd/grantd/server/reason"
)

func loginOf(word reason.Word, name, username, secret string) provocation {
	return provocation{reason: word, name: name, refused: func(_ *testing.T, s *system) reply { return s.loginAs(username, secret) }}
}

// interrupted hashes passwords, and lets something happen meanwhile.
type interrupted struct {
	server.OwnHasher
	meanwhile func()
}

func (h *interrupted) Match(hash, password string) (bool, error) {
	h.meanwhile()
	return h.OwnHasher.Match(hash, password)
}

// overtaken is a provocation in which a statement changes the database while a password is hashed.
func overtaken(word reason.Word, statement string, refused func(t *testing.T, s *system) reply) provocation {
	h := &interrupted{}
	return provocation{
		reason: word, options: func(o *server.Options) { o.Hasher = h },
		refused: func(t *testing.T, s *system) reply {
			h.meanwhile = func() { s.alter(statement) }
			return refused(t, s)
		},
	}
}

var provokedUsers = []provocation{
	loginOf(reason.UserUnknown, "", "nobody", password),
	loginOf(reason.WrongPassword, "", "ann", "wrong"),
	{reason: reason.WrongPassword, name: "on the page to sign in", refused: func(_ *testing.T, s *system) reply {
		return s.post("/login", form("username", "ann", "password", "wrong"), from(ownSite))
	}},
	{reason: reason.WrongPassword, name: "on the account page", refused: func(_ *testing.T, s *system) reply {
		return s.post("/account/password", form("current_password", "wrong", "new_password", "long enough", "new_password_again", "long enough"), from(ownSite), s.cookie("u-ann"))
	}},
	loginOf(reason.UserDisabled, "", "eve", password),
	loginOf(reason.PasswordTooLong, "", "ann", longPassword),
	overtaken(reason.LoginOvertaken, `UPDATE users SET password_hash = password_hash || 'x' WHERE id = 'u-ann'`, func(_ *testing.T, s *system) reply { return s.loginAs("ann", password) }),
	overtaken(reason.PasswordOvertaken, `DELETE FROM sessions`, func(_ *testing.T, s *system) reply {
		return s.post("/account/password", form("current_password", password, "new_password", "long enough", "new_password_again", "long enough"), from(ownSite), s.cookie("u-ann"))
	}),
	{reason: reason.UserGone, refused: func(_ *testing.T, s *system) reply {
		tokens := s.redeem(s.code(asked("scope", "openid me offline_access")))
		s.alter(`DELETE FROM users WHERE id = 'u-ann'`)
		return s.refreshAs("spa", tokens)
	}},
	sends(reason.AccountRejected, "", "POST", "/users/", "{}", jsonBody),
	sends(reason.AccountRejected, "on the page to sign up", "POST", "/signup", "username=", asForm, from(ownSite)),
	sends(reason.AccountTaken, "", "POST", "/users/", `{"username":"ann","password":"long enough"}`, jsonBody),
}

const longPassword = "0123456789012345678901234567890123456789012345678901234567890123456789012"

var provokedCodes = []provocation{
	{reason: reason.CodeUnknown, refused: func(_ *testing.T, s *system) reply { return s.redeem("x") }},
	redeems(reason.CodeOfAnotherClient, "", "client_id", "third"),
	redeems(reason.RedirectURIDiffers, "", "redirect_uri", callback+"/"),
	{reason: reason.RedirectURIDiffers, name: "none", refused: func(_ *testing.T, s *system) reply {
		return s.redeemWeb(s.code(askedBy(true, "scope", "openid", "nonce", "n", "code_challenge", "", "code_challenge_method", "")), "redirect_uri", "", "code_verifier", "")
	}},
	{reason: reason.VerifierUnexpected, refused: func(_ *testing.T, s *system) reply {
		return s.redeemWeb(s.code(askedBy(true, "scope", "openid", "nonce", "n", "code_challenge", "", "code_challenge_method", "")))
	}},
	redeems(reason.VerifierMissing, "", "code_verifier", ""),
	redeems(reason.VerifierMalformed, "", "code_verifier", "short"),
	redeems(reason.VerifierMismatch, "", "code_verifier", verifier+"x"),
	redeems(reason.VerifierMismatch, "the challenge", "code_verifier", challenge),
	{reason: reason.CodeExpired, refused: func(_ *testing.T, s *system) reply {
		code := s.code(asked())
		s.clock.Add(2 * time.Minute)
		return s.redeem(code)
	}},
	{reason: reason.CodeReused, refused: func(_ *testing.T, s *system) reply {
		code := s.code(asked())
		s.redeem(code)
		return s.redeem(code)
	}},
	{reason: reason.CodeRevoked, refused: func(_ *testing.T, s *system) reply {
		code := s.code(asked())
		s.alter(`UPDATE users SET disabled_at = 1 WHERE id = 'u-ann'`) // as the same transaction would see it
		return s.redeem(code)
	}},

	{reason: reason.RefreshTokenInvalid, refused: func(_ *testing.T, s *system) reply { return s.refresh("x") }},
	{reason: reason.RefreshTokenExpired, refused: func(_ *testing.T, s *system) reply {
		token := s.login("me").str("refresh_token")
		s.clock.Add(721 * time.Hour)
		return s.refresh(token)
	}},
	{reason: reason.RefreshTokenOfAnotherClient, refused: func(_ *testing.T, s *system) reply {
		return s.refreshAs("other", s.login("me"))
	}},
	{reason: reason.RefreshTokenReused, refused: func(_ *testing.T, s *system) reply { return s.refresh(s.rotations(2)[0].str("refresh_token")) }},
	{reason: reason.GrantRevoked, refused: func(_ *testing.T, s *system) reply {
		token := s.login("me").str("refresh_token")
		s.revoke(token)
		return s.refresh(token)
	}},
	{reason: reason.GrantGone, refused: func(_ *testing.T, s *system) reply {
		token := s.login("me").str("refresh_token")
		s.alter(`DELETE FROM grants`)
		return s.refresh(token, "resource", s.opts.Issuer)
	}},
	{reason: reason.TokenOfAnotherClient, refused: func(_ *testing.T, s *system) reply {
		return s.post("/revoke", form("client_id", "other", "token", s.login("me").str("refresh_token")))
	}},
}

// redeems is a provocation that is the redemption of a good code.
func redeems(word reason.Word, name string, pairs ...string) provocation {
	return provocation{reason: word, name: name, refused: func(_ *testing.T, s *system) reply { return s.redeem(s.code(asked()), pairs...) }}
}
