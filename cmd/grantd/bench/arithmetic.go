package bench

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"time"
)

// arithmetic is what signatures take by themselves, on one processor.
type arithmetic struct {
	Sign, Verify time.Duration // ES256
	MAC          time.Duration // HS256, of a refresh token
}

// tokenSize is about how much of a token is signed, in bytes.
const tokenSize = 400

func measureArithmetic() (a arithmetic, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return a, err
	}
	text := make([]byte, tokenSize)
	digest := sha256.Sum256(text)
	signature, err := ecdsa.SignASN1(rand.Reader, key, digest[:])
	if err != nil {
		return a, err
	}
	a.Sign = timeOf(func() {
		digest := sha256.Sum256(text)
		ecdsa.SignASN1(rand.Reader, key, digest[:])
	})
	valid := true
	a.Verify = timeOf(func() {
		digest := sha256.Sum256(text)
		valid = ecdsa.VerifyASN1(key.Public().(*ecdsa.PublicKey), digest[:], signature) && valid
	})
	if !valid {
		return a, errors.New("a signature is wrong")
	}
	secret := make([]byte, 32)
	a.MAC = timeOf(func() {
		mac := hmac.New(sha256.New, secret)
		mac.Write(text)
		mac.Sum(nil)
	})
	return a, nil
}

// timeOf is the time that do takes, of at least a tenth of a second.
func timeOf(do func()) time.Duration {
	for n := 1; ; n *= 2 {
		start := time.Now()
		for range n {
			do()
		}
		if took := time.Since(start); took > 100*time.Millisecond {
			return took / time.Duration(n)
		}
	}
}
