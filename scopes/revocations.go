package scopes

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
)

// RevocationList is the claims set of what an issuer publishes about revoked tokens: a JWT with the header
// typ revocations+jwt. It is modelled on the Status List Token of draft-ietf-oauth-status-list. Marks of
// what was revoked take the place of one bit for each token ever issued, so that its size goes with the
// revocations of one access-token life.
type RevocationList struct {
	// Issuer is the claim iss; URL is sub, the address of the list.
	Issuer, URL string
	// IssuedAt is the claim iat: all that was revoked before is in the list. ExpiresAt is exp: the list is
	// refused when it arrives from then on. Both in whole seconds.
	IssuedAt, ExpiresAt time.Time
	// TTL is the claim ttl: after how long to ask again, in whole seconds. Zero means that the issuer does not say.
	TTL time.Duration
	// Revoked is the claim revoked. Required.
	Revoked *Revocations
}

// Revocations is what was revoked, made by NewRevocations or read from a list. It does not change, so
// several goroutines may share one.
type Revocations struct {
	tokens []mark  // ascending
	before []dated // ascending by mark, each mark once
}

// Revocation revokes tokens that are still out. Two are equal when they revoke the same tokens.
type Revocation struct {
	mark mark
	at   int64 // seconds since 1970, of RevokedSubject and RevokedClient; else 0
}

// mark stands for an id in the list: the first eight bytes of a hash, so that a list is small and does not
// tell whom it is about. That one of a billion tokens is hit by one of 100,000 marks by accident has
// a chance of one in 90,000, and costs a new token.
type mark uint64

type dated struct {
	mark mark
	at   int64 // tokens issued up to this second are revoked
}

// maxDate is the last second of the year 9999, the latest date that the list holds.
const maxDate = 253402300800 - 1

// RevokedToken revokes the access token with that claim jti.
func RevokedToken(jti string) Revocation { return Revocation{mark: markOf("jti:", jti)} }

// RevokedGrant revokes all tokens of an authorization: those with that claim gid.
func RevokedGrant(gid string) Revocation { return Revocation{mark: markOf("gid:", gid)} }

// RevokedSubject revokes all tokens with that claim sub that were issued in the second of at or before.
func RevokedSubject(sub string, at time.Time) Revocation {
	return Revocation{markOf("sub:", sub), clampDate(at)}
}

// RevokedClient revokes all tokens with that claim client_id that were issued in the second of at or before.
func RevokedClient(clientID string, at time.Time) Revocation {
	return Revocation{markOf("client_id:", clientID), clampDate(at)}
}

func markOf(kind, id string) mark {
	var room [128]byte // so that no id of usual length costs an allocation
	sum := sha256.Sum256(append(append(room[:0], kind...), id...))
	return mark(binary.BigEndian.Uint64(sum[:]))
}

func clampDate(t time.Time) int64 { return min(max(t.Unix(), 1), maxDate) }

// NewRevocations makes the content of a list, in any order. Of two dates for one subject or client the later counts.
func NewRevocations(entries ...Revocation) *Revocations {
	l := &Revocations{tokens: make([]mark, 0, len(entries))}
	for _, e := range entries {
		if e.at == 0 {
			l.tokens = append(l.tokens, e.mark)
		} else {
			l.before = append(l.before, dated(e))
		}
	}
	slices.Sort(l.tokens)
	l.tokens = slices.Compact(l.tokens)
	slices.SortFunc(l.before, func(a, b dated) int { return cmp.Or(cmp.Compare(a.mark, b.mark), cmp.Compare(b.at, a.at)) })
	l.before = slices.CompactFunc(l.before, func(a, b dated) bool { return a.mark == b.mark })
	return l
}

// Len is how many revocations there are.
func (l *Revocations) Len() int { return len(l.tokens) + len(l.before) }

// Revokes reports whether the token of these claims is revoked: itself, its authorization, or all tokens
// that its subject or client had when it was issued.
func (l *Revocations) Revokes(c *Claims) bool {
	if c.marks == (tokenMarks{}) { // not from a Verifier
		return l.revokes(marksOf(c), c.IssuedAt)
	}
	return l.revokes(c.marks, c.IssuedAt)
}

// tokenMarks are the marks that can revoke a token, hashed once for a token that is asked about often.
type tokenMarks struct{ id, grant, subject, client mark }

