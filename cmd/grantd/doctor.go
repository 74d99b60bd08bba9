package main

import (
	"bufio"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/grantd/grantd/cmd/grantd/doctor"
	"github.com/grantd/grantd/config"
	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// demoIssuer is where "grantd dev" listens.
const demoIssuer = "http://127.0.0.1:8000"

// doctorFlags are what the flags of "grantd doctor" say that is no option as it stands.
type doctorFlags struct {
	doctor.Options
	passwordFile, secretFile, otherSecretFile, caFile string
}

func (a *app) doctorCommand() *cobra.Command {
	var in doctorFlags
	cmd := &cobra.Command{
		Use: "doctor [ISSUER]", Short: "Examine an authorization server from outside, against the RFCs",
		Long: "Examine any OAuth 2.0 authorization server from outside, as clients and browsers meet it, and print a line for each\n" +
			"point: ok, fails or cannot tell, MUST or SHOULD, the section that asks for it, and what shows it. ISSUER is its URL;\n" +
			"when left out, the setting issuer, or that of grantd dev.\n\n" +
			"A client shows more: --client, and --redirect-uri as it is registered. Nothing is ever sent to that URI. A user shows\n" +
			"most: --user signs in and consents in forms of HTML, and gives the client some ten authorizations, which are\n" +
			"revoked at the end where the server lets clients do so. --other-client tries what belongs to the first one.\n" +
			"Take a client and a user that are for tests.\n\n" +
			"The password, and the secrets where their files are -, are asked for on a terminal or read from standard input, a\n" +
			"line for each, in this order: password, secret, secret of the other client.\n\n" +
			"Status 1 says that a MUST fails.",
		Example: "  grantd doctor https://auth.example.com\n" +
			"  printf 'secret\\n' | grantd doctor --client dev --redirect-uri http://127.0.0.1/callback --user johndoe\n" +
			"  grantd doctor https://auth.example.com --client probe --client-secret-file probe.secret \\\n" +
			"    --redirect-uri https://probe.example.com/cb --user probe --password-file probe.password --output json",
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := a.setIssuer(cmd, args, &in); err != nil {
				return err
			}
			return a.doctor(cmd.Context(), in)
		},
	}
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if err := atMostOne("issuer")(cmd, args); err != nil {
			return err
		}
		in.Issuer = demoIssuer
		if len(args) == 1 {
			in.Issuer = args[0]
		}
		return in.Check()
	}
	in.addFlags(cmd)
	addSettings(cmd, "issuer")
	return cmd
}

func (in *doctorFlags) addFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&in.Client.ID, "client", "", "id of a client to test with")
	f.StringVar(&in.secretFile, "client-secret-file", "", "file with its secret, - for standard input; left out: it is a public one")
	f.StringVar(&in.RedirectURI, "redirect-uri", "", "one that is registered for it")
	f.StringVar(&in.Scope, "scope", "", "what it asks for, parted by spaces; the parameter is left out when empty")
	f.StringVar(&in.User, "user", "", "who signs in and consents")
	f.StringVar(&in.passwordFile, "password-file", "-", "file with the user's password, - for standard input")
	f.StringVar(&in.Other.ID, "other-client", "", "id of a second client, which tries codes and tokens of the first")
	f.StringVar(&in.otherSecretFile, "other-client-secret-file", "", "file with its secret, - for standard input; left out: it is a public one")
	f.StringVar(&in.caFile, "ca-file", "", "file of PEM certificates to trust, besides those of the system")
	f.IntVar(&in.Requests, "requests", doctor.DefaultRequests, "how many requests are sent at most")
	f.DurationVar(&in.Patience, "patience", doctor.DefaultPatience, "how long an answer may take")
	f.DurationVar(&in.Timeout, "timeout", doctor.DefaultTimeout, "how long all of it may take")
}

// setIssuer takes the setting where no argument names the issuer.
func (a *app) setIssuer(cmd *cobra.Command, args []string, in *doctorFlags) error {
	if len(args) == 1 {
		return nil
	}
	cfg, err := a.load(cmd, config.Default())
	if err == nil && cfg.Issuer != "" {
		in.Issuer = cfg.Issuer
	}
	return err
}

func (a *app) doctor(ctx context.Context, in doctorFlags) error {
	if err := a.readDoctorSecrets(ctx, &in); err != nil {
		return err
	}
	if in.caFile != "" {
		roots, err := trusted(in.caFile)
		if err != nil {
			return err
		}
		in.Roots = roots
	}
	each := a.printResult()
	report, err := doctor.Run(ctx, in.Options, each)
	if err != nil {
		return err
	}
	if err := a.printReport(in.Options, report); err != nil {
		return err
	}
	if n := report.Count(doctor.Fails, doctor.Must); n > 0 {
		return fmt.Errorf("%s of level MUST %s at %s; each line that begins with \"fails\" says how", count(n, "point"), verb(n, "fails", "fail"), in.Issuer)
	}
	return nil
}

