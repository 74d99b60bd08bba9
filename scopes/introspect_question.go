package scopes

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

const (
	introspectTimeout = 5 * time.Second // from the look at the metadata to the last byte of the answer
	maxIntrospection  = 64 << 10        // bytes
)

// question puts one question. No claims and no error: the token is not active.
func (i *Introspector) question(ctx context.Context, token string) (claims *Claims, err error) {
	defer func() {
		// Here no handler's recover of net/http saves the process from a fault in a Transport.
		if fault := recover(); fault != nil {
			err = fmt.Errorf("a panic while the issuer is asked: %s", shorten(fmt.Sprint(fault), 300))
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, introspectTimeout)
	defer cancel()
	body, err := i.post(ctx, token)
	if err != nil {
		return nil, err
	}
	return readIntrospection(body, i.expected.issuer)
}

func (i *Introspector) post(ctx context.Context, token string) ([]byte, error) {
	req, err := i.request(ctx, token)
	if err != nil {
		return nil, err
	}
	resp, err := i.provider.fetch.client.Do(req)
	if err != nil {
		return nil, shortened{err}
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusOK:
	case http.StatusUnauthorized, http.StatusForbidden: // RFC 7662 §2.3
		return nil, fmt.Errorf("%s answers %d: the client %q is unknown, has another secret or may not introspect", req.URL.Redacted(), resp.StatusCode, i.options.ClientID)
	default:
		return nil, &statusError{req.URL.Redacted(), resp.StatusCode}
	}
	body, err := readBody(resp, maxIntrospection)
	if err != nil {
		return nil, fmt.Errorf("%s %w", req.URL.Redacted(), err)
	}
	return body, nil
}

// request is the question of RFC 7662 §2.1.
func (i *Introspector) request(ctx context.Context, token string) (*http.Request, error) {
	m, err := i.provider.metadata(ctx)
	if err != nil {
		return nil, err
	}
	if err := m.checkAddress("introspection_endpoint", m.introspectionEndpoint); err != nil {
		return nil, fmt.Errorf("the metadata of %s: %w", i.provider.issuer, err)
	}
	form := url.Values{"token": {token}, "token_type_hint": {"access_token"}}
	basic, err := m.introspectsBasic()
	if err != nil {
		return nil, fmt.Errorf("the metadata of %s: %w", i.provider.issuer, err)
	}
	if !basic {
		form.Set("client_id", i.options.ClientID)
		form.Set("client_secret", i.options.ClientSecret)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, m.introspectionEndpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	if basic { // RFC 6749 §2.3.1: both halves are form-encoded first.
		req.SetBasicAuth(url.QueryEscape(i.options.ClientID), url.QueryEscape(i.options.ClientSecret))
	}
	return req, nil
}

// introspectsBasic is whether the introspection endpoint is shown the client's secret in the header, else in the form.
func (m *serverMetadata) introspectsBasic() (bool, error) {
	methods := m.introspectionAuthMethods
	switch {
	// RFC 8414 §2 leaves open what holds where nothing is said; Basic is what each server supports (RFC 6749 §2.3.1).
	case methods == nil, slices.Contains(methods, "client_secret_basic"):
		return true, nil
	case slices.Contains(methods, "client_secret_post"):
		return false, nil
	}
	return false, errors.New("its introspection endpoint supports neither client_secret_basic nor client_secret_post")
}

// readIntrospection reads an answer of RFC 7662 §2.2. No claims and no error: the token is not active.
func readIntrospection(body []byte, issuer string) (*Claims, error) {
	// Of body a copy, without the room that it was read into. And iss is OPTIONAL: it is he who answers.
	c := &Claims{Payload: bytes.Clone(body), Issuer: issuer}
	active, bearer, told := false, true, false
	err := eachMember(body, func(name string, value []byte) error {
		switch name {
		case "active":
			active, told = string(value) == "true", string(value) == "true" || string(value) == "false"
			return nil
		case "token_type":
			kind, ok := text(value)
			bearer = ok && strings.EqualFold(kind, "Bearer") // RFC 6749 §7.1; not a refresh token
			return nil
		}
		return c.set(name, string(value)) // not a piece of all, which would be kept beside Payload
	})
	switch {
	case err != nil:
		return nil, fmt.Errorf("the answer of the introspection endpoint cannot be read: %w", err)
	case !told: // RFC 7662 §2.2: REQUIRED
		return nil, errors.New(`the answer of the introspection endpoint has no member "active" that is true or false`)
	case !active || !bearer:
		return nil, nil
	}
	return c, nil
}
