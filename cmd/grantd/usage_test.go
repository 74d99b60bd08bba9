package main

import (
	"context"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// runHere runs the program in this process.
func runHere(args ...string) (status int, stdout, stderr string) {
	var out, errs strings.Builder
	a := &app{stdin: strings.NewReader(""), stdout: &out, stderr: &errs}
	return a.execute(context.Background(), args), out.String(), errs.String()
}

// eachCommand visits every command that there is, with the words that call it.
func eachCommand(cmd *cobra.Command, path []string, visit func(cmd *cobra.Command, path []string)) {
	visit(cmd, path)
	for _, child := range cmd.Commands() {
		eachCommand(child, append(path[:len(path):len(path)], child.Name()), visit)
	}
}

func TestEveryCommandExplainsItself(t *testing.T) {
	visited := 0
	eachCommand((&app{}).newRoot(), nil, func(cmd *cobra.Command, path []string) {
		visited++
		if cmd.Short == "" {
			t.Errorf("grantd %v has no words for the list of commands", path)
		}
		status, stdout, stderr := runHere(append(path, "--help")...)
		if status != exitOK || stderr != "" || !strings.Contains(stdout, "Usage:\n  grantd") {
			t.Errorf("grantd %v --help: %d %s%s", path, status, stdout, stderr)
		}
	})
	if visited < 25 {
		t.Errorf("only %d commands", visited)
	}
}

func TestMisuseIsStatusTwo(t *testing.T) {
	eachCommand((&app{}).newRoot(), nil, func(cmd *cobra.Command, path []string) {
		for _, misuse := range [][]string{{"--no-such-flag"}, {"a", "b", "c"}, {"--output", "xml"}} {
			status, stdout, stderr := runHere(append(path[:len(path):len(path)], misuse...)...)
			if cmd.HasSubCommands() && misuse[0] == "--output" {
				continue // it prints its help, whatever the output
			}
			if status != exitUsage || stdout != "" || !isOneLine(stderr) || !strings.Contains(stderr, "--help") {
				t.Errorf("grantd %v %v: %d %s%s", path, misuse, status, stdout, stderr)
			}
		}
	})
}

// Where there is nothing to list, programs still get JSON.
func TestListsAreJSON(t *testing.T) {
	t.Setenv("GRANTD_DATABASE", "sqlite:"+t.TempDir()+"/grantd.db")
	if status, _, stderr := runHere("migrate"); status != exitOK {
		t.Fatal(stderr)
	}
	eachCommand((&app{}).newRoot(), nil, func(cmd *cobra.Command, path []string) {
		if cmd.Name() != "list" {
			return
		}
		if status, stdout, stderr := runHere(append(path, "--output", "json")...); status != exitOK || stdout != "[]\n" {
			t.Errorf("grantd %v: %d %s%s", path, status, stdout, stderr)
		}
	})
}
