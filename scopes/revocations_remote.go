package scopes

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const (
	defaultPoll   = 5 * time.Second
	defaultMaxAge = time.Minute
	// shortestPoll: who asks for less forgot the unit of the number.
	shortestPoll = 100 * time.Millisecond
	// longestPoll: a list lives for three minutes, and an answer may be late.
	longestPoll = time.Minute
	// longestLeeway: so long after its exp a revoked token leaves the list (docs/http.md).
	longestLeeway = 2 * time.Minute
	// listLeeway is how far the clocks of issuer and service may be apart when a list is judged, whatever holds for
	// tokens: a list of the future would keep out those of the present.
	listLeeway = time.Minute
	// listMargin before its exp, a list is asked for as if there was none. It lives for three minutes and is signed anew
	// each minute: who says then that it is unchanged compares the content only, or is a cache that is stuck.
	listMargin = time.Minute
	// rollback is how much older than the newest list one may be. A replica of the issuer signs its list when it
	// has to, at least each minute, and clocks differ: the next replica's may be dated that much sooner.
	rollback = 90 * time.Second
)

// RevocationOptions say how a Verifier of Discover follows the issuer's list of revocations.
type RevocationOptions struct {
	// Poll is how often the list is asked for: a revocation counts at this service after that time, and about a second
	// for the issuer. Most answers say that nothing changed. At most a minute; zero means 5 seconds.
	Poll time.Duration
	// MaxAge is how old the last answer may be when there is no newer one: as long, tokens pass that the list of
	// then does not name. Past it they are refused as RevocationsUnavailable, which a Guard answers with 503. To
	// accept more risk for fewer refusals, make it longer: at the life of an access token, an issuer that is down
	// refuses nobody. At least twice Poll; zero means one minute.
	MaxAge time.Duration
	// Required refuses tokens, likewise, while the metadata of the issuer names no list, and never did. Without
	// it tokens of such an issuer count until they expire.
	Required bool
	// Off leaves the list alone: tokens count until they expire.
	Off bool
}

func (o RevocationOptions) check() error {
	if o = o.complete(); o.Poll < shortestPoll {
		return fmt.Errorf("RevocationOptions: Poll is %v: give at least %v, or leave it zero for %v", o.Poll, shortestPoll, defaultPoll)
	}
	if o.Poll > longestPoll {
		return fmt.Errorf("RevocationOptions: Poll is %v: give at most %v, or the list expires before the next", o.Poll, longestPoll)
	}
	if o.MaxAge < 2*o.Poll {
		return fmt.Errorf("RevocationOptions: MaxAge (%v) is shorter than twice Poll (%v): one late answer would make the list too old", o.MaxAge, o.Poll)
	}
	return nil
}

func (o RevocationOptions) complete() RevocationOptions {
	if o.Poll == 0 {
		o.Poll = defaultPoll
	}
	if o.MaxAge == 0 {
		o.MaxAge = defaultMaxAge
	}
	return o
}

// listToken is what the issuer's list of revocations is signed as: its typ keeps an access token from being taken for it.
var listToken = tokenKind{typ: "revocations+jwt", name: "list of revocations", most: listDocument.limit}

// revocationFeed follows the list that the metadata of an issuer names.
type revocationFeed struct {
	follower[heldList]
	provider *provider
	keys     *remoteKeys
	options  RevocationOptions
	verifier *Verifier // checks the signature with the keys of the issuer, and knows the clock
}

// heldList is what is known of the issuer's revocations.
type heldList struct {
	last, newest *RevocationList // by arrival and by iat; nil before the first. See accept.
	asOf         time.Time       // all that was revoked before is in last
	validator    validator
}

func newRevocationFeed(p *provider, keys *remoteKeys, o RevocationOptions) *revocationFeed {
	f := &revocationFeed{provider: p, keys: keys, options: o.complete()}
	f.init()
	f.get, f.steady = f.look, true
	return f
}

// revoked is VerifierOptions.Revoked. Its error says why nobody can tell.
func (f *revocationFeed) revoked(ctx context.Context, c *Claims) (bool, error) {
	last, err := f.current(ctx)
	if err != nil {
		return false, err
	}
	if last.value.revokes(c) {
		return true, nil // that stays true, however old the list is
	}
	return false, f.doubt(last)
}

func (h *heldList) revokes(c *Claims) bool {
	return h.last != nil && (h.last.Revoked.Revokes(c) || h.newest != h.last && h.newest.Revoked.Revokes(c))
}

// doubt is why the list does not say what is revoked by now; nil when it does, and when the issuer has none.
func (f *revocationFeed) doubt(last *outcome[heldList]) error {
	held, now := &last.value, f.verifier.options.Now()
	switch {
	case held.last == nil:
		return f.absence(last.err)
	// By both clocks of the machine: one stands still while it is suspended, one can be set.
	case now.Sub(held.asOf) > f.options.MaxAge, now.Round(0).Sub(held.asOf.Round(0)).Abs() > f.options.MaxAge:
		return because(last.err, "the list of revocations is too old: it is of "+held.asOf.UTC().Format(time.RFC3339))
	}
	return nil
}

