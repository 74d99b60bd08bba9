package server_test

import (
	"strings"
	"testing"

	"github.com/grantd/grantd/server"
)

// The operator sees what differs, and no secret that came along.
func TestUnregistered(t *testing.T) {
	known := []string{"https://app.example/cb"}
	for _, c := range []struct {
		name, sent string
		registered []string
		want       string
	}{
		{"none", "https://app.example/cb", nil, `uri "https://app.example/cb" was sent, none is registered`},
		{"a fragment", "https://app.example/cb#hunter2", nil, `uri "https://app.example/cb#…" was sent, none is registered`},
		{"a password", "https://ann:hunter2@app.example/cb", nil, `uri "https://…@app.example/cb" was sent, none is registered`},
		{"a password, and an @ elsewhere", "//a@hunter2@app.example/@x", nil, `uri "//…@app.example/@x" was sent, none is registered`},
		{"a query of who encoded twice", "https%3A%2F%2Fapp.example%2Fcb%3ftoken%3Dhunter2", nil, `uri "https%3A%2F%2Fapp.example%2Fcb%3f…" was sent, none is registered`},
		{"of who encoded three times", "https%253A%252F%252Fapp.example%252Fcb%2523token=hunter2", nil, `uri "https%253A%252F%252Fapp.example%252Fcb%2523…" was sent, none is registered`},
		{"a password of who encoded twice", "https%3A%2F%2Fann%3Ahunter2%40app.example%2Fcb", nil, `uri "https%3A%2F%2F…%40app.example%2Fcb" was sent, none is registered`},
		{"a password behind backslashes", `https:\\ann:hunter2@app.example/cb`, nil, `uri "https:\\\\…@app.example/cb" was sent, none is registered`},
		{"a password with a question mark", "https://ann:hunter2?@app.example/cb", nil, `uri "https://…@app.example/cb" was sent, none is registered`},
		{"control characters", "x:\n\x1b[31m\u202e\xff", nil, `uri "x:\n\x1b[31m\u202e\xff" was sent, none is registered`},
		{"a long one", "x:" + strings.Repeat("y", 5000), nil, `uri "x:` + strings.Repeat("y", 198) + `…" was sent, none is registered`},
		{"what browsers run", "javascript:x", []string{"javascript:x"}, `uri "javascript:x" is registered, but browsers cannot be sent there`},
		{"a slash", "https://app.example/cb/", known,
			`uri differs at byte 23: registered "/cb", got "/cb/" (a slash too many at the end); "https://app.example/cb/" was sent, registered are "https://app.example/cb"`},
		{"many", "x:", strings.Fields("a b c d e f g"),
			`uri differs at byte 1: registered "a", got "x:" (the scheme); "x:" was sent, registered are "a", "b", "c", "d", "e" and 2 more`},
		{"the nearest of several", "http://b.example/cb", []string{"https://a.example/cb", "https://b.example/cb"},
			`uri differs at byte 5: registered "https://b.example/cb", got "http://b.example/cb" (the scheme); "http://b.example/cb" was sent, ` +
				`registered are "https://a.example/cb", "https://b.example/cb"`},
	} {
		if got := server.Unregistered("uri", c.sent, c.registered).Error(); got != c.want {
			t.Errorf("%s: %s\nwant %s", c.name, got, c.want)
		}
	}
}