func marksOf(c *Claims) tokenMarks {
	m := tokenMarks{id: markOf("jti:", c.ID), subject: markOf("sub:", c.Subject), client: markOf("client_id:", c.ClientID)}
	m.grant = m.id // again, where no authorization can be looked up
	if c.GrantID != "" {
		m.grant = markOf("gid:", c.GrantID)
	}
	return m
}

func (l *Revocations) revokes(m tokenMarks, issued time.Time) bool {
	return l.hasToken(m.id) || l.hasToken(m.grant) || l.isBefore(m.subject, issued) || l.isBefore(m.client, issued)
}

func (l *Revocations) hasToken(m mark) bool {
	_, found := slices.BinarySearch(l.tokens, m)
	return found
}

func (l *Revocations) isBefore(m mark, issued time.Time) bool {
	i, found := slices.BinarySearchFunc(l.before, m, func(d dated, m mark) int { return cmp.Compare(d.mark, m) })
	return found && issued.Unix() <= l.before[i].at
}

// MarshalJSON prints the claims set. Its error names what no reader would take.
func (l RevocationList) MarshalJSON() ([]byte, error) {
	if err := l.check(); err != nil {
		return nil, err
	}
	iss, err := json.Marshal(l.Issuer)
	if err != nil {
		return nil, err
	}
	sub, err := json.Marshal(l.URL)
	if err != nil {
		return nil, err
	}
	b := make([]byte, 0, l.Revoked.textLen()+len(iss)+len(sub)+128)
	b = fmt.Appendf(b, `{"iss":%s,"sub":%s,"iat":%d,"exp":%d`, iss, sub, l.IssuedAt.Unix(), l.ExpiresAt.Unix())
	if l.TTL > 0 {
		b = fmt.Appendf(b, `,"ttl":%d`, l.TTL/time.Second)
	}
	b = append(b, `,"revoked":`...)
	return append(l.Revoked.appendJSON(b), '}'), nil
}

func (l RevocationList) check() error {
	switch {
	case l.Issuer == "" || l.URL == "":
		return errors.New("a list of revocations needs an Issuer and a URL")
	case l.Revoked == nil:
		return errors.New("a list of revocations needs its content, Revoked, even if that is empty")
	case !validDate(l.IssuedAt.Unix()) || !validDate(l.ExpiresAt.Unix()):
		return errors.New("IssuedAt and ExpiresAt of a list of revocations must lie between 1970 and the year 9999")
	case l.TTL < 0 || l.TTL > maxTTL || l.TTL%time.Second != 0:
		return errors.New("TTL of a list of revocations must be whole seconds, up to a day")
	}
	return nil
}

func validDate(seconds int64) bool { return seconds > 0 && seconds <= maxDate }

// maxTTL: no reader shall sleep over what happens for longer.
const maxTTL = 24 * time.Hour

// MarshalJSON prints the claim revoked.
func (l *Revocations) MarshalJSON() ([]byte, error) { return l.appendJSON(nil), nil }

// textLen is a little more than the length of the claim in bytes.
func (l *Revocations) textLen() int {
	return base64.RawURLEncoding.EncodedLen(8*len(l.tokens)) + base64.RawURLEncoding.EncodedLen(16*len(l.before)) + 32
}

func (l *Revocations) appendJSON(b []byte) []byte {
	b = append(slices.Grow(b, l.textLen()), '{')
	if len(l.tokens) > 0 {
		b = appendBase64(append(b, `"tokens":"`...), len(l.tokens), func(b []byte, i int) []byte {
			return binary.BigEndian.AppendUint64(b, uint64(l.tokens[i]))
		})
	}
	if len(l.before) > 0 {
		if len(l.tokens) > 0 {
			b = append(b, ',')
		}
		b = appendBase64(append(b, `"before":"`...), len(l.before), func(b []byte, i int) []byte {
			return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(b, uint64(l.before[i].mark)), uint64(l.before[i].at))
		})
	}
	return append(b, '}')
}

// appendBase64 appends n values and the closing quote, by pieces that are whole in base64.
func appendBase64(b []byte, n int, value func(b []byte, i int) []byte) []byte {
	var room [pieceBytes]byte
	piece := room[:0]
	for i := range n {
		if piece = value(piece, i); len(piece) == cap(piece) {
			b, piece = base64.RawURLEncoding.AppendEncode(b, piece), piece[:0]
		}
	}
	return append(base64.RawURLEncoding.AppendEncode(b, piece), '"')
}

// pieceBytes is a multiple of the three bytes of a base64 quantum and of the bytes of both kinds of entry.
const pieceBytes = 48 * 16
