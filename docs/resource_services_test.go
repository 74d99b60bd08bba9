package docs_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/grantd/grantd/scopes"
)

const resourceServices = "resource-services.md"

// service is one that a document shows: a whole file, whose first line names it, and in the next block with
// commands those that install what it needs and start it.
type service struct {
	file, source, commands string
	line                   int
	guarded                bool // it differs from another service in what is around its routes alone
}

var (
	fileLine  = regexp.MustCompile(`^(?://|#) (\S+\.(?:go|mjs|py))\n`)
	guardLine = regexp.MustCompile(`(?ms)^\tguard := .*ListenAndServe[^\n]*\n`)
	mainBody  = regexp.MustCompile(`(?s)func main\(\) \{.*?\n\}`)
	madeLine  = regexp.MustCompile(`(?ms)^\tverifier, err := .*?^\t\}\)\n`)
	important = regexp.MustCompile(`^import ("\S+"\n)\n`)
)

const (
	servicePort = "8001"                     // as the documents write it
	checkout    = "/path/to/grantd"          // likewise
	tryIt       = "127.0.0.1:" + servicePort // a block with it is for the reader who has started a service
)

// splitServices parts the blocks of a document into the services, the blocks that call one, and the rest. A piece of
// Go is a service, too: the last whole one with package scopes, with that piece in place of its own.
func splitServices(t *testing.T, file string) (services []service, calls, rest []block) {
	t.Helper()
	blocks := readBlocks(t, file)
	var ours service
	for i, b := range blocks {
		name := fileLine.FindStringSubmatch(b.text)
		started := i > 0 && fileLine.MatchString(blocks[i-1].text)
		switch {
		case name != nil && (i+1 == len(blocks) || blocks[i+1].language != "sh"):
			t.Fatalf("%s:%d: nothing starts %s", file, b.line, name[1])
		case name != nil:
			s := service{name[1], b.text, blocks[i+1].text, b.line, false}
			services = append(services, s)
			if s.ours() {
				ours = s
			}
		case started: // and read already
		case b.language == "go":
			services = append(services, ours.with(t, b))
		case b.language == "sh" && strings.Contains(b.text, tryIt):
			calls = append(calls, b)
		default:
			rest = append(rest, b)
		}
	}
	return services, calls, rest
}

// ours tells whether the service is made with package scopes.
func (s service) ours() bool { return strings.Contains(s.source, "grantd/scopes") }

// with is the service with a piece of Go that does something another way: makes the verifier, or guards the routes. Any
// other goes before the guard. What the piece imports goes to the other imports.
func (s service) with(t *testing.T, piece block) service {
	t.Helper()
	s.line, s.guarded = piece.line, !strings.Contains(piece.text, "verifier, err :=")
	place := guardLine
	if !s.guarded {
		place = madeLine
	}
	old := place.FindString(s.source)
	if old == "" {
		t.Fatalf("line %d: the service before has no place for it", piece.line)
	}
	text := important.ReplaceAllString(piece.text, "")
	if s.guarded && !strings.Contains(text, "ListenAndServe") {
		text += old
	}
	s.source = strings.Replace(s.source, old, text, 1)
	if imported := important.FindStringSubmatch(piece.text); imported != nil {
		s.source = strings.Replace(s.source, "import (\n", "import (\n"+imported[1], 1)
	}
	return s
}

// Every service of the document is installed and started by the document's own commands, and takes or
// refuses the tokens of a running grantd as it should.
func TestResourceServices(t *testing.T) {
	services, calls, rest := splitServices(t, resourceServices)
	var kinds []string
	for _, s := range services {
		kinds = append(kinds, filepath.Ext(s.file))
	}
	if want := []string{".go", ".go", ".go", ".go", ".go", ".go", ".go", ".mjs", ".py", ".go", ".go"}; !slices.Equal(kinds, want) {
		t.Fatalf("the document shows services in %q, want %q", kinds, want)
	}
	if lines := strings.Count(mainBody.FindString(services[0].source), "\n") - 1; lines < 1 || lines >= 15 {
		t.Errorf("%d lines are no five minutes", lines)
	}
	for _, s := range slices.Backward(services) { // Python's libraries take longest
		t.Run(fmt.Sprintf("line %d %s", s.line, s.file), func(t *testing.T) {
			t.Parallel()
			address, at := "127.0.0.1:"+freePort(t), "127.0.0.1:"+freePort(t)
			s.start(t, "http://"+at, address)
			url := "http://" + address + "/reports"

			t.Run("before the issuer has started", func(t *testing.T) {
				s.withoutKeys().check(t, url)
				s.checkReady(t, address, http.StatusServiceUnavailable)
			})
			var unseen bearerCase
			t.Run("the issuer", func(t *testing.T) {
				issuer := startIssuer(t, at)
				unseen = s.afterwards(t, issuer)
				cases := bearerCases(t, s, issuer)
				cases[0].wait(t, url)
				for _, c := range cases {
					t.Run(c.name, func(t *testing.T) { c.check(t, url) })
				}
				s.checkReady(t, address, http.StatusOK)
				if !s.guarded { // which takes seconds
					s.checkRevocation(t, issuer, url)
				}
				out := runShell(t, resourceServices, issuer.url, replaced(calls, tryIt, address))
				if n := strings.Count(out, "reports of "); n != 1 {
					t.Errorf("%d calls of the document were answered, want 1:\n%s", n, out)
				}
				if s.line == services[0].line {
					checkAnswers(t, out, replaced(rest, demoAddress, issuer.url))
				}
			})
			if strings.Contains(s.source, "scopes.Resource{") {
				t.Run("metadata", func(t *testing.T) { checkMetadata(t, "http://"+address) })
			}
			t.Run("after the issuer has stopped", func(t *testing.T) { unseen.check(t, url) })
		})
	}
}

