package server

import (
	"cmp"
	"context"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/grantd/grantd/scopes"
	"github.com/grantd/grantd/store"
)

// audit notes a security decision: in the log at once, and in the database before the request in which it
// happened is answered. The change itself has happened, so that a database that is away turns nothing into an error.
func (f *frame) audit(ctx context.Context, level slog.Level, e store.Event) {
	rec := recordOf(ctx)
	e = f.completed(rec, e)
	f.log.LogAttrs(ctx, level, "audit", eventAttrs(e)...)
	if f.events.affords(e) {
		rec.unsettled, rec.recorder = f.events.add(ctx, e), f.events
	}
}

// completed fills in what the request tells of an event.
func (f *frame) completed(rec *record, e store.Event) store.Event {
	e.At, e.RequestID, e.Outcome = f.events.now(), rec.id, cmp.Or(e.Outcome, "ok")
	if rec.request != nil {
		e.Address = f.clientAddress(rec.request)
	}
	if e.Actor == "" && rec.client != "" {
		e.Actor = "client:" + rec.client
	}
	return e
}

// byUser is the Actor of what a person did by themselves.
func byUser(id string) string { return "user:" + id }

// eventAttrs is an event as the log has it.
func eventAttrs(e store.Event) []slog.Attr {
	attrs := []slog.Attr{slog.String("event", e.Type)}
	for _, a := range [...]struct{ key, value string }{
		{"id", e.RequestID}, {"actor", e.Actor}, {"grant", e.GrantID}, {"client", e.ClientID}, {"subject", e.Subject}, {"from", e.Address},
	} {
		if a.value != "" {
			attrs = append(attrs, slog.String(a.key, a.value))
		}
	}
	for _, key := range slices.Sorted(maps.Keys(e.Detail)) {
		attrs = append(attrs, slog.Any(key, e.Detail[key]))
	}
	return attrs
}

// settleTime is how long an answer waits for its events to be on the disk.
const settleTime = 2 * time.Second

// settle waits, before the answer is sent, until what was decided in the request is on the disk, or for settleTime. It stays
// in the queue after that.
func (rec *record) settle() {
	written := rec.unsettled
	if written == nil {
		return
	}
	rec.unsettled = nil
	rec.recorder.hurry() // not before: all decisions of a request go into one commit
	late := time.NewTimer(settleTime)
	defer late.Stop()
	select {
	case <-written:
	case <-late.C:
	}
}

// used notes the everyday use of what was decided before. It needs no line of its own: that of the request has it.
func (rec *record) used(event, subject, grant string) {
	rec.event, rec.subject, rec.grant = event, subject, grant
}

// judged notes that a password was compared with that of a user, whose id is empty if there is none of that name.
func (rec *record) judged(userID string) { rec.login, rec.subject = true, userID }

// conclude makes the event of a request that was refused, or that used what was decided before.
func (f *frame) conclude(r *http.Request, x *exchange) {
	rec := &x.rec
	if rec.event != "" {
		f.events.add(r.Context(), f.completed(rec, store.Event{Type: rec.event, Subject: rec.subject, ClientID: rec.client, GrantID: rec.grant}))
	}
	if !rec.turnedAway(x.out.status) {
		return
	}
	rec.event = "request.refused"
	if rec.login {
		rec.event = "login.refused"
	}
	f.clientAddress(r) // for the record, which has it when somebody asked
	f.events.refuse(r.Context(), rec, func() store.Event { return f.completed(rec, rec.refusal(methodOf(r), x.out.status)) })
}

// turnedAway is whether a request was refused. What nobody offers, at paths that do not exist, nobody decided on.
func (rec *record) turnedAway(status int) bool {
	switch rec.outcome {
	case "ok", store.Rotated.String(), store.Repeated.String():
		return rec.route != noRoute && status >= http.StatusBadRequest
	}
	return rec.route != noRoute
}

// maxCause bounds what is kept of why a request was refused, in bytes.
const maxCause = 500

// refusal is the event of a request that was turned away.
func (rec *record) refusal(method string, status int) store.Event {
	detail := store.Detail{"route": rec.route, "method": method, "status": status}
	told, why := rec.toldAndWhy()
	for key, value := range map[string]string{
		"reason": string(rec.reason), "grant_type": rec.grantType, "description": clipBytes(told, maxCause), "cause": clipBytes(why, maxCause),
	} {
		if value != "" {
			detail[key] = value
		}
	}
	return store.Event{
		Type: rec.event, Outcome: rec.outcome, Subject: rec.subject, ClientID: cmp.Or(rec.client, rec.claimed), GrantID: rec.grant, Detail: detail,
	}
}

// auditLogin notes that somebody proved who they are by a password.
func (s *Server) auditLogin(ctx context.Context, userID string) {
	s.audit(ctx, slog.LevelInfo, store.Event{
		Type: "login.succeeded", Actor: byUser(userID), Subject: userID, ClientID: recordOf(ctx).client, Detail: store.Detail{"route": recordOf(ctx).route},
	})
}

// auditSignup notes that somebody made themselves a user.
func (f *frame) auditSignup(ctx context.Context, u store.User) {
	f.audit(ctx, slog.LevelInfo, store.Event{Type: "user.added", Actor: byUser(u.ID), Subject: u.ID, Detail: store.Detail{"route": recordOf(ctx).route}})
}

// grantCreated is the event of a new authorization.
func grantCreated(g store.Grant, by string) store.Event {
	return store.Event{
		Type: "grant.created", Subject: g.UserID, ClientID: g.ClientID, GrantID: g.ID, Detail: store.Detail{"grant_type": by, "scope": scopes.Set(g.Scope).String()},
	}
}
