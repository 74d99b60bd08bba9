package main

import (
	"bufio"
	"fmt"
	"io"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// Every shell that a person may paste the walk-through into. Not beside other tests: what hashes passwords as
// slowly as in production, under the race detector, needs a machine for itself.
func TestWalkThrough(t *testing.T) {
	for _, shell := range []string{"dash", "bash"} {
		t.Run(shell, func(t *testing.T) {
			s := start(t, "dev")
			eventually(t, "the walk-through is printed", func() bool {
				return strings.Contains(s.Out.String(), "# 8.") && strings.HasSuffix(s.Out.String(), "\n\n")
			})
			steps := splitSteps(t, s.Out.String())
			checkSteps(t, paste(t, shell, steps))
			s.mustStop(t)
			if log := s.Log.String(); !strings.Contains(log, "refresh_token.reused") || strings.Contains(log, "eyJ") {
				t.Errorf("the log: %s", log)
			}
		})
	}
}

var stepNumber = regexp.MustCompile(`(?m)^# (\d+)\. `)

// splitSteps cuts the text before each numbered comment.
func splitSteps(t *testing.T, text string) (steps []string) {
	t.Helper()
	marks := stepNumber.FindAllStringSubmatchIndex(text, -1)
	for i, mark := range marks {
		end := len(text)
		if i+1 < len(marks) {
			end = marks[i+1][0]
		}
		if text[mark[2]:mark[3]] != fmt.Sprint(i+1) {
			t.Fatalf("step %d has another number: %s", i+1, text)
		}
		steps = append(steps, text[mark[0]:end])
	}
	if len(steps) != 8 {
		t.Fatalf("%d steps: %s", len(steps), text)
	}
	return steps
}

// paste types the steps into one shell and returns what each printed. curl adds
// the status of each answer on a line of its own, which the pasted lines do not see.
func paste(t *testing.T, shell string, steps []string) []string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), shell)
	cmd.Env = settings()
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	r, w := io.Pipe()
	cmd.Stdout, cmd.Stderr = w, w
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { w.CloseWithError(cmd.Wait()) }()
	io.WriteString(stdin, "curl() { command curl -w '%{stderr}\\nstatus %{http_code}\\n' \"$@\"; }\n")
	lines := bufio.NewScanner(r)
	var printed []string
	for _, step := range steps {
		io.WriteString(stdin, step+"\necho; echo '== done'\n")
		var out strings.Builder
		for lines.Scan() && lines.Text() != "== done" {
			out.WriteString(lines.Text() + "\n")
		}
		printed = append(printed, out.String())
	}
	stdin.Close()
	for lines.Scan() {
		t.Errorf("%s went on: %s", shell, lines.Text())
	}
	if err := lines.Err(); err != nil {
		t.Errorf("%s: %v", shell, err)
	}
	return printed
}

func checkSteps(t *testing.T, printed []string) {
	t.Helper()
	for i, want := range []struct {
		statuses string
		texts    []string
	}{
		{"200", []string{`"access_token":"ey`, `"refresh_token":"ey`, `"scope":"me items"`}},
		{"200", []string{`"username":"johndoe"`, `"disabled":false`}},
		{"200", []string{`"item_id":"Foo"`, `"owner":"johndoe"`}},
		{"200", []string{`"scope":"me"`}},
		{"403", []string{"HTTP/1.1 403", `Www-Authenticate: Bearer `, `error="insufficient_scope"`, `scope="me items"`, `"insufficient_scope"`}},
		{"200 200", []string{`"refresh_token":"ey`}},
		{"400", []string{`"error":"invalid_grant"`, "used before", "revoked"}},
		{"400 401", []string{`"error":"invalid_grant"`, "HTTP/1.1 401", `error="invalid_token"`}},
	} {
		var statuses []string
		for _, found := range regexp.MustCompile(`(?m)^status (\d+)$`).FindAllStringSubmatch(printed[i], -1) {
			statuses = append(statuses, found[1])
		}
		if got := strings.Join(statuses, " "); got != want.statuses {
			t.Errorf("step %d: statuses %s, want %s: %s", i+1, got, want.statuses, printed[i])
		}
		for _, text := range want.texts {
			if !strings.Contains(printed[i], text) {
				t.Errorf("step %d: %q is not in %s", i+1, text, printed[i])
			}
		}
	}
	if n := strings.Count(printed[5], `"refresh_token"`); n != 2 {
		t.Errorf("step 6 shows %d refresh tokens", n)
	}
}
