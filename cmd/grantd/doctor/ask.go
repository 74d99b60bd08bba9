package doctor

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	maxBody    = 1 << 20
	maxWait    = 10 * time.Second // that a Retry-After is honoured for
	formType   = "application/x-www-form-urlencoded"
	someOrigin = "https://doctor.invalid" // RFC 2606 §2: nobody's
)

// reply is an answer that was read whole.
type reply struct {
	status int
	header http.Header
	body   []byte
	at     *url.URL
	secure *tls.ConnectionState
}

// get asks without cookies.
func (e *exam) get(ctx context.Context, target string, edits ...func(*http.Request)) (*reply, error) {
	return e.ask(ctx, http.MethodGet, target, nil, nil, edits...)
}

// post sends a form without cookies.
func (e *exam) post(ctx context.Context, target string, form url.Values, edits ...func(*http.Request)) (*reply, error) {
	return e.ask(ctx, http.MethodPost, target, form, nil, edits...)
}

// ask sends one request and follows no redirect. A server that is busy and says for how long is asked once more.
func (e *exam) ask(ctx context.Context, method, target string, form url.Values, jar http.CookieJar, edits ...func(*http.Request)) (*reply, error) {
	u, err := url.Parse(target)
	if err != nil {
		return nil, errors.New("the server names a URL that is none")
	}
	if err := e.mayAsk(u); err != nil {
		return nil, err
	}
	r, err := e.send(ctx, method, u, form, jar, edits)
	if err != nil || r.status != http.StatusTooManyRequests && r.status != http.StatusServiceUnavailable {
		return r, err
	}
	seconds, err := strconv.Atoi(r.header.Get("Retry-After"))
	wait := time.Duration(seconds) * time.Second
	if err != nil || wait < 0 || wait > maxWait {
		return nil, fmt.Errorf("the server is too busy to be examined: %s", statusText(r.status))
	}
	if err := sleep(ctx, wait); err != nil {
		return nil, err
	}
	r, err = e.send(ctx, method, u, form, jar, edits)
	if err == nil && (r.status == http.StatusTooManyRequests || r.status == http.StatusServiceUnavailable) {
		return nil, fmt.Errorf("the server is too busy to be examined: %s", statusText(r.status))
	}
	return r, err
}

// mayAsk refuses URLs that would carry what we say in the clear, except to this machine, where the issuer is, too.
func (e *exam) mayAsk(u *url.URL) error {
	switch {
	case u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return errors.New("the server names a URL that is none of http")
	case u.Scheme == "http" && !(isLoopback(u.Hostname()) && isLoopback(e.issuer.Hostname())):
		return errors.New("nothing is sent over plain http to another machine")
	}
	return nil
}

func (e *exam) send(ctx context.Context, method string, u *url.URL, form url.Values, jar http.CookieJar, edits []func(*http.Request)) (*reply, error) {
	if err := e.count(ctx); err != nil {
		return nil, err
	}
	timed, cancel := context.WithTimeout(ctx, e.Patience)
	defer cancel()
	r, err := http.NewRequestWithContext(timed, method, u.String(), strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	if form == nil {
		r.Body, r.ContentLength = http.NoBody, 0
	} else {
		r.Header.Set("Content-Type", formType)
	}
	r.Header.Set("User-Agent", "grantd-doctor")
	for _, edit := range edits {
		edit(r)
	}
	client := http.Client{Transport: e.transport, Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(r)
	if err != nil {
		return nil, e.plain(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxBody+1))
	switch {
	case err != nil:
		return nil, e.plain(err)
	case len(body) > maxBody:
		return nil, fmt.Errorf("the answer of %s is longer than 1 MiB", u.EscapedPath())
	}
	if e.secure == nil {
		e.secure = res.TLS
	}
	return &reply{res.StatusCode, res.Header, body, u, res.TLS}, nil
}

// count is before each request: it spares the server, and ends what has no end.
func (e *exam) count(ctx context.Context) error {
	if e.sent >= e.Requests {
		return fmt.Errorf("%d requests were sent, and no more are", e.Requests)
	}
	e.sent++
	return sleep(ctx, e.pause)
}

// plain is an error without the URL, whose query may be secret.
func (e *exam) plain(err error) error {
	var of *url.Error
	if !errors.As(err, &of) {
		return err
	}
	if of.Timeout() {
		return fmt.Errorf("no answer within %v", e.Patience)
	}
	return of.Err
}

// sleep ends early with ctx.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (r *reply) isJSON() bool {
	kind, _, err := mime.ParseMediaType(r.header.Get("Content-Type"))
	return err == nil && (kind == "application/json" || strings.HasSuffix(kind, "+json"))
}

// object is the JSON object of the body, nil if it is none.
func (r *reply) object() map[string]any {
	var v map[string]any
	dec := json.NewDecoder(bytes.NewReader(r.body))
	if dec.Decode(&v) != nil {
		return nil
	}
	return v
}

func (r *reply) str(name string) string {
	s, _ := r.object()[name].(string)
	return s
}

// says is the answer in short: "400 invalid_grant".
func (r *reply) says() string {
	if code := r.str("error"); code != "" {
		return fmt.Sprintf("%d %s", r.status, clip(code, 40))
	}
	return statusText(r.status)
}

// noStore is whether caches must not keep the answer.
func (r *reply) noStore() bool {
	return strings.Contains(strings.ToLower(strings.Join(r.header.Values("Cache-Control"), ",")), "no-store")
}
