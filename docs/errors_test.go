package docs_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/grantd/grantd/server/reason"
)

var updateErrors = flag.Bool("update-errors", false, "write errors.md anew")

const errorsIntro = `# Errors

An error tells its caller one of the codes that the RFCs have. Behind each code are many reasons, which the operator sees: in the
line of the log (` + "`reason`, `cause`" + `), in the audit log, and by ` + "`grantd explain`" + ` with the id of the request, which is in the answer as ` + "`request_id`" + `, on the
page, and in the header ` + "`X-Request-Id`" + `. [Something was refused](operating.md#something-was-refused) shows the way.

Callers are not told more, because some would learn from it: which users exist, which clients, which codes were good. Only
` + "`grantd dev`" + ` answers with the member ` + "`explanation`" + `, and shows it on its pages.

This page has all reasons, in the order in which a request is checked. ` + "`grantd explain REASON`" + ` prints one of them, ` + "`grantd explain CODE`" + ` all behind
an error code. Where an app is told by a redirect, the code is in the URL, and there is no status.
`

// The page is made from the table of reasons: go test ./docs -run TestErrorsPage -update-errors
func TestErrorsPage(t *testing.T) {
	want := errorsPage()
	if *updateErrors {
		if err := os.WriteFile("errors.md", []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got := read(t, "errors.md"); got != want {
		t.Error("errors.md is not what the table of reasons makes of it: run go test ./docs -run TestErrorsPage -update-errors")
	}
}

func errorsPage() string {
	var b strings.Builder
	b.WriteString(errorsIntro)
	for _, g := range reason.Groups() {
		fmt.Fprintf(&b, "\n## %s\n", g.Title)
		for _, e := range g.Entries {
			fmt.Fprintf(&b, "\n### %s\n\nCallers see `%s`. %s\n\n**To mend it:** %s\n", e.Word, strings.Join(e.Answers, "`, `"), e.What, commandsInCode(e.Fill("", "", "")))
		}
	}
	return b.String()
}

// commandsInCode puts what stands in quotes, which are commands, into code.
func commandsInCode(text string) string { return strings.ReplaceAll(text, `"`, "`") }
