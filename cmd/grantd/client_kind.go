package main

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/grantd/grantd/server/token"
	"github.com/grantd/grantd/store"
)

// Values of --pkce.
const (
	pkceRequired = "required"
	pkceOptional = "optional"
)

// clientKinds are the sorts of apps that sign people in.
var clientKinds = []string{store.WebClient, store.NativeClient, store.SinglePageClient}

// applyKind fills in what the kind of an app says, and refuses what contradicts it.
func (in *newClient) applyKind() error {
	switch {
	case in.kind == "":
		return nil
	case !slices.Contains(clientKinds, in.kind):
		return fmt.Errorf("--kind %q does not exist; use web, native or single-page", in.kind)
	case in.kind == store.WebClient && in.public:
		// RFC 6749 §2.1: a web application is a confidential client.
		return errors.New("a web app keeps a secret on its server; leave out --public, or use --kind native or single-page")
	}
	in.public = in.kind != store.WebClient
	if len(in.grants) == 0 {
		in.grants = []string{"authorization_code", "refresh_token"}
	}
	if !slices.Contains(in.grants, "authorization_code") {
		return errors.New("an app with a --kind signs people in; add authorization_code to --grants, or leave out --kind")
	}
	if in.kind == store.SinglePageClient && len(in.origins) == 0 {
		in.origins = originsOf(in.redirectURIs)
	}
	return nil
}

// opensToOthers is whether other apps on a person's device can have what this one
// may have without asking them (RFC 8252 §8.6).
func (in *newClient) opensToOthers() bool {
	return in.firstParty && in.public && slices.ContainsFunc(in.redirectURIs, func(uri string) bool { return !strings.HasPrefix(uri, "https:") })
}

// checkURIs checks whatever the browser or the server is sent to.
func (in *newClient) checkURIs() error {
	for _, uri := range in.redirectURIs {
		if err := checkRedirectURI("redirect URI", uri, in.kind); err != nil {
			return err
		}
		if err := checkAnswers(uri); err != nil {
			return err
		}
	}
	for _, uri := range in.logoutURIs {
		if err := checkRedirectURI("sign-out URI", uri, in.kind); err != nil {
			return err
		}
	}
	if len(in.origins) > 0 && in.kind != store.SinglePageClient {
		return errors.New("only a single-page app calls from a browser; leave out --origin, or use --kind single-page")
	}
	for _, origin := range in.origins {
		if err := checkOrigin(origin); err != nil {
			return err
		}
	}
	return in.checkBackchannel()
}

// checkBackchannel: OpenID Connect Back-Channel Logout §2.2, http only for
// confidential clients. What runs on a person's device cannot be called at all.
func (in *newClient) checkBackchannel() error {
	if in.backchannelURI == "" {
		return nil
	}
	if in.public {
		return errors.New("a public client runs where nothing can be sent to; leave out --backchannel-logout-uri")
	}
	return checkRedirectURI("back-channel URI", in.backchannelURI, store.WebClient)
}

// checkOptions checks what says how people sign in.
func (in *newClient) checkOptions() error {
	signsIn := slices.Contains(in.grants, "authorization_code")
	switch {
	case !slices.Contains([]string{pkceRequired, pkceOptional}, in.pkce):
		return fmt.Errorf("--pkce %q does not exist; use required or optional", in.pkce)
	case in.pkce == pkceOptional && in.public:
		// OAuth 2.1 §7.5.1: only a client that authenticates may do without.
		return errors.New("a public client needs PKCE: nothing else ties a code to it; leave out --pkce optional")
	case in.idTokenAlg != "" && !slices.Contains([]string{token.RS256, token.ES256, token.EdDSA}, in.idTokenAlg):
		return fmt.Errorf("--id-token-alg %q does not exist; use RS256, ES256 or EdDSA", in.idTokenAlg)
	case !signsIn && (in.pkce == pkceOptional || in.firstParty || in.idTokenAlg != "" || in.requiredScope != "" ||
		len(in.logoutURIs) > 0 || in.backchannelURI != ""):
		return errors.New("--pkce, --first-party, --id-token-alg, --required-scopes, --logout-uri and --backchannel-logout-uri are for apps that sign people in; give it a --kind, or the grant type authorization_code")
	}
	return nil
}

// warnOrigins: of a redirect URI on loopback any port is meant (RFC 8252 §7.3), of an
// origin the one that it has (RFC 6454 §4), so the scripts of a page on another would be refused.
func (a *app) warnOrigins(c store.Client) {
	for _, origin := range c.Origins {
		u, err := url.Parse(origin)
		if err == nil && u.Scheme == "http" && u.Port() == "" {
			fmt.Fprintf(a.stderr, "warning: scripts may call from %s, which is port 80 alone; for another port give the exact origin: --origin %s:5173\n", origin, origin)
		}
	}
}
