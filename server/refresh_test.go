package server_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"
)

// quoted is s as a JSON string.
func quoted(s string) string {
	text, _ := json.Marshal(s)
	return string(text)
}

func (s *system) postJSON(path, body string, edits ...edit) reply {
	s.t.Helper()
	return s.send("POST", path, body, append([]edit{header("Content-Type", "application/json")}, edits...)...)
}

// Contract §3: the refresh token as form field, JSON member or bearer token;
// the answer is that of /token.
func TestRefreshEndpointShapes(t *testing.T) {
	s := newSystem(t)
	latest := s.login("me items")
	authorization := func(scheme string) func(string) reply {
		return func(tok string) reply { return s.send("POST", "/refresh", "", header("Authorization", scheme+tok)) }
	}
	for _, c := range []struct {
		name string
		send func(tok string) reply
	}{
		{"contract-3 form", func(tok string) reply { return s.post("/refresh", form("refresh_token", tok)) }},
		{"contract-3 form with grant_type", func(tok string) reply {
			return s.post("/refresh", form("refresh_token", tok, "grant_type", "refresh_token"))
		}},
		{"contract-3 form with client_id", func(tok string) reply { return s.post("/refresh", form("refresh_token", tok, "client_id", "app")) }},
		{"contract-5 form with empty client_id", func(tok string) reply { return s.post("/refresh", form("refresh_token", tok, "client_id", "")) }},
		{"contract-3 form, and an access token as bearer", func(tok string) reply {
			return s.post("/refresh", form("refresh_token", tok), bearer(latest.str("access_token")))
		}},
		{"contract-3 JSON", func(tok string) reply { return s.postJSON("/refresh", `{"refresh_token":`+quoted(tok)+`}`) }},
		{"contract-3 JSON with charset", func(tok string) reply {
			return s.send("POST", "/refresh", ` { "refresh_token" : `+quoted(tok)+` } `, header("Content-Type", "application/json; charset=utf-8"))
		}},
		{"contract-3 JSON, null and empty count as left out", func(tok string) reply {
			return s.postJSON("/refresh", `{"refresh_token":`+quoted(tok)+`,"client_id":null,"scope":""}`)
		}},
		{"6749-3.2 JSON, unknown members are ignored", func(tok string) reply {
			return s.postJSON("/refresh", `{"device":{"id":[1,{"x":null}]},"refresh_token":`+quoted(tok)+`,"remember":true}`)
		}},
		{"6749-3.2 JSON, the whole token reply", func(string) reply { return s.postJSON("/refresh", latest.body) }},
		{"6750-2.1 bearer", authorization("Bearer ")},
		{"9110-11.1 bearer in lower case", authorization("bearer ")},
		{"9110-11.1 bearer in mixed case", authorization("bEaReR ")},
		{"6750-2.1 bearer with an empty form", func(tok string) reply { return s.post("/refresh", form(), bearer(tok)) }},
		{"6750-2.1 bearer with a scope in a form", func(tok string) reply { return s.post("/refresh", form("scope", "me items"), bearer(tok)) }},
		{"6750-2.1 bearer with an empty JSON object", func(tok string) reply { return s.postJSON("/refresh", `{}`, bearer(tok)) }},
		{"6750-2.1 bearer with no body that calls itself JSON", func(tok string) reply { return s.postJSON("/refresh", ``, bearer(tok)) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			s.clock.Add(time.Minute)
			tok := latest.str("refresh_token")
			res := c.send(tok)
			res.wantOK(t)
			if got := keys(res.JSON); !slices.Equal(got, keys(latest.JSON)) {
				t.Errorf("members %q, want those of /token, %q", got, keys(latest.JSON))
			}
			if again := s.refresh(tok); again.str("refresh_token") != res.str("refresh_token") {
				t.Error("/token and /refresh disagree about the successor")
			}
			if res.str("scope") != "me items" {
				t.Errorf("scope %q", res.str("scope"))
			}
			latest = res
		})
	}
	t.Run("6749-6 narrower", func(t *testing.T) {
		s.clock.Add(time.Minute)
		res := s.postJSON("/refresh", `{"scope":"me","refresh_token":`+quoted(latest.str("refresh_token"))+`}`)
		res.wantOK(t)
		if res.str("scope") != "me" {
			t.Errorf("scope %q", res.str("scope"))
		}
	})
}

