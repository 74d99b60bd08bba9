package main

import (
	"sync"
	"testing"
	"time"
)

// The network of all replicas is frozen for longer than the grace, and delivers
// late what they sent. The rotation that comes about then was dated back to when it
// was asked for, and every client that had asked again and again was signed out.
func TestSoakFreezeBeyondTheGrace(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.grace = 2 * time.Second
	s.startApart()
	var ready sync.WaitGroup
	frozen := make(chan struct{})
	insist := func() {
		h, _ := s.begin()
		ok := s.goOn(&h)
		ready.Done()
		<-frozen // an answer lost on its way back would rightly be past the grace
		if ok {
			s.advance(&h, 3)
		}
	}
	clients := []func(){insist, insist, insist, insist, insist}
	ready.Add(len(clients))
	s.run(t, scenario{once: true, answers: 300 * time.Millisecond, clients: func(*scene) []func() { return clients }, fault: func(s *scene) {
		ready.Wait()
		for _, n := range s.networks {
			n.Freeze()
		}
		close(frozen)
		time.Sleep(s.either(3500*time.Millisecond, 30*time.Second))
		for _, n := range s.networks {
			n.Thaw()
		}
	}})
	s.end()
}
