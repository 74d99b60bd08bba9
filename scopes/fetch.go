package scopes

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	fetchTimeout = 10 * time.Second // from the dial to the last byte of the body
	maxURLBytes  = 2048
	maxTagBytes  = 256
)

// document is a kind of document that is fetched.
type document struct {
	accept string
	limit  int // bytes of the body, after decompression
}

var (
	metadataDocument = document{"application/json", 256 << 10}
	jwksDocument     = document{"application/jwk-set+json, application/json", 1 << 20} // RFC 7517 §8.5.2
	listDocument     = document{"application/revocations+jwt", 16 << 20}
)

// fetcher gets documents of an issuer, whatever he sends, in bounded time and memory.
type fetcher struct{ client *http.Client }

func newFetcher(t http.RoundTripper) *fetcher {
	return &fetcher{&http.Client{
		Timeout:   fetchTimeout,
		Transport: t,
		// A redirect could lead from the issuer's https URL to anyone's. It counts as the status that it is.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// checkURL: RFC 8414 §2: the jwks_uri MUST use https. Who can change the keys can sign.
func checkURL(what, raw string) error {
	if len(raw) > maxURLBytes {
		return fmt.Errorf("%s is longer than %d bytes", what, maxURLBytes)
	}
	u, err := url.Parse(raw)
	if err != nil {
		return fmt.Errorf("%s is no URL: %w", what, errors.Unwrap(err)) // what it wraps does not repeat the URL
	}
	if u.Host != "" && (u.Scheme == "https" || u.Scheme == "http" && loopback(u.Hostname())) {
		return nil
	}
	return fmt.Errorf("%s: %q: give an https URL (http is for loopback addresses only)", what, u.Redacted())
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// validator names the copy of a document that is held, for the question whether it changed.
type validator struct{ url, etag string }

// answer is a document, or that the copy held is still the document.
type answer struct {
	unchanged bool
	body      []byte
	validator validator
	lifetime  time.Duration // how long it may be used from now on (RFC 9111); negative when not said
	age       time.Duration // how long ago the issuer answered, if a cache in between did now
}

// statusError is any answer that is neither a document nor 304.
type statusError struct {
	url    string
	status int
}

func (e *statusError) Error() string {
	text := fmt.Sprintf("%s answers %d %s", e.url, e.status, http.StatusText(e.status))
	if e.status >= 300 && e.status < 400 {
		text += ": redirects are not followed, configure the final URL"
	}
	return text
}

// get asks for a document. Its errors name the URL and never hold what was sent.
func (f *fetcher) get(ctx context.Context, from string, d document, held validator) (*answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, from, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", d.accept)
	conditional := held.etag != "" && held.url == from
	if conditional {
		req.Header.Set("If-None-Match", held.etag) // RFC 9110 §13.1.2
	}
	resp, err := f.client.Do(req)
	if err != nil {
		return nil, shortened{err}
	}
	defer resp.Body.Close()
	a := &answer{validator: held}
	a.lifetime, a.age = freshness(resp.Header)
	if a.unchanged = conditional && resp.StatusCode == http.StatusNotModified; a.unchanged {
		return a, nil
	}
	if resp.StatusCode != http.StatusOK {
		return nil, &statusError{req.URL.Redacted(), resp.StatusCode}
	}
	a.validator = validator{from, entityTag(resp.Header.Get("ETag"))}
	if a.body, err = readBody(resp, d.limit); err != nil {
		return nil, fmt.Errorf("%s %w", req.URL.Redacted(), err)
	}
	return a, nil
}

// readBody stops at the limit, however long the body is or says it is. net/http decompresses on the way, so the limit holds
// for what comes out.
func readBody(resp *http.Response, limit int) ([]byte, error) {
	if resp.ContentLength > int64(limit) {
		return nil, fmt.Errorf("sends %d bytes, more than %d bytes are not read", resp.ContentLength, limit)
	}
	body := bytes.NewBuffer(make([]byte, 0, max(0, resp.ContentLength)+bytes.MinRead))
	_, err := body.ReadFrom(io.LimitReader(resp.Body, int64(limit)+1))
	if body.Len() > limit {
		return nil, fmt.Errorf("sends more than %d bytes", limit)
	}
	if err != nil {
		return nil, fmt.Errorf("breaks off: %w", err)
	}
	return body.Bytes(), nil
}

// shortened is an error of net/http, which may quote as much as the other side cares to send.
type shortened struct{ error }

func (e shortened) Error() string { return shorten(e.error.Error(), 300) }
func (e shortened) Unwrap() error { return e.error }

func shorten(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return s[:most] + "..."
}

// entityTag is tag if it can be sent back (RFC 9110 §8.8.3), else nothing.
func entityTag(tag string) string {
	opaque, quoted := strings.CutPrefix(strings.TrimPrefix(tag, "W/"), `"`)
	opaque, closed := strings.CutSuffix(opaque, `"`)
	odd := func(r rune) bool { return r < 0x21 || r == '"' || r > 0x7e }
	if !quoted || !closed || len(tag) > maxTagBytes || strings.ContainsFunc(opaque, odd) {
		return ""
	}
	return tag
}

// freshness reads how long a document may be used: max-age (RFC 9111 §5.2.2.1) less its age in caches (§4.2.3).
func freshness(h http.Header) (lifetime, age time.Duration) {
	age, lifetime = answerAge(h.Get("Age")), -1
	for directive := range strings.SplitSeq(strings.Join(h.Values("Cache-Control"), ","), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(directive), "=")
		switch strings.ToLower(name) {
		case "no-store", "no-cache":
			return 0, age
		case "max-age":
			// RFC 9111 §4.2.1: what is invalid counts as stale; of several values, the shortest.
			said := max(0, deltaSeconds(strings.Trim(value, `"`)))
			if lifetime < 0 || said < lifetime {
				lifetime = said
			}
		}
	}
	if lifetime >= 0 {
		lifetime = max(0, lifetime-age)
	}
	return lifetime, age
}

// answerAge: RFC 9111 §5.1: of several ages the first counts. What is none is taken for a day: nobody knows how old.
func answerAge(header string) time.Duration {
	if header == "" {
		return 0
	}
	first, _, _ := strings.Cut(header, ",")
	if age := deltaSeconds(strings.TrimSpace(first)); age >= 0 {
		return age
	}
	return 24 * time.Hour
}

// deltaSeconds: RFC 9111 §1.2.2. What is too large for anybody counts as 2^31 seconds, what is none as -1.
func deltaSeconds(s string) time.Duration {
	n, err := strconv.ParseUint(s, 10, 31)
	switch {
	case errors.Is(err, strconv.ErrRange):
		return 1 << 31 * time.Second
	case err != nil:
		return -1
	}
	return time.Duration(n) * time.Second
}

// complaints passes on what is wrong, each only when it is news, and what comes and goes once a minute: strangers may
// know how to bring it about.
type complaints struct {
	tell func(error) // called by one goroutine at a time

	mu   sync.Mutex
	last map[string]complaint // by subject
}

type complaint struct {
	text     string
	told     time.Time
	standing bool // nothing has been well since
}

func newComplaints(tell func(error)) *complaints {
	return &complaints{tell: tell, last: map[string]complaint{}}
}

// about takes what is wrong with a subject now; nil when all is well.
func (c *complaints) about(subject string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	last := c.last[subject]
	if err == nil {
		last.standing = false
		c.last[subject] = last
		return
	}
	text := withoutNumbers(err.Error())
	// One that is held back is not standing: if it lasts, it is told after the minute.
	if last.text == text && (last.standing || time.Since(last.told) < time.Minute) {
		return
	}
	c.last[subject] = complaint{text, time.Now(), true}
	if c.tell != nil {
		c.tell(err)
	}
}

// withoutNumbers: with another port or another date it is the same complaint.
func withoutNumbers(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return -1
		}
		return r
	}, s)
}
