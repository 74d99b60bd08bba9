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
		{"a slash", "https://app.example/cb/", known, `"https://app.example/cb/" was sent, registered are "https://app.example/cb"`},
		{"none", "https://app.example/cb", nil, `"https://app.example/cb" was sent, none is registered`},
		{"a query", "https://app.example/cb?token=hunter2", known, `"https://app.example/cb?…" was sent, registered are "https://app.example/cb"`},
		{"a fragment", "https://app.example/cb#hunter2", nil, `"https://app.example/cb#…" was sent, none is registered`},
		{"a password", "https://ann:hunter2@app.example/cb", nil, `"https://…@app.example/cb" was sent, none is registered`},
		{"a password, and an @ elsewhere", "//a@hunter2@app.example/@x", nil, `"//…@app.example/@x" was sent, none is registered`},
		{"control characters", "x:\n\x1b[31m\u202e\xff", nil, `"x:\n\x1b[31m\u202e\xff" was sent, none is registered`},
		{"a long one", "x:" + strings.Repeat("y", 5000), nil, `"x:` + strings.Repeat("y", 198) + `…" was sent, none is registered`},
		{"many", "x:", strings.Fields("a b c d e f g"), `"x:" was sent, registered are "a", "b", "c", "d", "e" and 2 more`},
	} {
		if got := server.Unregistered(c.sent, c.registered).Error(); got != c.want {
			t.Errorf("%s: %s\nwant %s", c.name, got, c.want)
		}
	}
}
