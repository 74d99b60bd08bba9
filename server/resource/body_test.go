package resource_test

import (
	"encoding/json"
	"net/url"
	"testing"
	"unicode/utf8"

	"github.com/grantd/grantd/server/resource"
)

var names = []string{"username", "password"}

func FuzzParseObject(f *testing.F) {
	f.Add([]byte(`{"username":"ann","password":"x","disabled":true}`))
	f.Add([]byte(`{"username":"ann","username":"bob"}`))
	f.Add([]byte(`{"user\u006eame":"ann","USERNAME":"bob","more":{"username":[]}}`))
	f.Add([]byte(`{"username":null}`))
	f.Add([]byte("{\"username\":\"\xff\"}"))
	f.Fuzz(func(t *testing.T, body []byte) {
		fields, err := resource.ParseObject(body, names...)
		if err != nil {
			return
		}
		// Nobody else reads another value from it.
		var members map[string]any
		if err := json.Unmarshal(body, &members); err != nil || !utf8.Valid(body) {
			t.Fatalf("%q was taken for an object: %v", body, err)
		}
		for _, name := range names {
			if text, ok := members[name].(string); text != fields[name] || !ok && members[name] != nil {
				t.Fatalf("%s is %v, read as %q", name, members[name], fields[name])
			}
		}
		if len(fields) > len(names) {
			t.Fatalf("%q gives %q", body, fields)
		}
	})
}

func FuzzParseForm(f *testing.F) {
	f.Add([]byte("username=ann&password=x+y"))
	f.Add([]byte("username=ann&username=bob"))
	f.Add([]byte("user%6eame=%00&password=%zz;&=&"))
	f.Fuzz(func(t *testing.T, body []byte) {
		fields, err := resource.ParseForm(body, names...)
		if err != nil {
			return
		}
		form, err := url.ParseQuery(string(body))
		if err != nil {
			t.Fatalf("%q was taken for a form: %v", body, err)
		}
		for _, name := range names {
			if len(form[name]) > 1 || form.Get(name) != fields[name] {
				t.Fatalf("%s is %q, read as %q", name, form[name], fields[name])
			}
		}
	})
}
