package server

import (
	"net/http"
	"time"
)

// Expect sets a task up, as Run does.
func (s *Server) Expect(task string) { s.metrics.tasks.expect(task, time.Minute) }

// Ran notes a run of a task, as Run does.
func (s *Server) Ran(task string, took time.Duration, err error) {
	s.metrics.tasks.note(task, took, err)
}

// Counting gives what counts a request like r.
func (s *Server) Counting(r *http.Request) (count func()) {
	x := &exchange{rec: record{route: "/token", outcome: "rotated", grantType: "refresh_token"}, out: statusWriter{status: http.StatusOK}}
	return func() {
		s.metrics.flying.Add(1)
		s.metrics.count(r, x, time.Now())
	}
}
