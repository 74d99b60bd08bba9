package server

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math/bits"
	"regexp"
	"strconv"
	"strings"

	"golang.org/x/crypto/bcrypt"
)

var errUnknownHash = errors.New("the password hash is of no known scheme; use bcrypt, argon2, scrypt, PBKDF2 or SHA-crypt in passlib's, Django's or PHP's notation")

// ImportHash brings a password hash of another system into the notation that
// login reads, or says why it cannot be taken. A hash that would cost minutes or
// gigabytes to check is refused: its user's every login would.
func ImportHash(hash string) (string, error) {
	hash, err := fromDjango(strings.TrimSpace(hash))
	if err != nil {
		return "", err
	}
	if isBcrypt(hash) {
		cost, err := bcrypt.Cost([]byte(hash))
		if err != nil || len(hash) != 60 || cost > 16 {
			return "", errors.New("the bcrypt hash is malformed or costs more than 16")
		}
		return hash, nil
	}
	if err := boundedCost(hash); err != nil {
		return "", err
	}
	if _, err := decodeHash(hash); err != nil {
		return "", errUnknownHash // the library's words quote the hash
	}
	return hash, nil
}

// fromDjango rewrites Django's notation, algorithm$parameters$salt$hash, into
// passlib's. What begins with "$" is in that already.
func fromDjango(hash string) (string, error) {
	scheme, rest, found := strings.Cut(hash, "$")
	if scheme == "" || !found {
		return hash, nil
	}
	parts := strings.Split(rest, "$")
	switch {
	case scheme == "bcrypt", scheme == "argon2":
		return "$" + strings.TrimPrefix(rest, "$"), nil
	case (scheme == "pbkdf2_sha256" || scheme == "pbkdf2_sha1") && len(parts) == 3:
		name := map[string]string{"pbkdf2_sha256": "pbkdf2-sha256", "pbkdf2_sha1": "pbkdf2"}[scheme]
		return strings.Join([]string{"", name, parts[0], adapted(rawBase64(parts[1])), adapted(parts[2])}, "$"), nil
	case scheme == "scrypt" && len(parts) == 5:
		work, err := strconv.ParseUint(parts[1], 10, 32)
		if err != nil || bits.OnesCount64(work) != 1 {
			return "", errors.New("the work factor of the scrypt hash is no power of two")
		}
		settings := fmt.Sprintf("ln=%d,r=%s,p=%s", bits.TrailingZeros64(work), parts[2], parts[3])
		return strings.Join([]string{"", "scrypt", settings, rawBase64(parts[0]), strings.TrimRight(parts[4], "=")}, "$"), nil
	}
	return "", errUnknownHash
}

func rawBase64(s string) string { return base64.RawStdEncoding.EncodeToString([]byte(s)) }

// adapted is passlib's base64: "." for "+", no padding.
func adapted(s string) string { return strings.ReplaceAll(strings.TrimRight(s, "="), "+", ".") }

// costLimits are the greatest parameters that are taken, by name: memory in KiB
// and passes of argon2, log2 of scrypt's work, rounds of SHA-crypt.
var costLimits = map[string]uint64{"m": 1 << 20, "t": 64, "p": 64, "ln": 20, "r": 32, "rounds": 10_000_000}

var (
	parameter  = regexp.MustCompile(`[$,]([a-z]+)=(\d+)`)
	iterations = regexp.MustCompile(`^\$pbkdf2(-sha\d+)?\$(\d+)\$`)
)

func boundedCost(hash string) error {
	refused := errors.New("the parameters of the password hash are zero or too great to check at every login")
	for _, p := range parameter.FindAllStringSubmatch(hash, -1) {
		most, known := costLimits[p[1]]
		n, err := strconv.ParseUint(p[2], 10, 64)
		if known && (err != nil || n == 0 || n > most) {
			return refused
		}
	}
	if p := iterations.FindStringSubmatch(hash); p != nil {
		if n, err := strconv.ParseUint(p[2], 10, 64); err != nil || n == 0 || n > 10_000_000 {
			return refused
		}
	}
	return nil
}
