package server

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/grantd/grantd/server/reason"
	"github.com/grantd/grantd/store"
)

// touchEvery is how often the row of a session that is used is written at most.
const touchEvery = time.Minute

// maxAgent bounds what is kept of a User-Agent header.
const maxAgent = 300

// visitor is a person who is signed in.
type visitor struct {
	session store.Session
	user    store.User
}

// visitor finds out who sent the request. ok is false when nobody is signed in:
// the session is unknown or over, or the user disabled.
func (s *Server) visitor(r *http.Request) (v visitor, ok bool, err error) {
	cookie, err := r.Cookie(s.cookieName())
	if err != nil {
		return visitor{}, false, nil
	}
	ctx, now := r.Context(), s.Now()
	session, err := s.DB.SessionByCookie(ctx, hashText(cookie.Value))
	if err != nil || !session.ExpiresAt.After(now) {
		return visitor{}, false, ignoreNotFound(err)
	}
	user, err := s.DB.User(ctx, session.UserID)
	if err != nil || !user.DisabledAt.IsZero() {
		return visitor{}, false, ignoreNotFound(err)
	}
	if !within(now.Sub(session.SeenAt), touchEvery) {
		if err := s.DB.TouchSession(ctx, session.ID, now, s.SessionTTL, s.clientAddress(r)); err != nil {
			s.warn(ctx, "note that a session is used", err) // it goes on, and may be touched the next time
		}
	}
	return visitor{session, user}, true, nil
}

// startSession signs the user in, whose password was just proved. A browser in
// which the same user is signed in keeps its session under a new secret, and any
// other session of the browser ends: a secret that was planted there is worth nothing.
func (s *Server) startSession(w http.ResponseWriter, r *http.Request, user store.User) (visitor, error) {
	before, ok, err := s.visitor(r)
	if err != nil {
		return visitor{}, err
	}
	session, secret := s.newSession(r, user)
	put := false
	if ok && before.user.ID == user.ID {
		renewed := session
		renewed.ID, renewed.CreatedAt = before.session.ID, before.session.CreatedAt
		if put, err = s.DB.RenewSession(r.Context(), renewed, user.PasswordHash); put {
			session = renewed
		}
	}
	if !put && err == nil {
		put, err = s.DB.PutSession(r.Context(), session, user.PasswordHash)
	}
	if err != nil {
		return visitor{}, err
	}
	if !put { // disabled, deleted or given another password since it was read
		return visitor{}, badGrant(reason.LoginOvertaken, wrongLogin)
	}
	if ok && before.user.ID != user.ID {
		if err := s.endSessions(r.Context(), store.SessionEnd{UserID: before.user.ID, ID: before.session.ID}); err != nil {
			return visitor{}, err
		}
	}
	http.SetCookie(w, s.sessionCookie(secret))
	s.auditLogin(r.Context(), user.ID)
	s.audit(r.Context(), slog.LevelInfo, store.Event{Type: "session.started", Actor: byUser(user.ID), Subject: user.ID, Detail: store.Detail{"session": session.ID}})
	return visitor{session, user}, nil
}

// newSession is a session that begins now, and the secret that the browser gets.
func (s *Server) newSession(r *http.Request, user store.User) (session store.Session, secret string) {
	secret, now := NewSecret(), s.Now()
	return store.Session{
		ID: rand.Text(), Cookie: hashText(secret), UserID: user.ID, AuthTime: now, CreatedAt: now, SeenAt: now,
		MaxExpiresAt: now.Add(s.SessionMaxTTL), ExpiresAt: earlier(now.Add(s.SessionTTL), now.Add(s.SessionMaxTTL)),
		Agent: clipBytes(strings.ToValidUTF8(r.UserAgent(), "?"), maxAgent), Address: s.clientAddress(r),
	}, secret
}

// hashText is what the database keeps of a secret of 256 bits: one fast hash is enough.
func hashText(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// cookieName: over https the name makes browsers take the cookie from this host
// only, for all its paths, and only over https (RFC 6265bis §4.1.3.2). On http,
// which is for loopback, hosts share cookies between ports: each has its own name. So
// has each of several issuers that share a host under paths of their own.
func (s *Server) cookieName() string { return s.cookieNamed("grantd_session") }

func (s *Server) browserCookieName() string { return s.cookieNamed("grantd_device") }

func (s *Server) cookieNamed(base string) string {
	name := "__Host-" + base
	if issuer, err := url.Parse(s.Issuer); err == nil && issuer.Scheme != "https" {
		name = base + "_" + issuer.Port()
	}
	return name + strings.Map(alphanumericOrLine, s.prefix)
}

// secureCookies is whether browsers are to send cookies over https only.
func (s *Server) secureCookies() bool { return strings.HasPrefix(s.cookieName(), "__Host-") }

func alphanumericOrLine(r rune) rune {
	if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
		return r
	}
	return '_'
}

// sessionCookie holds the secret; without one it takes the cookie away. It ends
// with the browser, and at the latest with the session. SameSite=Lax: no request that another site makes
// carries it, except for links.
func (s *Server) sessionCookie(secret string) *http.Cookie {
	c := &http.Cookie{
		Name: s.cookieName(), Value: secret, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode,
		Secure: s.secureCookies(),
	}
	if secret == "" {
		c.MaxAge = -1
	}
	return c
}

func ignoreNotFound(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}

// clipBytes is the first bytes of s, up to a whole character.
func clipBytes(s string, most int) string {
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "")
	}
	return s
}

// endSessions ends sessions of a user, and what began there and is not to outlive
// them, and has the clients told that want to know.
func (s *Server) endSessions(ctx context.Context, in store.SessionEnd) error {
	in.Now = s.Now()
	in.Until = accessEnd(in.Now)
	ended, err := s.DB.EndSessions(ctx, in)
	if err != nil {
		return err
	}
	for _, id := range ended.Grants {
		s.live.add(store.Revocation{Kind: store.RevokedGrant, ID: id, RevokedAt: in.Now, ExpiresAt: in.Until})
	}
	s.afterSessions(ctx, in.UserID, ended)
	return nil
}

// afterSessions notes which sessions of a user have ended, and tells the clients.
func (s *Server) afterSessions(ctx context.Context, userID string, ended store.EndedSessions) {
	for _, id := range ended.IDs {
		s.audit(ctx, slog.LevelInfo, store.Event{Type: "session.ended", Actor: byUser(userID), Subject: userID, Detail: store.Detail{"session": id}})
	}
	s.tellClients(ctx, userID, ended.Told)
}
