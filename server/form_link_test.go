package server_test

import (
	"net/http"
	"strings"
	"testing"
)

// Whatever an app had posted went on in a link, where histories and logs keep it.
func TestPostedRequestsBecomeLinksOfWhatIsKnown(t *testing.T) {
	s := withApps(t)
	for _, path := range []string{"/authorize", "/logout"} {
		t.Run("6749-3.1 unknown parameters are left out "+path, func(t *testing.T) {
			res := s.post(path, form("client_id", "spa", "state", "x y", "note", "private"), from(otherSite))
			if to := res.Header.Get("Location"); res.StatusCode != http.StatusSeeOther || to != path+"?client_id=spa&state=x+y" {
				t.Errorf("%d to %q", res.StatusCode, to)
			}
		})
		for _, name := range []string{"client_secret", "password", "code_verifier", "access_token", "refresh_token"} {
			t.Run("9700-4.3.2 "+name+" "+path, func(t *testing.T) {
				res := s.post(path, form("client_id", "spa", name, "s3cret"), from(otherSite))
				res.wantPage(t, http.StatusBadRequest)
				if strings.Contains(res.body+res.Header.Get("Location")+s.log.String(), "s3cret") {
					t.Error("the secret went on")
				}
			})
		}
	}
}