func verb(n int, one, more string) string {
	if n == 1 {
		return one
	}
	return more
}

// trusted are the certificates of the system with those of a file.
func trusted(file string) (*x509.CertPool, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("--ca-file: %w", err)
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	if !roots.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("--ca-file %s has no PEM certificate", file)
	}
	return roots, nil
}

// readDoctorSecrets reads what is asked for, each from its file or the next line of standard input.
func (a *app) readDoctorSecrets(ctx context.Context, in *doctorFlags) (err error) {
	lines := bufio.NewReader(io.LimitReader(a.stdin, 3*maxLine))
	for _, one := range []struct {
		of, flag, file string
		into           *string
	}{
		{in.User, "--password-file", in.passwordFile, &in.Password},
		{in.Client.ID, "--client-secret-file", in.secretFile, &in.Client.Secret},
		{in.Other.ID, "--other-client-secret-file", in.otherSecretFile, &in.Other.Secret},
	} {
		if one.of == "" || one.file == "" {
			continue
		}
		if *one.into, err = a.readSecret(ctx, lines, one.of, one.file); err != nil {
			return fmt.Errorf("%s: %w", one.flag, err)
		}
	}
	return nil
}

func (a *app) readSecret(ctx context.Context, lines *bufio.Reader, of, file string) (string, error) {
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return "", err
		}
		defer f.Close()
		return readLine(f)
	}
	if terminal, ok := a.stdin.(*os.File); ok && term.IsTerminal(int(terminal.Fd())) {
		return a.ask(ctx, terminal, "Password or secret of "+printable(of)+": ")
	}
	line, err := lines.ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	return readLine(strings.NewReader(line))
}

// printResult prints for people what is found, when it is found.
func (a *app) printResult() func(doctor.Result) {
	group := ""
	return func(r doctor.Result) {
		if a.output == "json" {
			return
		}
		if r.Group != group {
			if group != "" {
				fmt.Fprintln(a.stdout)
			}
			group = r.Group
			fmt.Fprintln(a.stdout, group)
		}
		fmt.Fprintf(a.stdout, "%-11s  %-6s  %-17s  %-61s  %s\n", r.Outcome, r.Level, r.Section, r.Claim, printable(r.Evidence))
	}
}

// printReport prints the sum for people, or all for programs.
func (a *app) printReport(o doctor.Options, r doctor.Report) error {
	if a.output == "json" {
		return a.json(struct {
			doctor.Report
			OK             int `json:"ok"`
			FailsMust      int `json:"fails_must"`
			FailsShould    int `json:"fails_should"`
			CannotTellMust int `json:"cannot_tell_must"`
			CannotTell     int `json:"cannot_tell"`
		}{
			r, r.Count(doctor.OK, doctor.Must) + r.Count(doctor.OK, doctor.Should),
			r.Count(doctor.Fails, doctor.Must), r.Count(doctor.Fails, doctor.Should),
			r.Count(doctor.CannotTell, doctor.Must), r.Count(doctor.CannotTell, doctor.Must) + r.Count(doctor.CannotTell, doctor.Should),
		})
	}
	fmt.Fprintln(a.stdout)
	switch {
	case o.Client.ID == "":
		fmt.Fprintln(a.stdout, "Most shows with a client and a user that are for tests: --client, --redirect-uri, --user; see grantd doctor --help.")
	case o.User == "":
		fmt.Fprintln(a.stdout, "More shows with a user that is for tests: --redirect-uri, --user; see grantd doctor --help.")
	}
	_, err := fmt.Fprintf(a.stdout, "%s at %s: %d ok, %d fail (%d MUST, %d SHOULD), %d cannot be told; %s were sent\n",
		count(len(r.Results), "point"), printable(o.Issuer), r.Count(doctor.OK, doctor.Must)+r.Count(doctor.OK, doctor.Should),
		r.Count(doctor.Fails, doctor.Must)+r.Count(doctor.Fails, doctor.Should), r.Count(doctor.Fails, doctor.Must), r.Count(doctor.Fails, doctor.Should),
		r.Count(doctor.CannotTell, doctor.Must)+r.Count(doctor.CannotTell, doctor.Should), count(r.Requests, "request"))
	return err
}
