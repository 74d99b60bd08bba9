package demoapp

import (
	"slices"
	"testing"
)

func TestMissing(t *testing.T) {
	const refused = `Bearer realm="grantd", error="insufficient_scope"`
	for _, c := range []struct {
		name, challenge, granted string
		want                     []string
	}{
		{"6750-3 what the challenge names", refused + `, scope="me items:write"`, "openid me", []string{"items:write"}},
		{"two", refused + `, scope="me items"`, "openid", []string{"me", "items"}},
		{"nothing", refused + `, scope="me items"`, "me items", nil},
		{"no scope in it", refused, "", nil},
		{"a scope that the app knows nothing of", refused + `, scope="admin"`, "", nil},
		{"in another parameter", refused + `, error_description="say scope=\"items\"", xscope="me"`, "", nil},
	} {
		if got := missing(c.challenge, c.granted); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
