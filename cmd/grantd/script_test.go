package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/grantd/grantd/config"
	"github.com/grantd/grantd/store"
	"github.com/rogpeppe/go-internal/testscript"
)

// TestScripts runs testdata/*.txtar. Beside the commands of testscript they have:
//
//	fails STATUS COMMAND…        one line on standard error, "grantd: …", and that exit status
//	problems N COMMAND…          N such lines and exit status 1
//	server NAME ARGS…            "grantd ARGS" on free ports, $NAME_URL and $NAME_OPS, until the script ends
//	end NAME                     SIGTERM; exit status 0
//	http STATUS METHOD URL …     with -bearer TOKEN, -basic ID:SECRET, and NAME=VALUE for a form
//	soon STATUS METHOD URL …     http, again and again until the status is that one
//	json [PATH VALUE | PATH -> NAME]   standard output parses; what is at a.0.b, or len for a length
//	save FILE TEXT
//	hash DATABASE USERNAME       prints the password hash that the database keeps
//	imported URL DATABASE FILE   each user of the import logs in, and has a hash of the configured cost then
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                "testdata",
		RequireUniqueNames: true,
		Setup: func(env *testscript.Env) error {
			for _, pair := range quick {
				name, value, _ := strings.Cut(pair, "=")
				env.Setenv(name, value)
			}
			env.Values[serversKey{}] = map[string]*process{}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"fails":    scriptFails,
			"problems": scriptProblems,
			"server":   scriptServer,
			"end":      scriptEnd,
			"http":     scriptHTTP,
			"soon":     scriptSoon,
			"json":     scriptJSON,
			"save":     scriptSave,
			"hash":     scriptHash,
			"imported": scriptImported,
		},
	})
}

type serversKey struct{}

func servers(ts *testscript.TestScript) map[string]*process {
	return ts.Value(serversKey{}).(map[string]*process)
}

func wantArgs(ts *testscript.TestScript, neg bool, args []string, least int) {
	if neg || len(args) < least {
		ts.Fatalf("see the comment of TestScripts for how to use this")
	}
}

func scriptFails(ts *testscript.TestScript, neg bool, args []string) {
	wantArgs(ts, neg, args, 2)
	failed(ts, args[0], 1, args[1:])
}

func scriptProblems(ts *testscript.TestScript, neg bool, args []string) {
	wantArgs(ts, neg, args, 2)
	lines, err := strconv.Atoi(args[0])
	ts.Check(err)
	failed(ts, "1", lines, args[1:])
}

func failed(ts *testscript.TestScript, status string, lines int, command []string) {
	err := ts.Exec(command[0], command[1:]...)
	var exit *exec.ExitError
	if !errors.As(err, &exit) || strconv.Itoa(exit.ExitCode()) != status {
		ts.Fatalf("%v; want exit status %s", err, status)
	}
	said := strings.SplitAfter(ts.ReadFile("stderr"), "\n")
	if len(said) != lines+1 || said[lines] != "" {
		ts.Fatalf("want %d lines on standard error", lines)
	}
	for _, line := range said[:lines] {
		if !isOneLine(line) {
			ts.Fatalf("%q does not begin with the program's name", line)
		}
	}
}

func scriptServer(ts *testscript.TestScript, neg bool, args []string) {
	wantArgs(ts, neg, args, 2)
	name, p := args[0], newProcess(args[1:]...)
	p.cmd.Dir = ts.MkAbs(".")
	p.cmd.Env = settings("TMPDIR="+ts.Getenv("TMPDIR"), "GRANTD_CONFIG="+ts.Getenv("GRANTD_CONFIG"))
	for _, s := range config.Settings() {
		p.cmd.Env = append(p.cmd.Env, s.Env+"="+ts.Getenv(s.Env))
	}
	for _, name := range []string{"OTEL_TRACES_EXPORTER", "OTEL_EXPORTER_OTLP_ENDPOINT"} {
		p.cmd.Env = append(p.cmd.Env, name+"="+ts.Getenv(name))
	}
	ts.Check(p.launch())
	ts.Defer(p.kill)
	servers(ts)[name] = p
	ts.Setenv(name+"_URL", p.URL)
	ts.Setenv(name+"_OPS", p.Ops)
	ts.Setenv(name+"_LISTEN", strings.TrimPrefix(p.URL, "http://"))
	ts.Setenv(name+"_OPS_LISTEN", strings.TrimPrefix(p.Ops, "http://"))
}

func scriptEnd(ts *testscript.TestScript, neg bool, args []string) {
	wantArgs(ts, neg, args, 1)
	p := servers(ts)[args[0]]
	status, err := p.stop()
	fmt.Fprint(ts.Stdout(), p.Out.String())
	fmt.Fprint(ts.Stderr(), p.Log.String())
	ts.Check(err)
	if status != exitOK {
		ts.Fatalf("exit status %d", status)
	}
}

// scriptHTTP prints the body of the answer, and its header to standard error.
func scriptHTTP(ts *testscript.TestScript, neg bool, args []string) {
	wantArgs(ts, neg, args, 3)
	if status := scriptRequest(ts, args); status != args[0] {
		ts.Fatalf("status %s; want %s", status, args[0])
	}
}

