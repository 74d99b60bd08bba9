package scopes_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// What a service builds that imports this package, besides the standard library: nothing else of grantd, and no more than this.
func TestDependencies(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Fields(string(out))
	slices.Sort(got)
	want := []string{
		"github.com/MicahParks/jwkset", "github.com/golang-jwt/jwt/v5", "github.com/grantd/grantd/scopes",
		"golang.org/x/time/rate", // of jwkset
	}
	if !slices.Equal(got, want) {
		t.Errorf("it depends on %q, agreed are %q", got, want)
	}
}
