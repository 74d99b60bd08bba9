package scopes

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzEachMember compares the reader of objects with encoding/json, which knows no duplicates.
func FuzzEachMember(f *testing.F) {
	for _, object := range []string{
		`{}`, ` { } `, `{"a":1,"b":[1,{"c":"]}"}],"d":"\"\\","e":null , "f" : "\u00fc"}`, `{"a":1,"a":2}`, `{"a":1,"\u0061":2}`, `{"a":"\ud800"}`, `{"\ud800":1}`,
		`{"aud":["a","b\n",""]}`, `{"aud":[]}`, `{"aud":null}`, `{"aud":["a",null]}`, `{"aud":["a",["b"]]}`, `{"aud":[ "a" , "b" ]}`, `{"aud":"a"}`, `{"aud":{"a":"b"}}`,
		`[]`, `null`, ``, `{`, `{"a"}`, `{"a":}`, `{"a":1}}`, "\ufeff{}", `{"a":1,}`,
	} {
		f.Add(object)
	}
	f.Fuzz(func(t *testing.T, object string) {
		got := map[string]string{}
		err := eachMember(object, func(name, value string) error {
			got[name] = value
			return nil
		})
		ofBytes := map[string]string{}
		errOfBytes := eachMember([]byte(object), func(name string, value []byte) error {
			ofBytes[name] = string(value)
			return nil
		})
		if !maps.Equal(got, ofBytes) || (err == nil) != (errOfBytes == nil) {
			t.Fatalf("%q as a string is %v, %v, as bytes %v, %v", object, got, err, ofBytes, errOfBytes)
		}
		var want map[string]json.RawMessage
		if json.Unmarshal([]byte(object), &want) != nil || want == nil {
			if !errors.Is(err, errNoObject) {
				t.Fatalf("%q gives %v, %v", object, got, err)
			}
			return
		}
		if err != nil {
			return // of what encoding/json does not mind
		}
		if !maps.EqualFunc(got, want, func(a string, b json.RawMessage) bool { return a == string(b) }) {
			t.Fatalf("%q is %q, of encoding/json %q", object, got, want)
		}
		for _, value := range got {
			checkStrings(t, value)
		}
	})
}

// checkStrings compares how a value is read that is to be one string or several.
func checkStrings(t *testing.T, value string) {
	t.Helper()
	got, ok := texts(value)
	var one *string
	var several []*string
	switch {
	case json.Unmarshal([]byte(value), &one) == nil && one != nil:
		several = []*string{one}
	case json.Unmarshal([]byte(value), &several) != nil, slices.Contains(several, nil):
		if ok {
			t.Fatalf("%s is read as %q", value, got)
		}
		return
	}
	var want []string
	for _, s := range several {
		if strings.ContainsRune(*s, utf8.RuneError) {
			return // a string that is refused
		}
		want = append(want, *s)
	}
	if !ok || !slices.Equal(got, want) {
		t.Fatalf("%s is read as %q, %t, want %q", value, got, ok, want)
	}
}
