package main

import (
	"regexp"
	"strings"
	"testing"

	"github.com/grantd/grantd/config"
	"github.com/grantd/grantd/server/reason"
)

// What the table of reasons tells people to do, they can do: each command, flag and setting in it is there.
func TestRemediesAreReal(t *testing.T) {
	settings := map[string]bool{}
	groups := map[string]bool{}
	for _, s := range config.Settings() {
		settings[s.Key] = true
		group, _, nested := strings.Cut(s.Key, ".")
		groups[group] = groups[group] || nested
	}
	commands, flag := regexp.MustCompile(`"grantd ([^"]+)"`), regexp.MustCompile(`--([a-z][a-z-]*)`)
	dotted := regexp.MustCompile(`\b([a-z_]+)\.[a-z_]+\b`)
	tried := 0
	for _, g := range reason.Groups() {
		for _, e := range g.Entries {
			for _, found := range commands.FindAllStringSubmatch(e.Fill("shop", "ann", "gid"), -1) {
				tried++
				root := (&app{}).newRoot()
				cmd, rest, err := root.Find(strings.Fields(found[1]))
				if err != nil || cmd == root || cmd.HasSubCommands() {
					t.Errorf("%s: there is no command %q", e.Word, found[1])
					continue
				}
				for _, name := range flag.FindAllStringSubmatch(found[1], -1) {
					if cmd.Flags().Lookup(name[1]) == nil {
						t.Errorf("%s: %q has no flag --%s", e.Word, found[1], name[1])
					}
				}
				if cmd.Args != nil && len(rest) > 0 && !strings.HasPrefix(rest[0], "-") {
					if err := cmd.Args(cmd, rest[:1]); err != nil {
						t.Errorf("%s: %q: %v", e.Word, found[1], err)
					}
				}
			}
			for _, key := range dotted.FindAllStringSubmatch(e.Fix, -1) {
				if groups[key[1]] && !settings[key[0]] {
					t.Errorf("%s: there is no setting %s", e.Word, key[0])
				}
			}
		}
	}
	if tried < 30 {
		t.Errorf("%d commands were found", tried)
	}
}

// The id of a request is found in whatever it is pasted with.
func TestRequestIn(t *testing.T) {
	const id, other = "RJ4OW364V3GRLJ74NTPJZJ6L74", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	for _, text := range []string{
		id, " " + id + "\n", "request " + id, `{"subject":"` + other + `","id":"` + id + `"}`, "grant=" + other + " id=" + id + " status=400",
		`{"error":"x","request_id":"` + id + `"}`, "X-Request-Id: " + id, "x-request-id: " + id, `If you ask for help, tell the operator this request: <code>` + id + "</code>",
		"tell the operator request id " + id,
	} {
		if got := requestIn(text); got != id {
			t.Errorf("%q: %q", text, got)
		}
	}
	for _, text := range []string{"", "wrong_password", id[1:], id + "A", strings.ToLower(other), "grantd_cs_" + id} {
		if got := requestIn(text); got != "" {
			t.Errorf("%q: %q", text, got)
		}
	}
}

func TestWrapped(t *testing.T) {
	got := strings.Join(wrapped("a bb ccc dddddddd\n e", 6), "|")
	if got != "a bb|ccc|dddddddd|e" || wrapped(" ", 5) != nil {
		t.Error(got)
	}
}
