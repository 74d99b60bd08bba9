package docs_test

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	tableRow = regexp.MustCompile(`(?m)^\| (RFC \d+|OpenID Connect [A-Za-z -]+) §([0-9.]+) \|[^|]*\| ([^|]*) \| ([^|]*) \|$`)
	quoted   = regexp.MustCompile("`([^`]+)`")
)

// casePrefix is what test cases about a document begin with.
var casePrefix = map[string]string{
	"OpenID Connect Core": "oidc-core", "OpenID Connect Discovery": "oidc-discovery",
	"OpenID Connect RP-Initiated Logout": "oidc-logout", "OpenID Connect Back-Channel Logout": "oidc-backchannel",
}

// Each row of rfc.md names code that cites the section and a test that names it.
func TestStandardsTable(t *testing.T) {
	rows := tableRow.FindAllStringSubmatch(read(t, "rfc.md"), -1)
	ofOpenID := 0
	for _, row := range rows {
		document, section := row[1], row[2]
		prefix, isRFC := strings.CutPrefix(document, "RFC ")
		if !isRFC {
			ofOpenID++
			prefix = casePrefix[document]
		}
		if prefix == "" {
			t.Errorf("nobody knows what the cases of %s begin with", document)
		}
		// "RFC 6749 §4.2" and, in its neighbourhood, "§4.2".
		cited := regexp.MustCompile(`§` + regexp.QuoteMeta(section) + `(\D|$|\.\D|\.$)`)
		for _, file := range quoted.FindAllStringSubmatch(row[3], -1) {
			text := unwrapped(read(t, filepath.Join("..", file[1])))
			if !strings.Contains(text, document) || !cited.MatchString(text) {
				t.Errorf("%s does not cite %s §%s", file[1], document, section)
			}
		}
		named := regexp.MustCompile(`"` + prefix + "-" + regexp.QuoteMeta(section) + `[ .:"]`)
		for _, file := range quoted.FindAllStringSubmatch(row[4], -1) {
			if !named.MatchString(read(t, filepath.Join("..", file[1]))) {
				t.Errorf("%s has no case %s-%s", file[1], prefix, section)
			}
		}
	}
	if len(rows)-ofOpenID < 30 || ofOpenID < 15 {
		t.Fatalf("%d rows were found, %d of OpenID Connect", len(rows), ofOpenID)
	}
}

var commentBreak = regexp.MustCompile(`\n\s*// `)

// unwrapped joins the lines of comments, so that a citation may be parted by a line's end.
func unwrapped(text string) string { return commentBreak.ReplaceAllString(text, " ") }
