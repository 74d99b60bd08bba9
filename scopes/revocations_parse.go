package scopes

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
)

// UnmarshalJSON reads a claims set and holds it to all that MarshalJSON promises; what it does not know it
// passes over. It does not compare the issuer or the times. On an error l stays as it was.
//
// A list is long: call this directly, for json.Unmarshal reads all of it twice more.
func (l *RevocationList) UnmarshalJSON(data []byte) error {
	var read RevocationList
	err := eachMember(data, func(name string, value []byte) (err error) {
		switch name {
		case "iss":
			read.Issuer, err = textOf(value)
		case "sub":
			read.URL, err = textOf(value)
		case "iat":
			read.IssuedAt, err = dateOf(value)
		case "exp":
			read.ExpiresAt, err = dateOf(value)
		case "ttl":
			read.TTL, err = readTTL(value)
		case "revoked":
			read.Revoked, err = readRevocations(value)
		}
		return err
	})
	if err == nil {
		err = read.complete()
	}
	if err != nil {
		return fmt.Errorf("the list of revocations cannot be read: %w", err)
	}
	*l = read
	return nil
}

func (l RevocationList) complete() error {
	for _, claim := range []struct {
		name    string
		missing bool
	}{
		{"iss", l.Issuer == ""}, {"sub", l.URL == ""}, {"iat", l.IssuedAt.IsZero()}, {"exp", l.ExpiresAt.IsZero()}, {"revoked", l.Revoked == nil},
	} {
		if claim.missing {
			return fmt.Errorf("claim %s is missing", claim.name)
		}
	}
	return nil
}

// UnmarshalJSON reads the claim revoked, as strictly. On an error l stays as it was.
func (l *Revocations) UnmarshalJSON(data []byte) error {
	read, err := readRevocations(data)
	if err != nil {
		return fmt.Errorf("the revocations cannot be read: %w", err)
	}
	*l = *read
	return nil
}

func readRevocations(data []byte) (*Revocations, error) {
	l := new(Revocations)
	err := eachMember(data, func(name string, value []byte) (err error) {
		switch name {
		case "tokens":
			l.tokens, err = readTokens(value)
		case "before":
			l.before, err = readBefore(value)
		}
		if err != nil {
			err = fmt.Errorf("%s: %w", name, err)
		}
		return err
	})
	return l, err
}

// readTokens: eight bytes an entry, strictly ascending.
func readTokens(value []byte) ([]mark, error) {
	text, n, err := readEntries(value, 8)
	if err != nil {
		return nil, err
	}
	tokens := make([]mark, 0, n)
	return tokens, eachEntry(text, 8, func(entry []byte) error {
		m := mark(binary.BigEndian.Uint64(entry))
		if len(tokens) > 0 && m <= tokens[len(tokens)-1] {
			return errUnsorted
		}
		tokens = append(tokens, m)
		return nil
	})
}

// readBefore: sixteen bytes an entry, a mark and a date, strictly ascending by mark.
func readBefore(value []byte) ([]dated, error) {
	text, n, err := readEntries(value, 16)
	if err != nil {
		return nil, err
	}
	before := make([]dated, 0, n)
	return before, eachEntry(text, 16, func(entry []byte) error {
		d := dated{mark(binary.BigEndian.Uint64(entry)), int64(binary.BigEndian.Uint64(entry[8:]))}
		if len(before) > 0 && d.mark <= before[len(before)-1].mark {
			return errUnsorted
		}
		if !validDate(d.at) {
			return errDate
		}
		before = append(before, d)
		return nil
	})
}

var (
	errUnsorted = errors.New("the entries are not sorted, or one is there twice")
	errDate     = errors.New("a date is not in seconds since 1970")
	errNoText   = errors.New("it is not a string")
	errBase64   = errors.New("it is not base64url without padding of whole entries")
)

// readEntries gives the base64 text of a JSON string and how many entries of that size it has.
func readEntries(value []byte, size int) (text []byte, n int, err error) {
	if value[0] != '"' {
		return nil, 0, errNoText
	}
	text = value[1 : len(value)-1] // what is escaped in it is no base64
	length := base64.RawURLEncoding.DecodedLen(len(text))
	if length%size != 0 {
		return nil, 0, errBase64
	}
	return text, length / size, nil
}

// eachEntry decodes piece by piece: a list takes up no room but its own.
func eachEntry(text []byte, size int, take func(entry []byte) error) error {
	var room [pieceBytes]byte
	for piece := range slices.Chunk(text, base64.RawURLEncoding.EncodedLen(pieceBytes)) {
		n, err := base64.RawURLEncoding.Strict().Decode(room[:], piece)
		if err != nil {
			return errBase64
		}
		for entry := range slices.Chunk(room[:n], size) {
			if err := take(entry); err != nil {
				return err
			}
		}
	}
	return nil
}

func textOf(value []byte) (string, error) {
	s, ok := text(value)
	if !ok {
		return "", errNoText
	}
	return s, nil
}

func dateOf(value []byte) (time.Time, error) {
	t, ok := date(value)
	if !ok {
		return time.Time{}, errDate
	}
	return t, nil
}

func readTTL(value []byte) (time.Duration, error) {
	var seconds float64
	if json.Unmarshal(value, &seconds) != nil || seconds < 1 || seconds > maxTTL.Seconds() {
		return 0, errors.New("claim ttl is not a number of seconds, from 1 to a day")
	}
	return time.Duration(seconds) * time.Second, nil
}
