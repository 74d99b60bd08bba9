package doctor

import (
	"net/url"
	"slices"
	"strings"
	"testing"
)

func mustURL(t *testing.T, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestReadHTML(t *testing.T) {
	page := readHTML([]byte(`<!doctype html><link rel="stylesheet" href="/a.css"><script src=https://cdn.example/b.js></script>
		<form action="/search"><input name="q"></form>
		<FORM Method="POST" action="/in?a=1&amp;b=2">
		<input type=hidden name=csrf value="&lt;x&gt;"><input name=email autocomplete=username><input name=name disabled>
		<input type=checkbox name=stay checked><input type=checkbox name=news value=yes><textarea name=note>a &amp; b</textarea>
		<select name=org><option value=1>One<option value=2 selected>Two</select>
		<input type=PASSWORD name=pw><button type=button>Show</button><button name=go value=1>Sign <b>in</b></button></form>`))
	if len(page.forms) != 2 || !slices.Equal(page.loads, []string{"/a.css", "https://cdn.example/b.js"}) {
		t.Fatalf("%+v", page)
	}
	f := page.signIn()
	if f == nil || f.action != "/in?a=1&b=2" || f.fields[f.login()].name != "email" || f.fields[f.named("password")].name != "pw" {
		t.Fatalf("%+v", f)
	}
	want := url.Values{"csrf": {"<x>"}, "email": {""}, "stay": {"on"}, "note": {"a & b"}, "org": {"2"}, "pw": {""}, "go": {"1"}}
	if got := f.values(f.first()); got.Encode() != want.Encode() {
		t.Errorf("%v, want %v", got, want)
	}
	if len(f.buttons) != 1 || f.buttons[0].text != "Sign in" {
		t.Errorf("%+v", f.buttons)
	}
}

// Who signs in is asked on one page or on two; a page to sign up has two passwords.
func TestWhichForm(t *testing.T) {
	for page, want := range map[string]string{
		`<form method=post><input name=u><input type=password name=p></form>`:                                       "sign in",
		`<form method=post><input name=u><input type=email name=e></form>`:                                          "name",
		`<form method=post><input name=u><input type=password name=p><input type=password name=p2></form>`:          "",
		`<form><input name=u><input type=password name=p></form>`:                                                   "", // GET: the password would be in the URL
		`<form method=post><input type=hidden name=h value=1><button>Yes, allow</button><button>No</button></form>`: "",
	} {
		site, got := readHTML([]byte(page)), ""
		switch {
		case site.signIn() != nil:
			got = "sign in"
		case site.identify() != nil:
			got = "name"
		}
		if got != want {
			t.Errorf("%s: %q, want %q", page, got, want)
		}
	}
}

func TestApproving(t *testing.T) {
	for buttons, want := range map[string]string{
		`<button>Deny</button><button>Allow</button>`:                               "Allow",
		`<button name=d value=allow>Los!</button><button name=d value=deny>Nein`:    "Los!",
		`<button>Cancel</button><button>Authorize Acme</button>`:                    "Authorize Acme",
		`<button>Don't allow: no</button><button>Authorise</button>`:                "Authorise",
		`<button>Sign out</button>`:                                                 "",
		`<button>Weiter</button>`:                                                   "Weiter",
		`<button>Weiter</button><button>Abbrechen</button>`:                         "",
		`<button>Disallow</button><input type=submit name=approve value="Approve">`: "Approve",
		`<button>Go back</button>`:                                                  "",
		`<button>Notify me</button><button>Continue</button>`:                       "Continue",
		``: "",
	} {
		site, got := readHTML([]byte("<form method=post>"+buttons+"</form>")), ""
		if b := site.forms[0].approving(); b != nil {
			got = b.text
		}
		if got != want {
			t.Errorf("%s: %q, want %q", buttons, got, want)
		}
	}
}

func FuzzReadHTML(f *testing.F) {
	f.Add(`<form method=post action=/x><input name=u><input type=password name=p><button name=a value=b>Allow</button></form>`)
	f.Add(`<form><select name=s><option value=1><option selected value=2></select><textarea name=t>x</textarea>`)
	f.Add(`<option><select><input disabled><button><form><button>&amp;<textarea/><input type=submit>`)
	f.Fuzz(func(t *testing.T, page string) {
		site := readHTML([]byte(page))
		if len(site.forms) > maxForms || len(site.loads) > maxFields {
			t.Fatalf("%d forms, %d things", len(site.forms), len(site.loads))
		}
		b := &browser{e: &exam{Options: Options{User: "ann", Password: "a password"}}}
		for range 3 { // the name, the password, the consent
			if next, err := b.fill(site); err == nil && next != nil && next.form.method != "post" {
				t.Fatalf("%+v is no POST", next.form)
			}
		}
		for _, form := range site.forms {
			if len(form.fields)+len(form.buttons) > maxFields {
				t.Fatalf("%d fields", len(form.fields))
			}
			form.values(form.first()).Encode()
			for _, one := range form.buttons {
				if len([]rune(one.text)) > 101 {
					t.Fatalf("a text of %d characters", len(one.text))
				}
			}
		}
	})
}

func FuzzAnswers(f *testing.F) {
	f.Add(`{"keys":[{"kty":"EC","crv":"P-256","x":"a","y":"b"}],"access_token":"e30.e30.e30","error":"x"}`)
	f.Add(`{"kty":"RSA","n":"AQAB","e":"AQAB"}`)
	f.Fuzz(func(t *testing.T, text string) {
		r := &reply{body: []byte(text), status: 400}
		e := &exam{hidden: []string{"secret"}}
		v := refused(r, nil, text)
		if shown := e.clean(v); len([]rune(shown)) > maxEvidence+1 || strings.Contains(shown, "secret") {
			t.Fatalf("%q", shown)
		}
		tokens := &tokens{reply: r}
		tokens.life()
		tokens.parts()
		publicKey([]byte(text))
	})
}
