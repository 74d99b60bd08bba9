package scopes

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	// metadataInterval is how often the metadata is looked at again; sooner when what it names cannot be had (provider.doubt).
	metadataInterval = time.Hour
	// fallbackInterval is that of a document at another address than the first: something between may have said by
	// mistake that there is none.
	fallbackInterval = 5 * time.Minute
)

// serverMetadata is what matters to a resource service of the document of RFC 8414 §2.
type serverMetadata struct {
	issuer            string
	jwksURI           string // empty when not there; else checkAddress has passed it
	revocationListURI string // likewise; a member of grantd's own

	introspectionEndpoint    string   // as it was sent: checkAddress before use
	introspectionAuthMethods []string // nil when not there
}

// readMetadata reads the document of an issuer.
func readMetadata(data []byte, issuer string) (*serverMetadata, error) {
	m := new(serverMetadata)
	if err := eachMember(data, m.take); err != nil {
		return nil, err
	}
	// RFC 8414 §3.3: it MUST be identical to the issuer that was asked for, or nothing of it is used: nobody
	// speaks for another issuer, such as one tenant of a host for the next.
	if m.issuer != issuer {
		return nil, fmt.Errorf("it is that of the issuer %q, not of %q: configure it exactly as the issuer writes itself", shorten(m.issuer, 200), issuer)
	}
	var problems []error
	for _, to := range []struct{ name, address string }{{"jwks_uri", m.jwksURI}, {"revocation_list_uri", m.revocationListURI}} {
		if to.address != "" {
			problems = append(problems, m.checkAddress(to.name, to.address))
		}
	}
	return m, errors.Join(problems...)
}

func (m *serverMetadata) take(name string, value []byte) error {
	ok := true
	switch name {
	case "issuer":
		m.issuer, ok = text(value)
	case "jwks_uri":
		m.jwksURI, ok = text(value)
	case "revocation_list_uri":
		m.revocationListURI, ok = text(value)
	case "introspection_endpoint":
		m.introspectionEndpoint, ok = text(value)
	case "introspection_endpoint_auth_methods_supported":
		m.introspectionAuthMethods, ok = texts(value)
	}
	if !ok {
		return fmt.Errorf("its %s is of the wrong type", name)
	}
	return nil
}

// checkAddress is checkURL for what the metadata names. Only an issuer on loopback has addresses there.
func (m *serverMetadata) checkAddress(name, address string) error {
	if err := checkURL(name, address); err != nil {
		return err
	}
	if isHTTPS(m.issuer) && !isHTTPS(address) {
		return fmt.Errorf("%s is no https URL, as the issuer is", name)
	}
	issuer, err := url.Parse(m.issuer)
	if err != nil {
		return err
	}
	u, err := url.Parse(address)
	switch {
	case err != nil:
		return err
	case u.User != nil:
		return fmt.Errorf("%s has a user or password", name)
	case loopback(u.Hostname()) && !loopback(issuer.Hostname()):
		return fmt.Errorf("%s is an address of this machine, and the issuer is elsewhere", name)
	}
	return nil
}

func isHTTPS(address string) bool {
	u, err := url.Parse(address)
	return err == nil && u.Scheme == "https"
}

// checkIssuer: RFC 8414 §2: an https URL without query and fragment. It is compared byte by byte with the claim iss.
func checkIssuer(issuer string) error {
	if err := checkURL("the issuer", issuer); err != nil {
		return err
	}
	u, err := url.Parse(issuer)
	switch {
	case err != nil || u.User != nil:
		return errors.New("the issuer: leave out user and password")
	case u.Hostname() == "" || strings.Contains(u.Host, "%"):
		return fmt.Errorf("the issuer: %q: give the name of a host, or its address without a zone", issuer)
	}
	if strings.ContainsAny(issuer, "?#") {
		return fmt.Errorf("the issuer: %q: leave out query and fragment", issuer)
	}
	return nil
}

// metadataURLs are where the metadata of an issuer may be, in the order to look.
func metadataURLs(issuer string) []string {
	u, err := url.Parse(issuer)
	if err != nil {
		return nil // checkIssuer has passed it
	}
	const oauth, openid = "/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"
	host := u.Scheme + "://" + u.Host
	path := strings.TrimSuffix(u.EscapedPath(), "/") // RFC 8414 §3.1: any terminating "/" MUST be removed
	if path == "" {
		return []string{host + oauth, host + openid}
	}
	// RFC 8414 §3.1 inserts the name between host and path; OpenID Connect Discovery §4 appends its own, and
	// RFC 8414 §5 inserts that, too.
	return []string{host + oauth + path, host + path + openid, host + openid + path}
}

// provider follows the metadata of one issuer.
type provider struct {
	follower[heldMetadata]
	issuer     string
	urls       []string
	fetch      *fetcher
	complaints *complaints
}

type heldMetadata struct {
	document  *serverMetadata // nil before the first
	listed    bool            // some document named a list of revocations
	validator validator
}

// interval is how long it is good for.
func (h *heldMetadata) interval(first string) time.Duration {
	if h.validator.url == first {
		return metadataInterval
	}
	return fallbackInterval
}

// newProvider makes the provider of an issuer that checkIssuer has passed. It knows nothing until run.
func newProvider(issuer string, transport http.RoundTripper, onError func(error)) *provider {
	p := &provider{issuer: issuer, urls: metadataURLs(issuer), fetch: newFetcher(transport), complaints: newComplaints(onError)}
	p.init()
	p.get = p.look
	return p
}

// metadata gives what is known. Only before anything is, it waits, and not for long. The error is that of the last
// attempt.
func (p *provider) metadata(ctx context.Context) (*serverMetadata, error) {
	last, err := p.current(ctx)
	if err != nil {
		return nil, err
	}
	if last.value.document == nil {
		return nil, last.err
	}
	return last.value.document, nil
}

// doubt is for who could not use an address of the metadata: it may have changed.
func (p *provider) doubt() { p.ask(p.last.Load()) }

// look fetches the metadata once.
func (p *provider) look(ctx context.Context, held heldMetadata) (heldMetadata, time.Duration, error) {
	next, err := p.search(ctx, held)
	if err != nil {
		err = fmt.Errorf("fetch metadata: %w", err)
	}
	if ctx.Err() == nil {
		p.complaints.about("metadata", err)
	}
	return next, next.interval(p.urls[0]), err
}

// search tries one address after the other, until one has a document or fails in a way that says nothing about the next.
func (p *provider) search(ctx context.Context, held heldMetadata) (heldMetadata, error) {
	var absent []string
	for _, address := range p.urls {
		a, err := p.fetch.get(ctx, address, metadataDocument, held.validator)
		switch {
		case isAbsent(err):
			absent = append(absent, err.Error())
			continue
		case err != nil || a.unchanged:
			return held, err
		}
		document, err := readMetadata(a.body, p.issuer)
		if err != nil {
			return held, fmt.Errorf("%s is refused: %w", address, err)
		}
		return heldMetadata{document, held.listed || document.revocationListURI != "", a.validator}, nil
	}
	return held, errors.New(strings.Join(absent, "; "))
}

// isAbsent is whether the server has no document at an address. Not all servers say 404 then. Any other answer, such as
// 403 of a gateway, says nothing about it: to go on would be to take a document without a list of revocations for it.
func isAbsent(err error) bool {
	var answer *statusError
	if !errors.As(err, &answer) {
		return false
	}
	switch answer.status {
	case http.StatusNotFound, http.StatusGone, http.StatusBadRequest, http.StatusMethodNotAllowed:
		return true
	}
	return false
}
