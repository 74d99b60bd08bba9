package authreq

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"strings"
)

// S256 is the only code_challenge_method: with plain, whoever sees the request can use the code
// (RFC 9700 §2.1.1).
const S256 = "S256"

const (
	challengeLength = 43 // base64url of 32 bytes
	minVerifier     = 43 // RFC 7636 §4.1
	maxVerifier     = 128
)

// ErrChallenge is of a code_challenge that no verifier can have.
var ErrChallenge = errors.New("code_challenge is not the base64url of a SHA-256: 43 letters, digits, '-' and '_'")

// CheckChallenge says what is wrong with a code_challenge and its method (RFC 7636 §4.3): nil if
// nothing is. No challenge and no method is right too.
func CheckChallenge(challenge, method string) error {
	switch {
	case challenge == "" && method == "":
		return nil
	case challenge == "":
		return errors.New("code_challenge is missing beside code_challenge_method")
	case method == "": // §4.3: it means plain
		return errors.New("code_challenge_method is missing, which means plain; use S256")
	case method != S256:
		return errors.New("this code_challenge_method is not supported; use S256")
	}
	// §4.2: code_challenge = BASE64URL-ENCODE(SHA256(ASCII(code_verifier)))
	hash, err := base64.RawURLEncoding.Strict().DecodeString(challenge)
	if len(challenge) != challengeLength || err != nil || len(hash) != sha256.Size {
		return ErrChallenge
	}
	return nil
}

// ValidVerifier reports whether v is a code_verifier: 43 to 128 unreserved characters (RFC 7636 §4.1).
func ValidVerifier(v string) bool {
	return len(v) >= minVerifier && len(v) <= maxVerifier && !strings.ContainsFunc(v, func(c rune) bool { return !unreserved(c) })
}

// unreserved: RFC 3986 §2.3.
func unreserved(c rune) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("-._~", c)
}

// Proves reports whether a verifier is that of a challenge (RFC 7636 §4.6). A malformed one is
// nobody's: a short one could be guessed.
func Proves(verifier, challenge string) bool {
	sum := sha256.Sum256([]byte(verifier))
	want := base64.RawURLEncoding.EncodeToString(sum[:])
	return ValidVerifier(verifier) && subtle.ConstantTimeCompare([]byte(want), []byte(challenge)) == 1
}
