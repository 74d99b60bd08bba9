package server_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/grantd/grantd/server"
	"github.com/grantd/grantd/server/reason"
	"github.com/grantd/grantd/store"
)

// provocation is a request that is refused for one reason.
type provocation struct {
	reason  reason.Word
	name    string // which of several ways; empty: there is one
	refused func(t *testing.T, s *system) reply
	options func(*server.Options) // nil: those of every test
}

// causes are pieces of what the operator is told of the unnamed provocations, where there is more to tell than the reason.
var causes = map[reason.Word]string{
	reason.MethodWrong:                 "the method is GET",
	reason.ClientSecretWrong:           "client service sent a secret of 5 bytes by Basic",
	reason.ClientSecretMissing:         "client service sent no secret",
	reason.GrantTypeNotForClient:       "public client no-refresh may use password",
	reason.OriginUnregistered:          `the Origin "https://nobody.example" is registered for no client`,
	reason.ScopeUnknown:                "magic of client app; it may ask for me items items:write",
	reason.ScopeNotForUser:             "items asked for, user u-bob may grant me",
	reason.ScopeWidened:                "granted was me, more is items",
	reason.WrongPassword:               "wrong password for user u-ann",
	reason.UserDisabled:                "user u-eve is disabled",
	reason.RedirectURIUnregistered:     `redirect_uri differs at byte 23: registered "/cb", got "/cb/" (a slash too many at the end)`,
	reason.LogoutURIUnregistered:       `post_logout_redirect_uri "https://x.example/" was sent, none is registered`,
	reason.PKCEMissing:                 "public client spa is not registered with --pkce optional",
	reason.PKCEMethod:                  `code_challenge has 43 bytes, code_challenge_method is "plain"`,
	reason.CrossSiteForm:               `Origin "https://evil.example", Sec-Fetch-Site "cross-site"`,
	reason.CodeOfAnotherClient:         "it was made for client spa",
	reason.RedirectURIDiffers:          "redirect_uri differs at byte 23 (a slash too many at the end)",
	reason.VerifierMalformed:           "it has 5 bytes",
	reason.CodeExpired:                 "it expired 1m0s ago, and was made at 2026-03-01T12:00:00Z",
	reason.CodeReused:                  "of user u-ann",
	reason.RefreshTokenExpired:         "refresh token expired at 2026-03-31T12:00:00Z; it is of authorization",
	reason.RefreshTokenOfAnotherClient: "issued to client app",
	reason.RefreshTokenReused:          "generation 1 of authorization",
	reason.TokenExpired:                "45m0s ago",
	reason.TokenNotYetValid:            "it is valid from 2027-01-01T00:00:00Z",
	reason.TokenWrongAudience:          `it is for "https://other.example"`,
	reason.TokenRevoked:                "was revoked at 2026-03-01T12:00:00Z",
}

// untold are reasons that say it all.
var untold = []reason.Word{reason.UserUnknown, reason.ClientUnknown, reason.RefreshTokenInvalid}

// unprovoked are the reasons that nothing at our own routes can have. They are for whoever checks tokens in another way.
var unprovoked = map[reason.Word]string{
	reason.TokenInactive:    "the routes ask no introspection endpoint",
	reason.TokenCheckFailed: "likewise",
	reason.KeysUnavailable:  "a server has its keys at hand; TestReasonsOfResources has one that has not",
}

// provoked are the requests of provoked_*_test.go.
func provoked() []provocation {
	return slices.Concat(provokedRequests, provokedClients, provokedUsers, provokedAuthorizations, provokedCodes, provokedTokens, provokedPages, provokedFaults)
}

// Every reason of the table is had by real requests, and nothing is refused without telling log, audit log and caller of it as
// the table says.
func TestReasons(t *testing.T) {
	left := map[reason.Word]bool{}
	for _, g := range reason.Groups() {
		for _, e := range g.Entries {
			left[e.Word] = unprovoked[e.Word] == ""
		}
	}
	for _, p := range provoked() {
		left[p.reason] = false
		t.Run(strings.TrimSuffix(string(p.reason)+"/"+p.name, "/"), func(t *testing.T) {
			s := withApps(t, p.change)
			p.check(t, s, p.refused(t, s))
		})
	}
	for _, word := range slices.Sorted(maps.Keys(left)) {
		if left[word] {
			t.Errorf("no request provokes %s", word)
		}
	}
}

