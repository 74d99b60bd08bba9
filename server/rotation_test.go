package server_test

import (
	"net/http"
	"sync"
	"testing"
	"time"
)

func TestRefreshRotates(t *testing.T) {
	s := newSystem(t)
	first := s.login("me items")
	s.clock.Add(time.Minute)
	second := s.refresh(first.str("refresh_token"))
	if second.StatusCode != http.StatusOK {
		t.Fatalf("%d %s", second.StatusCode, second.body)
	}
	if second.str("refresh_token") == first.str("refresh_token") || second.str("access_token") == first.str("access_token") {
		t.Error("a token was handed out twice")
	}
	if got := second.str("scope"); got != "me items" {
		t.Errorf("scope %q", got)
	}
}

func TestTwoHundredParallelRefreshes(t *testing.T) {
	s := newSystem(t)
	first := s.login("me items").str("refresh_token")
	s.clock.Add(time.Minute)

	var mu sync.Mutex
	successors := map[string]int{}
	var wg sync.WaitGroup
	for range 200 {
		wg.Go(func() {
			res := s.refresh(first)
			mu.Lock()
			defer mu.Unlock()
			if res.StatusCode != http.StatusOK {
				t.Errorf("%d %s", res.StatusCode, res.body)
			}
			successors[res.str("refresh_token")]++
		})
	}
	wg.Wait()
	if len(successors) != 1 {
		t.Fatalf("%d different successors, want the same one for all", len(successors))
	}
	for successor := range successors {
		s.refresh(successor).wantOK(t)
	}
}