// absence: an issuer that has never named a list revokes nothing before its tokens expire.
func (f *revocationFeed) absence(err error) error {
	if m := &f.provider.last.Load().value; m.document != nil && !m.listed && !f.options.Required {
		return nil
	}
	return because(err, "there is no list of revocations yet")
}

func because(err error, text string) error {
	if err == nil {
		return errors.New(text)
	}
	return fmt.Errorf("%s: %w", text, err)
}

// look polls once.
func (f *revocationFeed) look(ctx context.Context, held heldList) (heldList, time.Duration, error) {
	m, err := f.provider.metadata(ctx)
	if err != nil {
		return held, f.options.Poll, err // the provider complains
	}
	switch {
	case m.revocationListURI != "":
		held, err = f.poll(ctx, m.revocationListURI, held)
	case f.provider.last.Load().value.listed:
		// Even if there was never a list to be had. Else who can change the metadata, or a server that was set back to an older version, could bring
		// revoked tokens back to life.
		err = fmt.Errorf("the metadata of %s names no revocation_list_uri any more", f.provider.issuer)
	case f.options.Required:
		err = fmt.Errorf("the metadata of %s names no revocation_list_uri", f.provider.issuer)
	}
	if err != nil {
		err = fmt.Errorf("list of revocations: %w", err)
		f.provider.doubt()
	}
	if ctx.Err() == nil {
		f.provider.complaints.about("revocations", err)
	}
	return held, f.options.Poll, err
}

// poll gives what is held after one question. On an error nothing has changed.
func (f *revocationFeed) poll(ctx context.Context, url string, held heldList) (heldList, error) {
	sent := f.verifier.options.Now() // before: what is revoked while the answer is on its way may not be in it
	if held.last != nil && !sent.Before(held.last.ExpiresAt.Add(-listMargin)) {
		held.validator = validator{}
	}
	a, err := f.provider.fetch.get(ctx, url, listDocument, held.validator)
	if err != nil {
		return held, err
	}
	if !a.unchanged {
		list, err := f.read(ctx, url, string(a.body))
		if isUnknownKey(err) && f.keys.refetch(ctx) {
			list, err = f.read(ctx, url, string(a.body))
		}
		if err == nil {
			held, err = held.accept(list)
		}
		if err != nil {
			return held, fmt.Errorf("%s is refused: %w", url, err)
		}
	}
	held.validator, held.asOf = a.validator, sent.Add(-a.age)
	return held, nil
}

// isUnknownKey is whether a list is signed with a key that is not known yet.
func isUnknownKey(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Kind == UnknownKey
}

// read checks all of a list but whether it is newer than another.
func (f *revocationFeed) read(ctx context.Context, url, token string) (*RevocationList, error) {
	payload, _, err := f.verifier.open(ctx, token, listToken)
	if err != nil {
		return nil, err
	}
	list := new(RevocationList)
	if err := list.UnmarshalJSON(payload); err != nil {
		return nil, err
	}
	now := f.verifier.options.Now()
	switch {
	case list.Issuer != f.provider.issuer:
		return nil, fmt.Errorf("it is from the issuer %q, not %q", shorten(list.Issuer, 200), f.provider.issuer)
	case list.URL != url: // an issuer may have several
		return nil, fmt.Errorf("it is the list of %q", shorten(list.URL, 200))
	case list.IssuedAt.After(now.Add(listLeeway)):
		return nil, errors.New("it is issued in the future: compare the clocks of the issuer and this service")
	case !now.Before(list.ExpiresAt.Add(listLeeway)):
		return nil, errors.New("it has expired at " + list.ExpiresAt.UTC().Format(time.RFC3339))
	}
	return list, nil
}

// accept takes a list that was read. No entry is lost to a list issued before the one that has it: while the newest list
// is not the last one, what either has is revoked. For within what replicas may differ by, iat does not tell who is
// behind. A list that is older still comes from a cache, or from who wants a revoked token back: it is refused, and is
// no answer. (As an answer, the newest list itself could be repeated as well, until it expires.)
func (h heldList) accept(l *RevocationList) (heldList, error) {
	if h.newest != nil && l.IssuedAt.Before(h.newest.IssuedAt.Add(-rollback)) {
		return h, fmt.Errorf("it is of %s, older than that of %s", l.IssuedAt.UTC().Format(time.RFC3339), h.newest.IssuedAt.UTC().Format(time.RFC3339))
	}
	h.last = l
	if h.newest == nil || !l.IssuedAt.Before(h.newest.IssuedAt) {
		h.newest = l
	}
	return h, nil
}
