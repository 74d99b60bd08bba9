package server

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/grantd/grantd/server/reason"
	"github.com/grantd/grantd/store"
)

// credentials are what a request says of the client that sent it.
type credentials struct {
	id, secret string
	basic      bool   // they came in the Authorization header
	undecoded  string // the secret as it stood there
}

// none reports whether the request names no client.
func (c credentials) none() bool { return c.id == "" && c.secret == "" }

// refuse words a refusal. RFC 6749 §5.2: a client that tried the Authorization
// header is answered with the scheme it tried.
func (c credentials) refuse(why reason.Word, hint string) *Error {
	e := badClient(why, hint)
	if c.basic {
		e.Challenge = basicChallenge
	}
	return e
}

// readCredentials finds the client's id and secret in the header or the form.
// RFC 6749 §2.3: a client uses one method of authentication in one request.
func readCredentials(r *http.Request, form url.Values) (credentials, error) {
	header, err := readBasic(r.Header.Values("Authorization"))
	if err != nil {
		return credentials{}, err
	}
	body := credentials{id: form.Get("client_id"), secret: form.Get("client_secret")}
	asserted := form.Has("client_assertion") || form.Has("client_assertion_type") // RFC 7521 §4.2
	switch {
	case moreThanOne(!header.none(), body.secret != "", asserted):
		return credentials{}, badRequest(reason.ClientAuthTwice, "two client authentication methods in one request; use Basic or client_secret, not both")
	case asserted:
		return credentials{}, badClient(reason.ClientAssertion, "client assertions are not supported; authenticate with a secret")
	case header.none():
		return body, nil
	case body.id != "" && body.id != header.id:
		return credentials{}, badRequest(reason.ClientIDDiffers, "client_id differs from the client of the Authorization header")
	}
	return header, nil
}

func moreThanOne(given ...bool) bool {
	n := 0
	for _, g := range given {
		if g {
			n++
		}
	}
	return n > 1
}

// readBasic reads HTTP Basic (RFC 7617). RFC 6749 §2.3.1: id and secret are
// form-url-encoded before they are joined. A bearer token is no client
// authentication and is passed over: apps put it into every request they make.
func readBasic(headers []string) (credentials, error) {
	if len(headers) == 0 {
		return credentials{}, nil
	}
	if len(headers) > 1 {
		return credentials{}, badRequest(reason.AuthorizationRepeated, "the Authorization header is given more than once")
	}
	scheme, value, _ := strings.Cut(headers[0], " ")
	switch {
	case strings.EqualFold(scheme, "Bearer"), headers[0] == "":
		return credentials{}, nil
	case !strings.EqualFold(scheme, "Basic"):
		return credentials{}, credentials{basic: true}.refuse(reason.ClientAuthSchemeUnknown, "unknown client authentication scheme; use Basic")
	}
	return decodeBasic(strings.TrimLeft(value, " "))
}

func decodeBasic(value string) (credentials, error) {
	plain, err := base64.StdEncoding.DecodeString(value)
	if err != nil {
		return credentials{}, malformedBasic()
	}
	id, secret, found := strings.Cut(string(plain), ":")
	if !found {
		return credentials{}, malformedBasic()
	}
	c := credentials{basic: true, undecoded: secret}
	if c.id, err = url.QueryUnescape(id); err != nil {
		return credentials{}, malformedBasic()
	}
	if c.secret, err = url.QueryUnescape(secret); err != nil {
		return credentials{}, malformedBasic()
	}
	if !cleanText(c.id) || !cleanText(c.secret) { // RFC 6749 A.1, A.2; not every database takes such text
		return credentials{}, malformedBasic()
	}
	return c, nil
}

func malformedBasic() error {
	return credentials{basic: true}.refuse(reason.BasicMalformed, "the Basic credentials are malformed; send base64(urlencode(client_id):urlencode(client_secret))")
}

// fallback gives the client of a request that names none, or refuses it.
type fallback func() (clientID string, err error)

func noFallback() (string, error) {
	return "", badClient(reason.ClientMissing, "the request names no client; send client_id, or authenticate with Basic")
}

// authenticateClient proves which client sent the request (RFC 6749 §3.2.1).
func (s *Server) authenticateClient(r *http.Request, form url.Values, unnamed fallback) (*store.Client, error) {
	given, err := readCredentials(r, form)
	if err == nil && given.none() {
		given.id, err = unnamed()
	}
	if err != nil {
		return nil, err
	}
	client, err := s.proveClient(r.Context(), given)
	if err != nil {
		return nil, err
	}
	recordOf(r.Context()).client = client.ID
	return client, s.limitClient(r, client)
}

// proveClient checks the secret, or that a public client sends none. Unknown
// client and wrong secret are one answer.
func (s *Server) proveClient(ctx context.Context, given credentials) (*store.Client, error) {
	if miscopied(given.secret) { // it is nobody's: the database need not be asked
		if known := s.clients.get(given.id, s.Now()); known != nil { // for the log, where the id may be a secret in the wrong field
			recordOf(ctx).claimed = known.ID
		}
		return nil, given.refuse(reason.ClientSecretMiscopied, wrongClient).because(errors.New("the checksum of the client secret is wrong: it was cut off or mistyped"))
	}
	client, kept, err := s.client(ctx, given.id)
	match := matchSecret(client, given.secret, s.Now())
	if kept && match == noSecret {
		client, err = s.readClient(ctx, given.id) // a new secret works at once
		match = matchSecret(client, given.secret, s.Now())
	}
	switch {
	case errors.Is(err, store.ErrNotFound): // its id stays out of the log: it may be a secret in the wrong field
		return nil, given.refuse(reason.ClientUnknown, wrongClient)
	case err != nil:
		return nil, err
	case match == noSecret:
		recordOf(ctx).claimed = client.ID
		return nil, given.refuse(s.whyUnproven(client, given), wrongClient).becausef("client %s sent %s", client.ID, given.described())
	case match == oldSecret:
		s.noteOldSecret(ctx, client)
	}
	return client, nil
}

// whyUnproven is, for the operator, what is wrong with the secret of a client that exists.
func (s *Server) whyUnproven(client *store.Client, given credentials) reason.Word {
	switch {
	case public(client):
		return reason.ClientSecretUnexpected
	case given.secret == "":
		return reason.ClientSecretMissing
	case given.basic && matchSecret(client, given.undecoded, s.Now()) != noSecret:
		return reason.ClientSecretNotEncoded
	}
	return reason.ClientSecretWrong
}

// described is, for the operator, how a client tried to prove itself.
func (c credentials) described() string {
	switch {
	case c.secret == "":
		return "no secret"
	case c.basic:
		return fmt.Sprintf("a secret of %d bytes by Basic", len(c.secret))
	}
	return fmt.Sprintf("a secret of %d bytes as client_secret", len(c.secret))
}

const wrongClient = "client authentication failed"

// public reports whether the client has no secret (RFC 6749 §2.1).
func public(c *store.Client) bool { return c.SecretHash == nil }
