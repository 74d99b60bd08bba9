package server

import (
	"slices"

	"github.com/grantd/grantd/scopes"
)

// identityScopes are those that OpenID Connect Core §5.4 and §11 define: every
// server has them, before those of the settings.
var identityScopes = []Scope{
	{"openid", "Know who you are when you sign in"},
	{"profile", "See your name and username"},
	{"email", "See your email address"},
	{"offline_access", "Keep access when you are away, until you revoke it"},
}

// IdentityScopes are the names of the scopes that every server has: those of OpenID Connect Core §5.4 and §11.
func IdentityScopes() []string { return identityScopeNames() }

func identityScopeNames() (names scopes.Set) {
	for _, s := range identityScopes {
		names = append(names, s.Name)
	}
	return names
}

// withIdentityScopes puts the scopes of OpenID Connect before others. Where the
// settings name one of them, its description there counts.
func withIdentityScopes(own []Scope) []Scope {
	all := slices.Clone(identityScopes)
	for _, s := range own {
		if i := slices.IndexFunc(all, func(known Scope) bool { return known.Name == s.Name }); i >= 0 {
			all[i].Description = s.Description
			continue
		}
		all = append(all, s)
	}
	return all
}
