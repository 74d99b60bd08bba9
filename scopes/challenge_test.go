package scopes_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/grantd/grantd/scopes"
)

func TestChallengeString(t *testing.T) {
	for _, c := range []struct {
		name string
		in   scopes.Challenge
		want string
	}{
		{"6750-3 all parameters", scopes.Challenge{Realm: "api", Error: "invalid_token", ErrorDescription: "the token expired", Scope: scopes.Set{"me", "items"}, ResourceMetadata: metadata},
			`Bearer realm="api", error="invalid_token", error_description="the token expired", scope="me items", resource_metadata="` + metadata + `"`},
		{"6750-3 without realm", scopes.Challenge{Scope: scopes.Set{"me"}}, `Bearer scope="me"`},
		{"6750-3 at least one parameter", scopes.Challenge{}, `Bearer realm=""`},
		{"6750-3 description without quote, backslash, others", scopes.Challenge{ErrorDescription: "say \"a\\b\"\té"}, `Bearer error_description="say 'a/b'??"`},
		{"6750-3 error in the same grammar", scopes.Challenge{Error: `x"`}, `Bearer error="x'"`},
		{"9110-5.6.4 realm quoted", scopes.Challenge{Realm: `a "b" \c`}, `Bearer realm="a \"b\" \\c"`},
		{"9110-5.5 no header of its own", scopes.Challenge{Realm: "a\r\nSet-Cookie: x=y", ErrorDescription: "b\r\n\r\n<p>", ResourceMetadata: "c\n"},
			`Bearer realm="a??Set-Cookie: x=y", error_description="b????<p>", resource_metadata="c?"`},
		{"6749-3.3 names outside the grammar left out", scopes.Challenge{Scope: scopes.Set{"me", "a b", `"`, ""}}, `Bearer scope="me"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.in.String(); got != c.want {
				t.Fatalf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestParseChallenge(t *testing.T) {
	me := scopes.Challenge{Realm: "api", Scope: scopes.Set{"me", "items"}}
	for _, c := range []struct {
		name, in string
		want     scopes.Challenge
		err      string
	}{
		{"6750-3 quoted and token values", `Bearer realm=api, scope="me items"`, me, ""},
		{"9110-11.1 letter case of scheme and names", `bEARER Realm="api", SCOPE="me items"`, me, ""},
		{"9110-11.2 spaces around =", "Bearer realm = \"api\" ,\tscope= \"me items\"", me, ""},
		{"9110-5.6.1 empty list elements", `, Bearer ,realm="api",, scope="me items" , `, me, ""},
		{"6750-3 unknown parameters", `Bearer realm="api", error_uri="https://x", scope="me items"`, me, ""},
		{"6750-3 all parameters", `Bearer realm="a", error="e", error_description="d", resource_metadata="r"`,
			scopes.Challenge{Realm: "a", Error: "e", ErrorDescription: "d", ResourceMetadata: "r"}, ""},
		{"9110-5.6.4 quoted-pair", `Bearer realm="a \"b\" \\c\d"`, scopes.Challenge{Realm: `a "b" \cd`}, ""},
		{"9110-5.6.4 comma and scheme inside quotes", `Bearer realm="a, Basic b=c"`, scopes.Challenge{Realm: "a, Basic b=c"}, ""},
		{"9110-11.6.1 second of several challenges", `Basic realm="x", charset="UTF-8", Bearer realm="api", scope="me items"`, me, ""},
		{"9110-11.6.1 first of several challenges", `Bearer realm="api", scope="me items", Basic realm="x"`, me, ""},
		{"9110-11.6.1 after a token68", `Negotiate YII+/a==, Bearer realm="api", scope="me items"`, me, ""},
		{"9110-11.6.1 after a bare scheme", `Negotiate, Bearer realm="api", scope="me items"`, me, ""},
		{"9110-11.3 bare scheme", `Bearer`, scopes.Challenge{}, ""},
		{"6750-3 empty scope", `Bearer scope=""`, scopes.Challenge{}, ""},
		{"6750-3 parameter twice", `Bearer realm="a", Realm="b"`, scopes.Challenge{}, "twice"},
		{"6750-3 unknown parameter twice", `Bearer x=1, x=2`, scopes.Challenge{}, "twice"},
		{"6750-3 scope outside the grammar", `Bearer scope="me  items"`, scopes.Challenge{}, "one space"},
		{"9110-11.6.1 no Bearer", `Basic realm="x", DPoP algs="ES256"`, scopes.Challenge{}, "no Bearer challenge"},
		{"9110-11.6.1 empty header", ``, scopes.Challenge{}, "no Bearer challenge"},
		{"9110-5.6.4 quote without end", `Bearer realm="a`, scopes.Challenge{}, "no end"},
		{"9110-5.6.4 backslash at the end", `Bearer realm="a\`, scopes.Challenge{}, "no end"},
		{"9110-5.6.4 control in quotes", "Bearer realm=\"a\r\nb\"", scopes.Challenge{}, "control"},
		{"9110-5.6.4 escaped control in quotes", "Bearer realm=\"a\\\nb\"", scopes.Challenge{}, "control"},
		{"9110-11.2 no value", `Bearer realm=, scope=me`, scopes.Challenge{}, "no value"},
		{"9110-11.2 no name", `Bearer ="a"`, scopes.Challenge{}, "expected a parameter"},
		{"9110-11.2 no comma", `Bearer realm="a" scope="b"`, scopes.Challenge{}, "comma"},
		{"9110-11.1 no space after the scheme", `Bearer;realm="a"`, scopes.Challenge{}, "scheme"},
		{"9110-11.2 stray quote", `Bearer "a"`, scopes.Challenge{}, "expected a parameter"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := scopes.ParseChallenge(c.in)
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Fatalf("got %+v, %v; want an error with %q", got, err, c.err)
				}
				return
			}
			if err != nil || !reflect.DeepEqual(got, c.want) {
				t.Fatalf("got %+v, %v; want %+v", got, err, c.want)
			}
		})
	}
}

func FuzzParseChallenge(f *testing.F) {
	f.Add(`Bearer realm="a \"b\"", error="invalid_token", scope="me items", resource_metadata="https://x"`, "a")
	f.Add(`Negotiate YII=, Basic realm=x, bearer scope=me`, "a\r\nb")
	f.Add(`Bearer =, "`, `"\`)
	f.Fuzz(func(t *testing.T, in, text string) {
		if c, err := scopes.ParseChallenge(in); err == nil {
			roundTrip(t, c)
		}
		roundTrip(t, scopes.Challenge{Realm: text, Error: text, ErrorDescription: text, ResourceMetadata: text, Scope: scopes.Set{text, "me"}})
	})
}

// roundTrip holds String to its promise: what it prints is one line that reads as what was printed.
func roundTrip(t *testing.T, c scopes.Challenge) {
	t.Helper()
	printed := c.String()
	again, err := scopes.ParseChallenge(printed)
	if err != nil || again.String() != printed {
		t.Fatalf("%+v\nprints %s\nreads %+v, %v", c, printed, again, err)
	}
	if plain := printable(c); plain && !reflect.DeepEqual(again, c) {
		t.Fatalf("%+v\nreads  %+v", c, again)
	}
	if strings.ContainsFunc(printed, func(r rune) bool { return r < ' ' || r > '~' }) {
		t.Fatalf("not one line of ASCII: %q", printed)
	}
}

func printable(c scopes.Challenge) bool {
	for _, text := range []string{c.Realm, c.Error, c.ErrorDescription, c.ResourceMetadata} {
		if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' }) {
			return false
		}
	}
	for _, name := range c.Scope {
		if !scopes.ValidName(name) {
			return false
		}
	}
	return !strings.ContainsAny(c.Error+c.ErrorDescription, `"\`) && len(c.Scope) == len(must(scopes.Parse(c.Scope.String())))
}
