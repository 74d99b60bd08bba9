package scopes_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/grantd/grantd/scopes"
)

// What a service adds to the body of its refusals cannot hide the error.
func TestMembersOfARefusal(t *testing.T) {
	for name, members := range map[string]map[string]any{
		"more":          {"request_id": "r1"},
		"over the code": {"error": "none", "error_description": 7, "request_id": "r1"},
		"not JSON":      {"request_id": make(chan int)},
	} {
		t.Run(name, func(t *testing.T) {
			guard := scopes.Guard{
				Verifier: staff{}, Realm: "r",
				Members: func(*http.Request, *scopes.Error) map[string]any { return members },
			}
			res := httptest.NewRecorder()
			guard.Require("me")(http.NotFoundHandler()).ServeHTTP(res, httptest.NewRequest("GET", "/", nil))
			var body map[string]any
			if err := json.Unmarshal(res.Body.Bytes(), &body); err != nil || body["error"] != "invalid_token" || res.Code != 401 {
				t.Errorf("%d %s", res.Code, res.Body)
			}
			if name != "not JSON" && (body["request_id"] != "r1" || len(body) != 3) {
				t.Errorf("%s", res.Body)
			}
		})
	}
}
