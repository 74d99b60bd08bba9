package main

import (
	"fmt"
	"regexp"
	"strconv"
	"testing"
	"time"
)

// What Schemathesis makes of openapi.json, in all ways of its own: nothing brings a fault, and each answer is one of
// those that the description promises.
func TestGeneratedRequests(t *testing.T) {
	t.Parallel()
	dir := copyFolder(t, "testdata/hostile")
	mustForeign(t, dir, "python3", "-m", "venv", ".venv")
	mustForeign(t, dir, ".venv/bin/pip", "install", "--quiet", "--requirement", "requirements.txt")
	s := startVictim(t)
	access := tokensOf(t, s.post("/token", form("grant_type", "password", "username", "johndoe", "password", "secret", "scope", "me items items:write"))).Access

	lasts := max(hostileTime(t), 12*time.Second)
	cmd := foreignFor(t, lasts+5*time.Minute, dir, ".venv/bin/schemathesis", "run", s.URL+"/openapi.json", "--header", "Authorization: Bearer "+access,
		"--checks", "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,allow_header_conformance",
		"--max-time", fmt.Sprint(int(lasts.Seconds())), "--continue-on-failure", "--max-redirects", "0", "--generation-with-security-parameters=false")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if n := regexp.MustCompile(`(\d+) generated`).FindSubmatch(out); n == nil {
		t.Errorf("it made no requests: %s", out)
	} else if made, _ := strconv.Atoi(string(n[1])); made < 300 {
		t.Errorf("it made no more than %d requests", made)
	} else {
		t.Logf("%d requests", made)
	}
	s.wantUnharmed(t)
}
