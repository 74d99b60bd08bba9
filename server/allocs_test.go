//go:build !race

package server_test

import "testing"

// What a request may allocate between net/http and the answer. The benchmarks of the same
// names say what it takes in time.
func TestAllocationsOfRequests(t *testing.T) {
	all := reruns(t)
	for name, most := range map[string]float64{"introspect": 18, "me": 12, "status": 9} {
		// What sends the request again makes three things.
		if got := testing.AllocsPerRun(200, func() { all[name].again() }) - 3; got > most {
			t.Errorf("%s: %v allocations, want %v at most", name, got, most)
		}
	}
}
