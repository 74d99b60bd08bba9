package main

import (
	"net"
	"strings"
	"testing"
)

// A server that is there and busy is not one to be started.
func TestCheckRunningTellsSlowFromAbsent(t *testing.T) {
	t.Parallel()
	busy, err := net.Listen("tcp", freePort) // the system takes connections, nobody answers
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	address := busy.Addr().String()
	err = checkRunning(t.Context(), address)
	if err == nil || err.Error() != "the server at "+address+" did not answer in time; its log says why" {
		t.Error(err)
	}
	busy.Close()
	if err := checkRunning(t.Context(), address); err == nil || !strings.Contains(err.Error(), "no server answers") {
		t.Error(err)
	}
}
