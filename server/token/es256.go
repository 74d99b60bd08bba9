package token

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"errors"

	"github.com/golang-jwt/jwt/v5"
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// es256 is golang-jwt's ES256 but for the way of a signature out of crypto/ecdsa, which is shorter than through big.Int.
type es256 struct{ *jwt.SigningMethodECDSA }

// Sign implements jwt.SigningMethod: the two numbers of a signature, of 32 bytes each (RFC 7518 §3.4).
func (es256) Sign(text string, key any) ([]byte, error) {
	private, ok := key.(*ecdsa.PrivateKey)
	if !ok {
		return nil, jwt.ErrInvalidKeyType
	}
	sum := sha256.Sum256([]byte(text))
	der, err := ecdsa.SignASN1(rand.Reader, private, sum[:])
	if err != nil {
		return nil, err
	}
	return fixedLength(der)
}

var errSignature = errors.New("crypto/ecdsa made a signature that is not of P-256")

// fixedLength is a signature as JWTs have it, from an ASN.1 sequence of two integers (RFC 3279 §2.2.3).
func fixedLength(der []byte) ([]byte, error) {
	const size = 32
	var r, s []byte
	sequence := cryptobyte.String(der)
	if !sequence.ReadASN1(&sequence, asn1.SEQUENCE) || !sequence.ReadASN1Integer(&r) || !sequence.ReadASN1Integer(&s) ||
		len(r) > size || len(s) > size {
		return nil, errSignature
	}
	signature := make([]byte, 2*size) // a short number has zeros before it
	copy(signature[size-len(r):], r)
	copy(signature[2*size-len(s):], s)
	return signature, nil
}
