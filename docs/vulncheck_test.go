package docs_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// "make vulncheck" finds what a database of weaknesses knows, passes where that knows nothing, and says when it could not ask.
// The databases are made up: the real one changes, and may be out of reach.
func TestVulncheck(t *testing.T) {
	t.Parallel()
	const weakness = `{"schema_version":"1.3.1","id":"GO-2026-9999","modified":"2026-01-01T00:00:00Z","summary":"made up","details":"made up",
		"affected":[{"package":{"name":"go.yaml.in/yaml/v3","ecosystem":"Go"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"}]}],
		"ecosystem_specific":{"imports":[{"path":"go.yaml.in/yaml/v3","symbols":["Node.Decode","Unmarshal","Decoder.Decode"]}]}}],
		"database_specific":{"url":"https://example.com/GO-2026-9999"}}`
	for _, c := range []struct {
		name, database string
		succeeds       bool
		says           string
	}{
		{"a weakness", weaknesses(t, `[{"path":"go.yaml.in/yaml/v3","vulns":[{"id":"GO-2026-9999","modified":"2026-01-01T00:00:00Z"}]}]`, weakness), false, "GO-2026-9999"},
		{"none", weaknesses(t, `[]`, ""), true, "No vulnerabilities found"},
		{"no database", "file://" + t.TempDir(), false, "nothing was checked"},
	} {
		out, err := command(t, "..", "make", "vulncheck", "GOVULNDB="+c.database, "CHECKED=./config").CombinedOutput()
		if (err == nil) != c.succeeds || !strings.Contains(string(out), c.says) {
			t.Errorf("%s: %v, want %q in\n%s", c.name, err, c.says, out)
		}
	}
}

// weaknesses makes a database as govulncheck reads it (https://go.dev/doc/security/vuln/database).
func weaknesses(t *testing.T, modules, weakness string) string {
	t.Helper()
	folder := t.TempDir()
	for _, sub := range []string{"index", "ID"} {
		if err := os.Mkdir(filepath.Join(folder, sub), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	write(t, filepath.Join(folder, "index/db.json"), `{"modified":"2026-01-01T00:00:00Z"}`)
	write(t, filepath.Join(folder, "index/modules.json"), modules)
	write(t, filepath.Join(folder, "index/vulns.json"), `[{"id":"GO-2026-9999","modified":"2026-01-01T00:00:00Z"}]`)
	if weakness != "" {
		write(t, filepath.Join(folder, "ID/GO-2026-9999.json"), weakness)
	}
	return "file://" + folder
}