func (p provocation) change(o *server.Options) {
	if p.options != nil {
		p.options(o)
	}
}

func (p provocation) check(t *testing.T, s *system, res reply) {
	t.Helper()
	id := res.Header.Get("X-Request-Id")
	rec := s.recordOf(res)
	if rec["reason"] != string(p.reason) {
		t.Fatalf("the log has reason %v, cause %v; the answer is %d %s", rec["reason"], rec["cause"], res.StatusCode, res.body)
	}
	if !tells(t, p.reason, res) {
		t.Errorf("answered %d %s %s, which the table does not have", res.StatusCode, res.Header.Get("Location"), res.body)
	}
	if res.JSON != nil && res.str("request_id") != id || res.JSON["explanation"] != nil {
		t.Errorf("request %s: %s", id, res.body)
	}
	if rec["route"] == "none" || res.StatusCode == http.StatusServiceUnavailable || p.reason == reason.Panic {
		return // nobody decided on it, or there is no database
	}
	detail := s.refusalOf(t, id).Detail
	if detail["reason"] != string(p.reason) || detail["description"] == nil {
		t.Errorf("the audit log has %v", detail)
	}
	if cause, ok := detail["cause"].(string); ok && strings.Contains(fmt.Sprint(detail["description"]), cause) {
		t.Errorf("the cause says again that %s", cause)
	}
	if slices.Contains(untold, p.reason) && detail["cause"] != nil {
		t.Errorf("the reason says it all, and the cause is %v", detail["cause"])
	}
	if cause := fmt.Sprint(detail["cause"]); p.name == "" && !strings.Contains(cause, causes[p.reason]) {
		t.Errorf("cause %s, want %q in it", cause, causes[p.reason])
	}
}

// tells is whether an answer is one of those that the table has.
func tells(t *testing.T, word reason.Word, res reply) bool {
	t.Helper()
	entry, ok := reason.Find(word)
	if !ok {
		t.Fatalf("%s is not in the table", word)
	}
	switch {
	case res.StatusCode == http.StatusNoContent: // it tells by what it has not
		return res.Header.Get("Access-Control-Allow-Origin") == ""
	case res.JSON != nil:
		return slices.Contains(entry.Answers, fmt.Sprintf("%d %s", res.StatusCode, res.str("error")))
	case res.StatusCode == http.StatusSeeOther:
		return entry.Tells(res.answer(t).Get("error"))
	case res.StatusCode == http.StatusUnprocessableEntity: // a form that is shown again
		return true
	}
	return slices.ContainsFunc(entry.Answers, func(answer string) bool {
		status, code, _ := strings.Cut(answer, " ")
		return status == fmt.Sprint(res.StatusCode) && strings.Contains(res.body, code) && strings.Contains(res.body, res.Header.Get("X-Request-Id"))
	})
}

// refusalOf is the event of a request that was refused.
func (s *system) refusalOf(t *testing.T, id string) store.StoredEvent {
	t.Helper()
	s.srv.FlushEvents(t.Context())
	events, err := s.db.Events(t.Context(), store.EventFilter{RequestID: id})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		if e.Type == "request.refused" || e.Type == "login.refused" {
			return e
		}
	}
	t.Fatalf("the audit log has %d events of request %s, and no refusal", len(events), id)
	return store.StoredEvent{}
}

// Who must not be told apart is told the same, though the operator sees which it was.
func TestReasonsThatLookAlike(t *testing.T) {
	for _, alike := range [][]reason.Word{
		{reason.UserUnknown, reason.WrongPassword, reason.UserDisabled},
		{reason.ClientUnknown, reason.ClientSecretWrong, reason.ClientSecretMissing, reason.ClientSecretUnexpected, reason.ClientSecretMiscopied},
		{reason.ScopeUnknown, reason.ScopeNotForClient},
		{reason.VerifierMismatch, reason.VerifierMalformed},
	} {
		var want string
		for _, word := range alike {
			i := slices.IndexFunc(provoked(), func(p provocation) bool { return p.reason == word && p.name == "" })
			if i < 0 {
				t.Fatalf("no request provokes %s", word)
			}
			s := withApps(t)
			got := strings.ReplaceAll(provoked()[i].refused(t, s).wire(), "admin", "magic") // the scope that was asked for
			if want == "" {
				want = got
			}
			if got != want {
				t.Errorf("%s\n%s\nis not\n%s", word, got, want)
			}
		}
	}
}
