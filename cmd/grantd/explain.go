package main

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/grantd/grantd/server/reason"
	"github.com/spf13/cobra"
)

const explainLong = `Explain why a request was refused, and how to mend it.

The request's id is in each error: as request_id in JSON, at the end of a page, and in the header X-Request-Id of every
answer. A line of the log will do, too: the id is found in it. What happened is read from the audit log.

Without a request, a reason (redirect_uri_unregistered) or an error code (invalid_grant) tells what that means.`

func (a *app) explainCommand() *cobra.Command {
	var all bool
	cmd := databaseCommand("explain [REQUEST | REASON | CODE]", "Explain why a request was refused, and how to mend it", nil, nil)
	cmd.Long = explainLong
	cmd.Flags().BoolVar(&all, "list", false, "list all reasons")
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if all != (len(args) == 0) {
			return errors.New(`name a request, a reason or an error code, or ask for all reasons by --list`)
		}
		return atMostOne("request")(cmd, args)
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if all {
			return a.listReasons()
		}
		if entries := reasonsNamed(args[0]); entries != nil {
			return a.explainReasons(entries)
		}
		id := requestIn(args[0])
		if id == "" { // it may be anything, so nothing of it is repeated
			return errors.New(`this has no request's id in it (26 capital letters and digits), and is no reason or error code; "grantd explain --list" shows those`)
		}
		return a.onDatabase(func(ctx context.Context, ad admin, _ []string) error { return a.explainRequest(ctx, ad, id) })(cmd, args)
	}
	return cmd
}

// reasonsNamed are the entries that a word stands for: one reason, or all that are told by an error code.
func reasonsNamed(word string) []reason.Entry {
	if e, ok := reason.Find(reason.Word(word)); ok {
		return []reason.Entry{e}
	}
	return reason.OfCode(word)
}

var (
	namedID = regexp.MustCompile(`(?i)\b(?:id|request_id|x-request-id|request)"?\s*[:=]?\s*"?(?:<code>)?([A-Z2-7]{26})\b`)
	anyID   = regexp.MustCompile(`\b[A-Z2-7]{26}\b`)
)

// requestIn finds the id of a request in what somebody pasted: where it is named if it is, since
// authorizations and users have ids that look the same.
func requestIn(text string) string {
	if named := namedID.FindStringSubmatch(text); named != nil {
		return strings.ToUpper(named[1])
	}
	return anyID.FindString(text)
}

// reasonView is what commands print of a reason.
type reasonView struct {
	Reason  string   `json:"reason"`
	Answers []string `json:"answers"`
	What    string   `json:"what"`
	Fix     string   `json:"fix"`
}

func viewReason(e reason.Entry) reasonView {
	return reasonView{string(e.Word), e.Answers, e.What, e.Fill("", "", "")}
}

func (a *app) listReasons() error {
	views, rows := []reasonView{}, [][]string{}
	for _, g := range reason.Groups() {
		for _, e := range g.Entries {
			views = append(views, viewReason(e))
			rows = append(rows, []string{string(e.Word), strings.Join(e.Answers, ", "), e.What})
		}
	}
	return a.table(views, []string{"REASON", "CALLERS ARE TOLD", "WHAT HAPPENED"}, rows)
}

func (a *app) explainReasons(entries []reason.Entry) error {
	views := []reasonView{}
	for _, e := range entries {
		views = append(views, viewReason(e))
	}
	if a.output == "json" {
		return a.json(views)
	}
	for i, v := range views {
		if i > 0 {
			fmt.Fprintln(a.stdout)
		}
		a.paragraphs("reason", v.Reason, "callers see", strings.Join(v.Answers, ", "), "what", v.What, "to mend it", v.Fix)
	}
	return nil
}

// textWidth is how long a line of prose is.
const textWidth = 100

// paragraphs prints names with texts beside them, those that are not empty, in lines that people can read.
func (a *app) paragraphs(pairs ...string) {
	const column = 14
	for i := 0; i+1 < len(pairs); i += 2 {
		name := pairs[i]
		for _, line := range wrapped(printable(pairs[i+1]), textWidth-column) {
			fmt.Fprintln(a.stdout, strings.TrimRight(fmt.Sprintf("%-*s%s", column, name, line), " "))
			name = ""
		}
	}
}

// wrapped is a text in lines of so many characters, or longer ones where a word is.
func wrapped(text string, width int) (lines []string) {
	line := ""
	for _, word := range strings.Fields(text) {
		switch {
		case line == "":
			line = word
		case len(line)+1+len(word) > width:
			lines = append(lines, line)
			line = word
		default:
			line += " " + word
		}
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}
