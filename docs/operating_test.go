package docs_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/grantd/grantd/scopes"
)

// The two processes of "To try it" are started by the document's own lines, on ports that are free, and called as it says.
func TestResourceRouterToTry(t *testing.T) {
	const file = "operating.md"
	_, calls, rest := splitServices(t, file)
	var dev, router string
	for _, b := range rest {
		if first, second, _ := strings.Cut(strings.TrimSpace(b.text), "\n"); strings.HasPrefix(first, "grantd dev ") {
			dev, router = first, second
		}
	}
	if dev == "" || len(calls) != 1 {
		t.Fatalf("%s shows the router with %q and %d blocks of calls", file, dev, len(calls))
	}
	issuer, apart := "127.0.0.1:"+freePort(t), "127.0.0.1:"+freePort(t)
	here := strings.NewReplacer(demoAddress, "http://"+issuer, tryIt, apart, "/tmp/", t.TempDir()+"/",
		"grantd dev ", "exec "+grantd(t)+" dev ", "grantd resource ", "exec "+grantd(t)+" resource ")
	startDev(t, t.TempDir(), "sh", "-c", here.Replace(dev)+" --listen "+issuer)
	cmd := command(t, t.TempDir(), "sh", "-c", here.Replace(router)+" --revocations-max-age 1m") // the machine may be busy
	cmd.Env = append(cmd.Env, "GRANTD_LISTEN="+apart, "GRANTD_OPS_LISTEN=127.0.0.1:0")
	serve(t, cmd, apart)
	bearerCase{header: "Bearer abc"}.wait(t, "http://"+apart+"/status/")
	refused := `until curl -si -H "Authorization: Bearer $token" ` + tryIt + `/status/ | grep -q "^HTTP/1.1 401"; do sleep 0.1; done`
	calls = replaced(replaced(calls, "sleep 2\n", refused+"\n"), tryIt, apart) // likewise
	out := runShell(t, file, "http://"+issuer, calls)
	if want := `resource_metadata="http://` + apart + "/"; !strings.Contains(out, want) {
		t.Errorf("no %s:\n%s", want, out)
	}
}

// What http.md gives to readers of the list to test with is what the server would publish.
func TestListToTestWith(t *testing.T) {
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	list, err := scopes.NewRevocations(scopes.RevokedToken("j-1"), scopes.RevokedGrant("g-1"),
		scopes.RevokedSubject("u-1", at), scopes.RevokedClient("c-1", at)).MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("http.md")
	if err != nil || !strings.Contains(string(text), string(list)+"\n") || !strings.Contains(string(text), at.Format(time.RFC3339)) {
		t.Errorf("http.md has no %s (%v)", list, err)
	}
}
