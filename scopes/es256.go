package scopes

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/sha256"

	"github.com/golang-jwt/jwt/v5"
)

// es256 is golang-jwt's ES256 but for the way of a signature into crypto/ecdsa, which is shorter than through big.Int.
type es256 struct{ *jwt.SigningMethodECDSA }

// Verify implements jwt.SigningMethod. A signature is two numbers of 32 bytes each (RFC 7518 §3.4).
func (es256) Verify(text string, signature []byte, key any) error {
	public, ok := key.(*ecdsa.PublicKey)
	if !ok {
		return jwt.ErrInvalidKeyType
	}
	const size = 32
	if len(signature) != 2*size {
		return jwt.ErrECDSAVerification
	}
	var room [2 + 2*(2+1+size)]byte
	der := append(room[:0], sequenceTag, 0)
	der = appendInteger(appendInteger(der, signature[:size]), signature[size:])
	der[1] = byte(len(der) - 2)
	sum := sha256.Sum256([]byte(text))
	if !ecdsa.VerifyASN1(public, sum[:], der) {
		return jwt.ErrECDSAVerification
	}
	return nil
}

// Tags of ASN.1 (X.690 §8.3, §8.9).
const (
	integerTag  = 0x02
	sequenceTag = 0x30
)

// appendInteger appends a number in DER: no zeros before it, but one where its first bit would make it negative. Zero gets no
// bytes, which is no integer: no signature has it.
func appendInteger(der, number []byte) []byte {
	number = bytes.TrimLeft(number, "\x00")
	if len(number) > 0 && number[0] >= 0x80 {
		return append(append(der, integerTag, byte(len(number)+1), 0), number...)
	}
	return append(append(der, integerTag, byte(len(number))), number...)
}
