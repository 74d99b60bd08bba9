package main

import (
	"bufio"
	"context"
	"io"
	"path/filepath"
	"strings"
	"testing"
)

// What comes is printed as it comes, until somebody has seen enough, which is no failure.
func TestAuditListFollows(t *testing.T) {
	t.Setenv("GRANTD_DATABASE", "sqlite:"+filepath.Join(t.TempDir(), "grantd.db"))
	t.Setenv("GRANTD_PASSWORD_BCRYPT_COST", "4")
	run := func(ctx context.Context, out io.Writer, args ...string) int {
		a := &app{stdin: strings.NewReader("correct horse battery\n"), stdout: out, stderr: t.Output()}
		return a.execute(ctx, args)
	}
	must := func(args ...string) {
		t.Helper()
		if code := run(t.Context(), io.Discard, args...); code != exitOK {
			t.Fatalf("grantd %v: exit status %d", args, code)
		}
	}
	must("migrate")
	must("user", "add", "ann")
	must("user", "add", "bob")
	in, out := io.Pipe()
	ctx, enough := context.WithCancel(t.Context())
	defer enough()
	ended := make(chan int)
	go func() {
		defer out.Close()
		ended <- run(ctx, out, "audit", "list", "--follow", "--limit", "1", "--output", "json")
	}()
	lines := bufio.NewScanner(in)
	for _, want := range []string{"bob", "eve", "joe"} {
		if !lines.Scan() || !strings.Contains(lines.Text(), `"username":"`+want+`"`) {
			t.Fatalf("%q is not about %s", lines.Text(), want)
		}
		switch want {
		case "bob":
			must("user", "add", "eve")
		case "eve":
			must("user", "add", "joe")
		}
	}
	enough()
	if code := <-ended; code != exitOK {
		t.Errorf("exit status %d", code)
	}
}