func TestRefreshEndpointErrors(t *testing.T) {
	s := newSystem(t)
	good := s.login("me")
	tok := good.str("refresh_token")
	member := `"refresh_token":` + quoted(tok)

	for name, res := range map[string]reply{
		"contract-3 nothing":                                 s.send("POST", "/refresh", ""),
		"contract-3 empty form":                              s.post("/refresh", form()),
		"6749-3.2 empty token":                               s.post("/refresh", form("refresh_token", "")),
		"contract-3 another grant":                           s.post("/refresh", form("grant_type", "password", "refresh_token", tok)),
		"contract-5 token in the query":                      s.send("POST", "/refresh?refresh_token="+tok, ""),
		"contract-5 token in the query and bearer":           s.send("POST", "/refresh?refresh_token="+tok, "", bearer(tok)),
		"contract-5 JSON and a token in the query":           s.postJSON("/refresh?refresh_token="+tok, `{`+member+`}`),
		"6750-2.1 bearer twice":                              s.send("POST", "/refresh", "", bearer(tok), header("Authorization", "Bearer "+tok)),
		"6750-2.1 bearer with a comma list":                  s.send("POST", "/refresh", "", bearer(tok+", "+tok)),
		"6750-2.1 empty bearer":                              s.send("POST", "/refresh", "", header("Authorization", "Bearer")),
		"6750-2.1 bearer and a blank":                        s.send("POST", "/refresh", "", header("Authorization", "Bearer ")),
		"contract-5 JSON, member twice":                      s.postJSON("/refresh", `{`+member+`,`+member+`}`),
		"contract-5 JSON, member twice, the first one empty": s.postJSON("/refresh", `{"refresh_token":"",`+member+`}`),
		"contract-5 JSON, member twice, the first one null":  s.postJSON("/refresh", `{"refresh_token":null,`+member+`}`),
		"contract-5 JSON, member twice, once escaped":        s.postJSON("/refresh", `{`+member+`,"refresh\u005ftoken":"x"}`),
		"contract-5 JSON, unknown member twice":              s.postJSON("/refresh", `{`+member+`,"x":"a","x":"a"}`),
		"contract-3 JSON, token in an array":                 s.postJSON("/refresh", `{"refresh_token":[`+quoted(tok)+`]}`),
		"contract-3 JSON, token in an object":                s.postJSON("/refresh", `{"refresh_token":{`+member+`}}`),
		"contract-3 JSON, token is a number":                 s.postJSON("/refresh", `{"refresh_token":1}`),
		"contract-3 JSON, scope is an array":                 s.postJSON("/refresh", `{"scope":["me"],`+member+`}`),
		"contract-3 JSON array":                              s.postJSON("/refresh", `[`+quoted(tok)+`]`),
		"contract-3 JSON string":                             s.postJSON("/refresh", quoted(tok)),
		"contract-3 JSON null":                               s.postJSON("/refresh", `null`),
		"8259-2 JSON cut off":                                s.postJSON("/refresh", `{`+member),
		"8259-2 JSON cut off in a value":                     s.postJSON("/refresh", `{"refresh_token":"abc`),
		"8259-2 JSON cut off behind a name":                  s.postJSON("/refresh", `{`+member+`,"scope"`),
		"8259-2 JSON with garbage behind":                    s.postJSON("/refresh", `{`+member+`} garbage`),
		"8259-2 two JSON objects":                            s.postJSON("/refresh", `{`+member+`}{}`),
		"8259-4 JSON with a comma too many":                  s.postJSON("/refresh", `{`+member+`,}`),
		"8259-4 JSON without a comma":                        s.postJSON("/refresh", `{`+member+`"scope":"me"}`),
		"8259-4 JSON with a name that is no string":          s.postJSON("/refresh", `{`+member+`,1:"me"}`),
		"8259-8.1 JSON in invalid UTF-8":                     s.postJSON("/refresh", `{`+member+`,"x":"`+"\xff"+`"}`),
		"8259-8.1 JSON behind a byte order mark":             s.postJSON("/refresh", "\ufeff{"+member+"}"),
		"6749-A JSON with NUL":                               s.postJSON("/refresh", `{`+member+`,"x":"\u0000"}`),
		"6749-A JSON with a line break":                      s.postJSON("/refresh", `{`+member+`,"scope":"me\n"}`),
		"6749-A JSON with a control character in a name":     s.postJSON("/refresh", `{`+member+`,"\u0000":"a"}`),
		"contract-5 JSON over 64 KiB":                        s.postJSON("/refresh", `{`+member+`,"x":"`+strings.Repeat("x", 64<<10)+`"}`),
		"contract-5 JSON of 60,000 brackets":                 s.postJSON("/refresh", `{`+member+`,"x":`+strings.Repeat("[", 60_000)+`}`),
	} {
		t.Run(name, func(t *testing.T) {
			res.wantRefusal(t, 400, "invalid_request")
			if strings.Contains(res.body, tok) {
				t.Error("the answer repeats the token")
			}
		})
	}
	t.Run("6749-6 wider", func(t *testing.T) {
		s.post("/refresh", form("refresh_token", tok, "scope", "me items")).wantRefusal(t, 400, "invalid_scope")
	})
	s.wantAlive(good) // through all of it
	s.refresh(tok).wantOK(t)
}