func TestDifference(t *testing.T) {
	const known = "https://app.example:8443/back/cb"
	for _, c := range []struct{ sent, registered, want string }{
		{known + "/", known, `differs at byte 33: registered "/cb", got "/cb/" (a slash too many at the end)`},
		{known, known + "/", `differs at byte 33: registered "/cb/", got "/cb" (the slash at the end is missing)`},
		{"https://app.example:8443/back/CB", known, `differs at byte 31: registered "/cb", got "/CB" (letter case)`},
		{"http://app.example:8443/back/cb", known, `differs at byte 5: registered "https://app.example:8443/back/cb", got "http://app.example:8443/back/cb" (the scheme)`},
		{"https://app.example/back/cb", known, `differs at byte 20: registered "https://app.example:8443/back/cb", got "https://app.example/back/cb" (the port)`},
		{"https://www.app.example:8443/back/cb", known, `differs at byte 9: registered "https://app.example:8443/back/cb", got "https://www.app.example:8443/back/cb" (the host)`},
		{"http://localhost/cb", "http://127.0.0.1/cb", `differs at byte 8: registered "http://127.0.0.1/cb", got "http://localhost/cb" (the host: localhost, 127.0.0.1 and [::1] are three)`},
		{"http://localhost:8002/cb/", "http://localhost/cb", `differs at byte 25: registered "/cb", got "/cb/" (a slash too many at the end)`},
		{"http://[::1]:8002/other", "http://[::1]:9000/cb", `differs at byte 19: registered "/cb", got "/other" (the path)`},
		{known + "?secret", known, `differs at byte 33: registered "/cb", got "/cb?…" (a query is added; what the app wants to get back belongs into state)`},
		{known + "#secret", known, `differs at byte 33: registered "/cb", got "/cb#…" (a fragment, which no redirect URI may have (RFC 6749 §3.1.2))`},
		{known, known + "?tenant=a", `differs at byte 33: registered "/cb?tenant=a", got "/cb" (the query is missing)`},
		{known + "?tenant=secret/1", known + "?tenant=a/2", `differs at byte 41: registered "/cb?tenant=a/2", got "/cb?…" (the query)`},
		{known + "?a=/secret1", known + "?a=/secret2", `differs at byte 43 (the query)`},
		{known + " ", known, `differs at byte 33: registered "/cb", got "/cb " (blanks around it)`},
		{"https%3A%2F%2Fapp.example%3A8443%2Fback%2Fcb", known, `differs at byte 6: registered "https://app.example:8443/back/cb", got "https%3A%2F%2Fapp.example%3A8443%2Fback%2Fcb" (encoded twice)`},
		{"https://app.example:8443/other/cb", known, `differs at byte 26: registered "/back/cb", got "/other/cb" (the path)`},
		{"https://app.example:8443/back%2Fcb", known, `differs at byte 30: registered "/back/cb", got "/back%2Fcb" (the path is encoded in another way)`},
		{"app.example:8443/back/cb", known, `differs at byte 1: registered "https://app.example:8443/back/cb", got "app.example:8443/back/cb" (the scheme)`},
		{"/cb", known, `differs at byte 1: registered "https://app.example:8443/back/cb", got "/cb" (it has no scheme)`},
		{"https://ann:secret@app.example:8443/back/cb", known, `differs at byte 10: registered "https://app.example:8443/back/cb", got "https://…@app.example:8443/back/cb" (a user name, which no redirect URI may have)`},
		{"com.example.app:/cb/", "com.example.app:/cb", `differs at byte 20: registered "/cb", got "/cb/" (a slash too many at the end)`},
	} {
		if got := server.Difference(c.sent, c.registered); got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.sent, got, c.want)
		}
	}
}

// Whatever is compared, no secret of what was sent is in the words, and nothing panics.
func FuzzDifference(f *testing.F) {
	f.Add("https://app.example/cb", "https://app.example/cb/")
	f.Add("x", "")
	f.Add("//u:p@h/?", "//h//")
	f.Fuzz(func(t *testing.T, before, registered string) {
		if strings.Contains(registered, "hunter2") || strings.ContainsAny(before, "\\") {
			return // it is not a secret then
		}
		for _, sent := range []string{before + "?hunter2", before + "#hunter2"} {
			if got := server.Unregistered("uri", sent, []string{registered}).Error(); strings.Contains(got, "hunter2") {
				t.Errorf("%q, %q: %s", sent, registered, got)
			}
		}
	})
}
