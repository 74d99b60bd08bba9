package docs_test

import (
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

const appAddress = "localhost:8003" // as the documents write it

// runApp starts an app of the documents, and signs johndoe in there.
func runApp(t *testing.T, issuer string, b block) {
	t.Helper()
	address := "localhost:" + freePort(t)
	serve(t, command(t, t.TempDir(), program(t, issuer, strings.ReplaceAll(b.text, appAddress, address))), address)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar}
	page := browse(t)(browser.Get("http://" + address + "/"))
	page = browse(t)(submit(browser, page, url.Values{"username": {"johndoe"}, "password": {"secret"}}))
	page = browse(t)(submit(browser, page, url.Values{"decision": {"allow"}}))
	if want := `You allowed: openid profile me items. Your items: [{"item_id":"Foo"`; !strings.Contains(page.text, want) {
		t.Errorf("at %s: %s", page.url, page.text)
	}
}

// page is where a browser is.
type page struct {
	url  *url.URL
	text string
}

func browse(t *testing.T) func(*http.Response, error) page {
	return func(res *http.Response, err error) page {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return page{res.Request.URL, string(text)}
	}
}

var (
	formTag  = regexp.MustCompile(`(?s)<form[^>]*\saction="([^"]*)"[^>]*>(.*?)</form>`)
	inputTag = regexp.MustCompile(`<input[^>]*>`)
	nameOf   = regexp.MustCompile(`\sname="([^"]*)"`)
	valueOf  = regexp.MustCompile(`\svalue="([^"]*)"`)
)

// submit sends the first form of a page, with its fields as they are but for those that are filled in.
func submit(browser *http.Client, from page, filled url.Values) (*http.Response, error) {
	form := formTag.FindStringSubmatch(from.text)
	if form == nil {
		return nil, &url.Error{Op: "submit", URL: from.url.String(), Err: io.ErrUnexpectedEOF}
	}
	fields := url.Values{}
	for _, tag := range inputTag.FindAllString(form[2], -1) {
		name, value := nameOf.FindStringSubmatch(tag), valueOf.FindStringSubmatch(tag)
		if name != nil && value != nil && !strings.Contains(tag, "disabled") {
			fields.Add(name[1], html.UnescapeString(value[1]))
		}
	}
	for name, values := range filled {
		fields[name] = values
	}
	to, err := from.url.Parse(html.UnescapeString(form[1]))
	if err != nil {
		return nil, err
	}
	return browser.PostForm(to.String(), fields)
}
