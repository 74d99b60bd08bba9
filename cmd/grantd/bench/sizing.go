package bench

import (
	"fmt"
	"strings"
	"time"
)

// Size is what this machine is enough for.
type Size struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	About string  `json:"about"`
}

// What a sizing goes by: the life of an access token, and how busy a server should be at most.
const (
	refreshEvery = 15 * time.Minute
	busy         = .5
)

// sizes are worked out from what was measured, and from nothing else.
func (r *Report) sizes() []Size {
	all := []Size{}
	add := func(name string, value float64, format string, args ...any) {
		all = append(all, Size{name, value, fmt.Sprintf(format, args...)})
	}
	for _, l := range r.Operations {
		if r.AskedRate > 0 { // what is possible was not tried
			break
		}
		each := l.Rate / float64(r.loadedCores())
		switch l.Operation {
		case "refresh":
			add("active_users_per_core", each*busy*refreshEvery.Seconds(), "active users whose apps refresh every %.0f minutes, at %.0f %% load",
				refreshEvery.Minutes(), 100*busy)
		case "introspect":
			add("introspections_per_core", each, "API requests a second whose tokens one core validates by introspection, at full load")
		case "me":
			add("resource_requests_per_core", each, "requests a second that one core answers by the built-in resource router, at full load")
		case "password":
			add("logins_per_second", l.Rate, "logins a second with a password, on all %d cores", r.Cores)
		}
	}
	if r.Start != nil && r.Start.Memory > 0 {
		add("memory_idle_mb", r.Start.Memory, "MB of memory at the start")
	}
	if m := r.AfterRefreshes; m.Memory > 0 {
		add("memory_after_refreshes_mb", m.Memory, "MB of memory after %d refreshes of %d authorizations", m.Refreshes, m.Authorizations)
	}
	return all
}

// loadedCores are those that rates are divided by: the server's, or all that it shares with the load.
func (r *Report) loadedCores() int {
	if r.ServerCores > 0 {
		return r.ServerCores
	}
	return r.Cores
}

// isPart says whether a line is of one operation in a mix.
func isPart(name string) bool { return strings.HasPrefix(name, mixName+".") }