// A public client is the one that the token names, a confidential one
// authenticates. Without a client, what counts is the token.
func TestRefreshEndpointClient(t *testing.T) {
	s := newSystem(t)
	t.Run("contract-3 public client of the token, not the default one", func(t *testing.T) {
		theirs := s.post("/token", asAnn("client_id", "other"))
		res := s.post("/refresh", form("refresh_token", theirs.str("refresh_token")))
		res.wantOK(t)
		if got := claimsOf(t, res.str("access_token"))["client_id"]; got != "other" {
			t.Errorf("client_id %v", got)
		}
	})
	t.Run("6749-6 confidential client", func(t *testing.T) {
		theirs := s.post("/token", asAnn(), as("service", serviceSecret))
		tok := theirs.str("refresh_token")
		s.post("/refresh", form("refresh_token", tok)).wantRefusal(t, 401, "invalid_client")
		s.send("POST", "/refresh", "", bearer(tok)).wantRefusal(t, 401, "invalid_client")
		s.postJSON("/refresh", `{"client_id":"service","refresh_token":`+quoted(tok)+`}`).wantRefusal(t, 401, "invalid_client")
		s.post("/refresh", form("refresh_token", tok), as("service", "wrong")).wantRefusal(t, 401, "invalid_client", basicChallenge)
		s.wantAlive(theirs)

		s.clock.Add(time.Minute)
		next := s.post("/refresh", form("refresh_token", tok), as("service", serviceSecret))
		next.wantOK(t)
		body := `{"client_id":"service","client_secret":` + quoted(serviceSecret) + `,"refresh_token":` + quoted(next.str("refresh_token")) + `}`
		s.postJSON("/refresh", body).wantOK(t)
	})
	t.Run("6749-5.2 client that lost the grant", func(t *testing.T) {
		s.post("/refresh", form("refresh_token", "x", "client_id", "no-refresh")).wantRefusal(t, 400, "unauthorized_client")
	})
	// An app must see that its user has to log in again, and not that there is
	// something wrong with the app.
	t.Run("6749-5.2 expired token without a client", func(t *testing.T) {
		old := s.login("me").str("refresh_token")
		s.clock.Add(720 * time.Hour)
		res := s.post("/refresh", form("refresh_token", old))
		res.wantRefusal(t, 400, "invalid_grant")
		if !strings.Contains(res.str("error_description"), "expired") {
			t.Errorf("unclear: %s", res.body)
		}
	})
	t.Run("6749-5.2 access token as bearer", func(t *testing.T) {
		s.send("POST", "/refresh", "", bearer(s.login("me").str("access_token"))).wantRefusal(t, 400, "invalid_grant")
	})
}

// Two refresh tokens in one request: nobody could tell which one the client meant.
func TestRefreshOfTwoTokens(t *testing.T) {
	s := newSystem(t)
	first, second := s.login("me"), s.login("items")
	res := s.post("/refresh", form("refresh_token", first.str("refresh_token")), bearer(second.str("refresh_token")))
	res.wantRefusal(t, 400, "invalid_request")
	for name, header := range map[string]edit{
		"the same token twice":    bearer(first.str("refresh_token")),
		"the app's access token":  bearer(second.str("access_token")),
		"some other bearer token": bearer("x"),
	} {
		t.Run(name, func(t *testing.T) {
			s.post("/refresh", form("refresh_token", first.str("refresh_token")), header).wantOK(t)
		})
	}
	s.refresh(second.str("refresh_token")).wantOK(t)
}
