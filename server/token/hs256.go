package token

import (
	"crypto/hmac"
	"crypto/sha256"
	"hash"
	"sync"

	"github.com/golang-jwt/jwt/v5"
)

// hs256 is golang-jwt's HS256 that signs with a *mac.
type hs256 struct{ *jwt.SigningMethodHMAC }

// Sign implements jwt.SigningMethod (RFC 7518 §3.2).
func (hs256) Sign(text string, key any) ([]byte, error) {
	m, ok := key.(*mac)
	if !ok {
		return nil, jwt.ErrInvalidKeyType
	}
	return m.appendTo(nil, text), nil
}

// mac is HMAC-SHA256 under one key, which is hashed once and not for each text.
type mac struct{ idle sync.Pool } // of *keyed

// keyed is a hash that has taken in the key, and room for what is hashed.
type keyed struct {
	hash hash.Hash
	room []byte
}

func newMAC(key []byte) *mac {
	return &mac{sync.Pool{New: func() any { return &keyed{hash: hmac.New(sha256.New, key)} }}}
}

func (m *mac) appendTo(out []byte, text string) []byte {
	k := m.idle.Get().(*keyed)
	defer m.idle.Put(k)
	k.hash.Reset()
	k.room = append(k.room[:0], text...)
	k.hash.Write(k.room)
	k.room = k.hash.Sum(k.room[:0])
	return append(out, k.room...)
}