// scriptSoon is for what one second may pass until every server knows.
func scriptSoon(ts *testscript.TestScript, neg bool, args []string) {
	wantArgs(ts, neg, args, 3)
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		status := scriptRequest(ts, args)
		if status == args[0] {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("still %s", status)
		}
	}
}

func scriptRequest(ts *testscript.TestScript, args []string) (status string) {
	fields, authorization := url.Values{}, ""
	for rest := args[3:]; len(rest) > 0; rest = rest[1:] {
		name, value, _ := strings.Cut(rest[0], "=")
		switch {
		case name == "-bearer" && len(rest) > 1:
			authorization, rest = "Bearer "+rest[1], rest[1:]
		case name == "-basic" && len(rest) > 1:
			authorization, rest = "Basic "+base64.StdEncoding.EncodeToString([]byte(rest[1])), rest[1:]
		default:
			fields.Add(name, value)
		}
	}
	code, header, body := request(ts, args[1], args[2], authorization, fields)
	fmt.Fprint(ts.Stdout(), body)
	ts.Check(header.Write(ts.Stderr()))
	return strconv.Itoa(code)
}

func request(ts *testscript.TestScript, method, url, authorization string, fields url.Values) (int, http.Header, string) {
	p := &process{client: &http.Client{Timeout: patience}}
	contentType := ""
	if len(fields) > 0 {
		contentType = formType
	}
	a := p.send(method, url, fields.Encode(), map[string]string{"Content-Type": contentType, "Authorization": authorization})
	ts.Check(a.err)
	return a.status, a.header, a.body
}

func scriptJSON(ts *testscript.TestScript, neg bool, args []string) {
	wantArgs(ts, neg, args, 0)
	var v any
	dec := json.NewDecoder(strings.NewReader(ts.ReadFile("stdout")))
	dec.UseNumber()
	ts.Check(dec.Decode(&v))
	if dec.More() {
		ts.Fatalf("more than one JSON value")
	}
	if len(args) == 0 {
		return
	}
	got, err := member(v, strings.Split(args[0], "."))
	ts.Check(err)
	switch {
	case len(args) == 3 && args[1] == "->":
		ts.Setenv(args[2], got)
	case len(args) != 2:
		ts.Fatalf("usage: json [PATH VALUE | PATH -> NAME]")
	case got != args[1]:
		ts.Fatalf("%s is %q; want %q", args[0], got, args[1])
	}
}

func member(v any, path []string) (string, error) {
	for _, name := range path {
		switch in := v.(type) {
		case map[string]any:
			found, ok := in[name]
			if !ok {
				return "", fmt.Errorf("there is no member %q in %v", name, in)
			}
			v = found
		case []any:
			if name == "len" {
				return strconv.Itoa(len(in)), nil
			}
			i, err := strconv.Atoi(name)
			if err != nil || i >= len(in) {
				return "", fmt.Errorf("there is no element %q in %v", name, in)
			}
			v = in[i]
		default:
			return "", fmt.Errorf("there is no %q in %v", name, v)
		}
	}
	return fmt.Sprint(v), nil
}

func scriptSave(ts *testscript.TestScript, neg bool, args []string) {
	wantArgs(ts, neg, args, 2)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(args[1]+"\n"), 0o600))
}

func scriptHash(ts *testscript.TestScript, neg bool, args []string) {
	wantArgs(ts, neg, args, 2)
	fmt.Fprintln(ts.Stdout(), storedHash(ts, args[0], args[1]))
}

func storedHash(ts *testscript.TestScript, database, username string) string {
	ctx := context.Background()
	db, err := store.Open(ctx, "sqlite:"+ts.MkAbs(database))
	ts.Check(err)
	defer db.Close()
	u, err := db.UserByLogin(ctx, username)
	ts.Check(err)
	return u.PasswordHash
}

func scriptImported(ts *testscript.TestScript, neg bool, args []string) {
	wantArgs(ts, neg, args, 3)
	cost, err := strconv.Atoi(ts.Getenv("GRANTD_PASSWORD_BCRYPT_COST"))
	ts.Check(err)
	rehashed := fmt.Sprintf("$2a$%02d$", cost)
	for _, found := range nameOfUser.FindAllStringSubmatch(ts.ReadFile(args[2]), -1) {
		name := found[1]
		if strings.HasPrefix(storedHash(ts, args[1], name), rehashed) {
			ts.Fatalf("%s has such a hash already", name)
		}
		status, _, body := request(ts, "POST", args[0]+"/token", "",
			form("grant_type", "password", "username", name, "password", "correct horse "+name, "scope", "me"))
		hash := storedHash(ts, args[1], name)
		if status != http.StatusOK || !strings.HasPrefix(hash, rehashed) {
			ts.Fatalf("%s: %d %s, then %s", name, status, body, hash)
		}
	}
}

// nameOfUser matches a line of an import.
var nameOfUser = regexp.MustCompile(`(?m)^\{"username":"([^"]*)".*$`)
