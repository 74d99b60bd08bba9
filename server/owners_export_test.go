package server

import (
	"time"

	"github.com/grantd/grantd/store"
)

// OwnersKept is how many users are in memory.
func (s *Server) OwnersKept() int { return OwnerRows{s.owners}.Len() }

// OwnerRows are users that are remembered.
type OwnerRows struct{ l *rows[store.User] }

// NewOwnerRows remembers up to most.
func NewOwnerRows(most int) OwnerRows { return OwnerRows{newRows[store.User](most)} }

// Put remembers a user who was read before meanwhile was done.
func (o OwnerRows) Put(id, user string, at time.Time, meanwhile func()) {
	dropped := o.l.drops()
	meanwhile()
	o.l.put(id, &store.User{ID: user}, at, dropped)
}

// Get is the id of the user that is remembered, or empty.
func (o OwnerRows) Get(id string, now time.Time) string {
	u := o.l.get(id, now)
	if u == nil {
		return ""
	}
	return u.ID
}

// Drop forgets one.
func (o OwnerRows) Drop(id string) { o.l.drop(id) }

// Tidy forgets what is old.
func (o OwnerRows) Tidy(now time.Time) { o.l.tidy(now) }

// Len is how many are remembered.
func (o OwnerRows) Len() int {
	o.l.mu.RLock()
	defer o.l.mu.RUnlock()
	return len(o.l.byID)
}
