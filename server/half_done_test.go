package server_test

import (
	"database/sql"
	"net/http"
	"testing"

	"github.com/grantd/grantd/server"
)

// withoutNames runs do while no user can be read, though all else works.
func (s *system) withoutNames(do func()) {
	s.t.Helper()
	s.alter("ALTER TABLE users RENAME COLUMN full_name TO out_of_order")
	do()
	s.alter("ALTER TABLE users RENAME COLUMN out_of_order TO full_name")
}

// alter changes the database behind the server's back.
func (s *system) alter(statement string) {
	s.t.Helper()
	db, err := sql.Open("sqlite", s.path)
	if err != nil {
		s.t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(statement); err != nil {
		s.t.Fatal(err)
	}
}

// A client that asks again after a fault was taken for a thief: the code, or the refresh
// token, was spent before the user was read whom the ID token is about.
func TestFaultsSpendNothing(t *testing.T) {
	s := withApps(t, func(o *server.Options) { o.ReuseGrace = 0 })
	t.Run("6749-4.1.2 a code", func(t *testing.T) {
		code := s.code(asked("scope", "openid me offline_access"))
		s.withoutNames(func() { s.redeem(code).wantError(t, http.StatusInternalServerError, "server_error") })
		s.redeem(code).wantOK(t)
	})
	t.Run("9700-4.14.2 a refresh token", func(t *testing.T) {
		tokens := s.redeem(s.code(asked("scope", "openid me offline_access")))
		s.withoutNames(func() { s.refreshAs("spa", tokens).wantError(t, http.StatusInternalServerError, "server_error") })
		s.refreshAs("spa", tokens).wantOK(t)
	})
	t.Run("6749-6 who asks for no ID token needs no user", func(t *testing.T) {
		tokens := s.redeem(s.code(asked("scope", "openid me offline_access")))
		s.withoutNames(func() { s.refreshAs("spa", tokens, "scope", "me").wantOK(t) })
	})
}

// The same with the key of the ID token, where it was made by another server since this one started.
func TestFaultsOfKeysSpendNothing(t *testing.T) {
	s := withApps(t, func(o *server.Options) { o.ReuseGrace = 0 })
	s.onNewDatabase()
	s.addApps()
	s.startServer()
	young := s.beside(0) // it has no such key, and looks for one when asked
	tokens := s.redeem(s.code(asked("scope", "openid me offline_access")))
	s.alter("ALTER TABLE signing_keys RENAME TO out_of_order")
	young.refreshAs("spa", tokens).wantError(t, http.StatusInternalServerError, "server_error")
	s.alter("ALTER TABLE out_of_order RENAME TO signing_keys")
	young.refreshAs("spa", tokens).wantOK(t)
}
