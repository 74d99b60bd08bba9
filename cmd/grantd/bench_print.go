package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/grantd/grantd/cmd/grantd/bench"
)

// printBench prints a report, for people in 120 columns.
func (a *app) printBench(r *bench.Report) error {
	if a.output == "json" {
		return a.json(r)
	}
	for _, line := range benchSetting(r) {
		fmt.Fprintln(a.stdout, printable(line))
	}
	fmt.Fprintln(a.stdout)
	if err := a.table(r, benchHeader, benchRows(r)); err != nil {
		return err
	}
	for _, l := range r.Operations {
		if g := l.Guesses; g != nil {
			fmt.Fprintf(a.stdout, "\n%s: %.2f of the p99 that it has alone (%s ms), beside %s guesses a second: %s looked at, %s limited (429), %s too many at once (503)\n",
				l.Operation, l.Alone.P99Ratio, milliseconds(l.Alone.P99), whole(g.Sent), whole(g.Wrong), whole(g.Limited), whole(g.Busy))
		} else if l.Alone != nil {
			fmt.Fprintf(a.stdout, "\n%s: %.2f of the rate and %.2f of the p99 that refresh has alone (%s/s, %s ms), beside %s logins a second\n"+
				"(%s more a second found the queue full, and waited as long as Retry-After says)\n",
				l.Operation, l.Alone.RateRatio, l.Alone.P99Ratio, whole(l.Alone.Rate), milliseconds(l.Alone.P99), whole(l.Passwords), whole(l.PasswordsRefused))
		}
	}
	a.printSizes(r)
	for _, note := range r.Notes {
		fmt.Fprintf(a.stdout, "\n%s\n", printable(note))
	}
	return nil
}

// benchSetting is what the figures depend on.
func benchSetting(r *bench.Report) []string {
	cores := fmt.Sprintf("%d for the server, %d for the load", r.ServerCores, r.LoadCores)
	if r.ServerCores == 0 {
		cores = "shared by server and load"
	}
	filled := fmt.Sprintf("%s, %d authorizations, %d clients", r.Database, r.Authorizations, r.Clients)
	if r.Remote {
		filled = "that of a server that ran already"
	}
	protocol := "http"
	if r.TLS {
		protocol = "https"
	}
	return []string{
		fmt.Sprintf("machine   %s, %s, %s %s", orElse(r.CPU, "unknown CPU"), count(r.Cores, "core"), r.Machine, r.System),
		fmt.Sprintf("program   grantd %s, %s", r.Version, r.Go),
		fmt.Sprintf("cores     %s", cores),
		fmt.Sprintf("database  %s", filled),
		fmt.Sprintf("load      %s of %s, %s", count(r.Connections, "connection"), protocol, benchLength(r)),
	}
}

func benchLength(r *bench.Report) string {
	var words []string
	if r.AskedRate > 0 {
		words = append(words, whole(r.AskedRate)+" requests/s")
	}
	if r.Seconds > 0 {
		words = append(words, fmt.Sprintf("%gs", r.Seconds))
	}
	if r.Count > 0 {
		words = append(words, count(int(r.Count), "request")+" at most")
	}
	return strings.Join(append(words, "median of "+count(r.Runs, "run")), ", ")
}

func orElse(s, instead string) string {
	if s == "" {
		return instead
	}
	return s
}

var benchHeader = []string{"OPERATION", "RATE/S", "P50 MS", "P99 MS", "P99.9 MS", "ERRORS", "CPU µS", "MB", "LIMIT/S", "SHARE"}

func benchRows(r *bench.Report) (rows [][]string) {
	for _, l := range r.Operations {
		rows = append(rows, []string{
			l.Operation, whole(l.Rate), milliseconds(l.P50), milliseconds(l.P99), milliseconds(l.P999), strconv.FormatInt(l.Errors, 10),
			known(l.CPU, "%.1f"), known(l.Memory, "%.0f"), known(l.Limit, "%.0f"), known(100*l.Share, "%.0f %%"),
		})
	}
	return rows
}

// known is empty for what was not measured.
func known(f float64, format string) string {
	if f == 0 {
		return ""
	}
	return fmt.Sprintf(format, f)
}

func (a *app) printSizes(r *bench.Report) {
	if len(r.Sizing) == 0 {
		return
	}
	fmt.Fprintln(a.stdout)
	if s := r.Start; s != nil {
		fmt.Fprintf(a.stdout, "%10s  ms from the start of the process to the first answer (with a new database: %s)\n",
			whole(s.Database), orElse(known(s.NewDatabase, "%.0f"), "-"))
	}
	for _, s := range r.Sizing {
		fmt.Fprintf(a.stdout, "%10s  %s\n", whole(s.Value), s.About)
	}
}

func whole(f float64) string {
	if f < 100 {
		return fmt.Sprintf("%.1f", f)
	}
	return fmt.Sprintf("%.0f", f)
}

func milliseconds(f float64) string { return fmt.Sprintf("%.2f", f) }
