package main

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

func TestParseImport(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ line, want string }{
		{`{"username":"ann","scopes":["me"],"disabled":true}`, ""},
		{` { "scopes" : null , "email" : null } `, ""},
		{`{}`, ""},
		// {"scopes":["me"],"SCOPES":null} let the user grant everything.
		{`{"scopes":["me"],"SCOPES":null}`, `there is no member "SCOPES"`},
		{`{"scopes":["me"],"ſcopes":null}`, `there is no member "ſcopes"`},
		{`{"scopes":["me"],"scopes":null}`, `"scopes" is there twice`},
		{`{"scopes":["me"],"\u0073copes":null}`, `"scopes" is there twice`},
		{`{"disabled":true,"disabled":false}`, `"disabled" is there twice`},
		{`{"Username":"ann"}`, `there is no member "Username"`},
		{`{"":1}`, `there is no member ""`},
		{`{"scopes":"me"}`, `"scopes" is of the wrong kind`},
		{`{"scopes":[7]}`, `"scopes" is of the wrong kind`},
		{`{"username":{}}`, `"username" is of the wrong kind`},
		{`{"username":"ann"} {}`, "more than one value"},
		{`{"username":"ann"}}`, "more than one value"},
		{`{"username":"ann"`, "no JSON object"},
		{`{"username":`, "no JSON object"},
		{`{"username"}`, "no JSON object"},
		{`{1:2}`, "no JSON object"},
		{`{`, "no JSON object"},
		{`"ann"`, "no JSON object"},
		{`[]`, "no JSON object"},
		{`null`, "no JSON object"},
		{``, "no JSON object"},
	} {
		_, err := parseImport([]byte(c.line))
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), "not a user, "+c.want) {
			t.Errorf("%s: %v; want %q", c.line, err, c.want)
		}
	}
}

func FuzzParseImport(f *testing.F) {
	f.Add([]byte(`{"username":"ann","email":"a@example.com","full_name":"Ann","password_hash":"$2b$","scopes":["me"],"disabled":true}`))
	f.Add([]byte(`{"scopes":[],"SCOPES":null}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		in, err := parseImport(line)
		if err != nil {
			return
		}
		text, err := json.Marshal(in)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := parseImport(text); err != nil || !reflect.DeepEqual(again, in) {
			t.Fatalf("%q -> %+v -> %s -> %+v, %v", line, in, text, again, err)
		}
	})
}
