package main

import (
	"fmt"
	"strings"
)

// kinds are whose code something is, by the beginning of the names of functions; the first that fits counts.
var kinds = [...]struct {
	name, colour string
	packages     []string
}{
	runtimes: {"runtime and kernel", "#d0d7de", []string{"runtime", "internal/runtime", "syscall", "internal/syscall", "internal/bytealg", "internal/abi",
		"internal/poll", "os", "sync", "internal/sync", "golang.org/x/sys",
		"time", "context", "internal/cpu", "internal/chacha8rand", "unique", "weak"}},
	1: {"HTTP and network", "#9ecbff", []string{"net", "bufio", "mime", "github.com/gorilla", "golang.org/x/net", "vendor/golang.org/x/net", "io", "internal/godebug"}},
	2: {"signatures and TLS", "#ffab70", []string{"crypto", "golang.org/x/crypto", "vendor/golang.org/x/crypto", "hash", "math/big", "internal/fips"}},
	3: {"database", "#b392f0", []string{"modernc.org", "database", "github.com/jackc", "github.com/grantd/grantd/store"}},
	4: {"grantd", "#7ee2a8", []string{"github.com/grantd/grantd", "main"}},
	5: {"go-oauth2 and golang-jwt", "#ffdf5d", []string{"github.com/go-oauth2", "github.com/golang-jwt"}},
	6: {"JSON and log", "#f9a8d4", []string{"encoding", "log", "internal/reflectlite", "reflect"}},
	7: {"rest of the library", "#e6d3c0", []string{""}},
}

// runtimes is the kind that works for whoever calls it.
const runtimes = 0

func kindOf(function string) int {
	if !strings.Contains(function, ".") {
		return runtimes // assembly, without the name of its package
	}
	for i, kind := range kinds {
		for _, p := range kind.packages {
			if rest, found := strings.CutPrefix(function, p); found && (p == "" || rest == "" || strings.ContainsAny(rest[:1], "./")) {
				return i
			}
		}
	}
	return len(kinds) - 1
}

// classes give each kind its colour.
func classes() string {
	var b strings.Builder
	for i, kind := range kinds {
		fmt.Fprintf(&b, ".k%d{fill:%s}", i, kind.colour)
	}
	return b.String()
}

// inShort is the name of a function with the last part of its package's path alone, and without type arguments.
func inShort(function string) string {
	var b strings.Builder
	depth := 0
	for _, r := range function {
		switch {
		case r == '[':
			depth++
		case r == ']':
			depth--
		case depth == 0:
			b.WriteRune(r)
		}
	}
	name := b.String()
	return name[strings.LastIndexByte(name, '/')+1:]
}
