package main

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// hostileTime is how long generated requests are sent ("make hostile"). Zero is the short form of "make test".
func hostileTime(t *testing.T) time.Duration {
	t.Helper()
	return durationOf(t, "GRANTD_HOSTILE")
}

// victim is a server that is mistreated, and what it was like before.
type victim struct {
	*process
	goroutines, heap int
}

// startVictim runs the demo system, with a log that programs read.
func startVictim(t *testing.T, args ...string) victim {
	t.Helper()
	v := victim{process: start(t, append([]string{"dev", "--demo-listen", "off", "--log-format", "json", "--pprof-enabled"}, args...)...)}
	login(t, v.process, "before") // what is made at first use is there
	v.goroutines, v.heap = v.held(t)
	return v
}

var (
	goroutineTotal = regexp.MustCompile(`goroutine profile: total (\d+)`)
	heapInUse      = regexp.MustCompile(`# HeapAlloc = (\d+)`)
)

// held is how many goroutines and how many bytes the server holds on to.
func (v victim) held(t *testing.T) (goroutines, heap int) {
	t.Helper()
	v.client.CloseIdleConnections()
	number := func(path string, pattern *regexp.Regexp) int {
		found := pattern.FindStringSubmatch(v.send("GET", v.Ops+"/debug/pprof/"+path, "", nil).body)
		if found == nil {
			t.Fatalf("%s has no %v", path, pattern)
		}
		n, _ := strconv.Atoi(found[1])
		return n
	}
	return number("goroutine?debug=1", goroutineTotal), number("heap?gc=1&debug=1", heapInUse)
}

// roomToKeep is what a server may keep of requests that are over: pools, and what it remembers on purpose.
const roomToKeep = 16 << 20

// wantUnharmed looks for what a request broke: a panic, an answer that tells of a fault, a line of the log that is none, memory
// or a goroutine that is kept.
func (v victim) wantUnharmed(t *testing.T) {
	t.Helper()
	eventually(t, "no goroutine is left behind", func() bool {
		now, _ := v.held(t)
		return now <= v.goroutines+2
	})
	if _, heap := v.held(t); heap > v.heap+roomToKeep {
		t.Errorf("%d bytes were kept", heap-v.heap)
	}
	wantStatus(t, "a request afterwards", v.get("/", ""), 200)
	for line := range strings.Lines(v.Log.String()) {
		wantSoundLine(t, line)
	}
}

// soundLine is what the tests read of a line of the log.
type soundLine struct {
	Message string `json:"msg"`
	Route   string
	Status  int
	Cause   string
}

// wantSoundLine wants one JSON object, which does not tell of a fault of ours.
func wantSoundLine(t *testing.T, line string) {
	t.Helper()
	var l soundLine
	if err := json.Unmarshal([]byte(line), &l); err != nil {
		t.Errorf("the log has a line that is none: %v: %q", err, line)
	}
	if l.Message == "panic" || l.Status >= 500 && l.Status != 503 {
		t.Errorf("the server did not bear a request: %s", line)
	}
}
