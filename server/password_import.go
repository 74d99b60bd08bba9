package server

import (
	"encoding/base64"
	"errors"
	"math/bits"
	"regexp"
	"strconv"
	"strings"
)

var (
	errUnknownHash = errors.New("the password hash is of no known scheme; use bcrypt, argon2, scrypt, PBKDF2 or SHA-crypt in passlib's, Django's or PHP's notation")
	errCostlyHash  = errors.New("the parameters of the password hash are zero or too great to check at every login")
)

// ImportHash brings a password hash of another system into the notation that
// login reads, or says why it cannot be taken, in words that do not repeat it. A
// hash that would cost more than a second or so, or 256 MiB, to check is refused: its user's
// every login would.
func ImportHash(hash string) (string, error) {
	hash = fromDjango(strings.TrimSpace(hash))
	for _, scheme := range schemes {
		if found := scheme.notation.FindStringSubmatch(hash); found != nil {
			return scheme.take(hash, found[1:])
		}
	}
	return "", errUnknownHash
}

// scheme is one notation of password hashes. The decoder at login is more
// lenient: a sign in front of a number, say, must not slip past affordable.
type scheme struct {
	notation   *regexp.Regexp // each group is a number that affordable takes
	affordable func(n []uint64) bool
}

var schemes = []scheme{
	{ // bcrypt, but for the 2x of an old bug; the cost is a logarithm
		regexp.MustCompile(`^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$`),
		func(n []uint64) bool { return n[0] >= 4 && n[0] <= 14 },
	},
	{ // iterations
		regexp.MustCompile(`^\$pbkdf2(?:-sha1|-sha256|-sha512)?\$(\d{1,9})\$[./A-Za-z0-9]{0,128}\$[./A-Za-z0-9]{16,86}$`),
		func(n []uint64) bool { return n[0] >= 1 && n[0] <= 3_000_000 },
	},
	{ // KiB of memory, passes over it, lanes
		regexp.MustCompile(`^\$argon2(?:id|i|d)\$v=19\$m=(\d{1,9}),t=(\d{1,9}),p=(\d{1,9})\$[+/A-Za-z0-9]{1,128}\$[+/A-Za-z0-9]{6,128}$`),
		func(n []uint64) bool {
			return n[2] >= 1 && n[2] <= 64 && n[1] >= 1 && n[0] >= 8*n[2] && n[0] <= 1<<18 && n[0]*n[1] <= 1<<20 && n[1] <= 1<<10
		},
	},
	{ // log2 of the blocks in memory, their size in 128 bytes, repetitions (RFC 7914 §2)
		regexp.MustCompile(`^\$scrypt\$ln=(\d{1,2}),r=(\d{1,4}),p=(\d{1,4})\$[+/A-Za-z0-9]{0,128}\$[+/A-Za-z0-9]{16,128}$`),
		func(n []uint64) bool {
			return n[0] >= 1 && n[0] <= 23 && n[1] >= 1 && n[2] >= 1 && n[1]<<n[0] <= 1<<21 && n[2]*n[1]<<n[0] <= 1<<23
		},
	},
	{ // rounds; 5000 when left out, fewer than 1000 do not exist
		regexp.MustCompile(`^\$[56]\$(?:rounds=([1-9]\d{0,8})\$)?[./A-Za-z0-9]{0,16}\$(?:[./A-Za-z0-9]{43}|[./A-Za-z0-9]{86})$`),
		func(n []uint64) bool { return n[0] == 0 || n[0] >= 1000 && n[0] <= 2_000_000 },
	},
}

func (s scheme) take(hash string, numbers []string) (string, error) {
	n := make([]uint64, len(numbers))
	for i, digits := range numbers {
		n[i], _ = strconv.ParseUint(digits, 10, 64) // digits, or zero for what is left out
	}
	if !s.affordable(n) {
		return "", errCostlyHash
	}
	if _, err := decodeHash(hash); err != nil && !isBcrypt(hash) {
		return "", errUnknownHash // the library's words quote the hash
	}
	return hash, nil
}

// fromDjango rewrites Django's notation, algorithm$parameters, into passlib's.
// What is none of Django's stays as it is.
func fromDjango(hash string) string {
	parts := strings.Split(hash, "$")
	switch scheme := parts[0]; {
	case scheme == "bcrypt" || scheme == "argon2": // bcrypt$$2b$..., argon2$argon2id$...
		return "$" + strings.TrimLeft(strings.TrimPrefix(hash, scheme), "$")
	case scheme == "pbkdf2_sha256" && len(parts) == 4: // iterations, salt, hash
		return strings.Join([]string{"", "pbkdf2-sha256", parts[1], adapted(rawBase64(parts[2])), adapted(parts[3])}, "$")
	case scheme == "pbkdf2_sha1" && len(parts) == 4:
		return strings.Join([]string{"", "pbkdf2", parts[1], adapted(rawBase64(parts[2])), adapted(parts[3])}, "$")
	case scheme == "scrypt" && len(parts) == 6: // work, salt, block size, parallelism, hash
		settings := "ln=" + log2(parts[1]) + ",r=" + parts[3] + ",p=" + parts[4]
		return strings.Join([]string{"", "scrypt", settings, rawBase64(parts[2]), strings.TrimRight(parts[5], "=")}, "$")
	}
	return hash
}

// log2 is the logarithm of a power of two, and not a number for another number.
func log2(work string) string {
	n, err := strconv.ParseUint(work, 10, 64)
	if err != nil || bits.OnesCount64(n) != 1 {
		return "none"
	}
	return strconv.Itoa(bits.TrailingZeros64(n))
}

func rawBase64(s string) string { return base64.RawStdEncoding.EncodeToString([]byte(s)) }

// adapted is passlib's base64: "." for "+", no padding.
func adapted(s string) string { return strings.ReplaceAll(strings.TrimRight(s, "="), "+", ".") }