// withoutKeys is a call while the keys cannot be had. Its token is one that nobody has to trust.
func (s service) withoutKeys() bearerCase {
	token := "Bearer eyJhbGciOiJFUzI1NiIsImtpZCI6ImEiLCJ0eXAiOiJhdCtqd3QifQ.e30." + strings.Repeat("A", 86)
	if strings.Contains(s.source, "go-oidc") { // which does not tell why a signature could not be checked
		return bearerCase{"", token, http.StatusUnauthorized, "invalid_token"}
	}
	return bearerCase{"", token, http.StatusServiceUnavailable, ""}
}

// checkReady asks a service that tells whether it is ready.
func (s service) checkReady(t *testing.T, address string, want int) {
	t.Helper()
	if !strings.Contains(s.source, "/readyz") {
		return
	}
	if got := (bearerCase{}).call(t, "http://"+address+"/readyz").StatusCode; got != want {
		t.Errorf("/readyz: %d, want %d", got, want)
	}
}

// checkAnswers looks in what the calls printed for each line that the document says they do.
func checkAnswers(t *testing.T, out string, blocks []block) {
	t.Helper()
	i := slices.IndexFunc(blocks, func(b block) bool { return strings.HasPrefix(b.text, "HTTP/1.1 200 OK\n") })
	if i < 0 {
		t.Fatal("the document does not say what its calls print")
	}
	for line := range strings.Lines(blocks[i].text) {
		if !strings.Contains(out, strings.TrimSpace(line)) {
			t.Errorf("line %d: the calls do not print %s\n%s", blocks[i].line, line, out)
		}
	}
}

func replaced(blocks []block, what, with string) []block {
	blocks = slices.Clone(blocks)
	for i := range blocks {
		blocks[i].text = strings.ReplaceAll(blocks[i].text, what, with)
	}
	return blocks
}

// afterwards is a call with a token that is good, and new to the service, when the issuer has stopped.
func (s service) afterwards(t *testing.T, i issuer) bearerCase {
	t.Helper()
	token, _ := i.login(t, "items")
	if strings.Contains(s.source, "scopes.Introspect(") {
		return bearerCase{"", "Bearer " + token, http.StatusServiceUnavailable, ""}
	}
	return bearerCase{"", "Bearer " + token, http.StatusOK, ""}
}

// checkRevocation: with package scopes a revocation counts within seconds, with the other libraries when the token
// has expired, as the document says.
func (s service) checkRevocation(t *testing.T, i issuer, url string) {
	t.Helper()
	access, _ := i.login(t, "items")
	good := bearerCase{"", "Bearer " + access, http.StatusOK, ""}
	good.check(t, url)
	i.revoke(t, access)
	if !s.ours() {
		good.check(t, url)
		return
	}
	for deadline := time.Now().Add(30 * time.Second); good.call(t, url).StatusCode == http.StatusOK; {
		if time.Now().After(deadline) {
			t.Fatal("a revoked token is still good")
		}
		time.Sleep(50 * time.Millisecond)
	}
	bearerCase{"", "Bearer " + access, http.StatusUnauthorized, "invalid_token"}.check(t, url)
}

// checkMetadata follows the challenge of a service that was made from a table of routes (RFC 9728 §5.1).
func checkMetadata(t *testing.T, resource string) {
	t.Helper()
	challenge, err := scopes.ParseChallenge(bearerCase{}.call(t, resource+"/reports").Header.Get("WWW-Authenticate"))
	if err != nil {
		t.Fatal(err)
	}
	var m scopes.Metadata
	if err := json.NewDecoder(bearerCase{}.call(t, challenge.ResourceMetadata).Body).Decode(&m); err != nil {
		t.Fatal(err)
	}
	if m.Resource != resource || !slices.Equal(m.ScopesSupported, []string{"items"}) || len(m.AuthorizationServers) != 1 {
		t.Errorf("%s: %+v", challenge.ResourceMetadata, m)
	}
}

// start does as a reader does: saves the file, pastes the commands.
func (s service) start(t *testing.T, issuer, address string) {
	t.Helper()
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(address)
	text := strings.NewReplacer(demoAddress, issuer, servicePort, port, checkout, root)
	dir := filepath.Join(t.TempDir(), "reports")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, s.file), text.Replace(s.source))
	cmd := command(t, dir, "bash", "-euo", "pipefail", "-c", text.Replace(s.commands))
	cmd.Env = append(cmd.Env, "NPM_CONFIG_AUDIT=false", "NPM_CONFIG_FUND=false", "NPM_CONFIG_UPDATE_NOTIFIER=false",
		"PIP_NO_COMPILE=1", "PIP_DISABLE_PIP_VERSION_CHECK=1")
	serve(t, cmd, address)
}

// freePort gives a port for a process that listens later. It is below those that the system gives to
// connections, so that none gets it in the meantime.
func freePort(t *testing.T) string {
	t.Helper()
	for {
		port := strconv.Itoa(10_000 + rand.IntN(20_000))
		free, err := net.Listen("tcp", "127.0.0.1:"+port)
		if err == nil {
			free.Close()
			return port
		}
		if !errors.Is(err, syscall.EADDRINUSE) {
			t.Fatal(err)
		}
	}
}

// serve starts a process and waits until it listens.
func serve(t *testing.T, cmd *exec.Cmd, address string) {
	t.Helper()
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		cmd.Wait()
		close(ended)
	}()
	t.Cleanup(func() {
		cmd.Cancel()
		<-ended
	})
	for {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			conn.Close()
			return
		}
		select {
		case <-ended:
			t.Fatalf("the service ended:\n%s", out.String())
		case <-time.After(50 * time.Millisecond):
		}
	}
}
