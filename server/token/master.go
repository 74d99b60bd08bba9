package token

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
)

// MasterKeySize is the length of the master key in bytes.
const MasterKeySize = 32

// ErrSealed says that the master key does not open what the database keeps sealed: it is not the key
// that sealed it, or the row was altered.
var ErrSealed = errors.New("the master key does not open the keys of this database; start with the master key they were made with")

// Master holds what is derived from the master key: one key that seals private
// keys at rest, one that authenticates refresh tokens. Each use has a
// key of its own, so that neither can be turned against the other.
type Master struct {
	id      string
	sealKey []byte
	seal    cipher.AEAD
	refresh []byte
	guesses []byte
}

// NewMaster derives the working keys from a master key of MasterKeySize bytes.
func NewMaster(key []byte) (*Master, error) {
	if len(key) != MasterKeySize {
		return nil, fmt.Errorf("the master key has %d bytes, it needs %d", len(key), MasterKeySize)
	}
	id, err := hkdf.Key(sha256.New, key, nil, "grantd master-key name v1", masterID/2)
	if err != nil {
		return nil, fmt.Errorf("derive the name of the master key: %w", err)
	}
	sealKey, err := hkdf.Key(sha256.New, key, nil, "grantd signing-key seal v1", workingKey)
	if err != nil {
		return nil, fmt.Errorf("derive the sealing key: %w", err)
	}
	refresh, err := hkdf.Key(sha256.New, key, nil, "grantd refresh-token mac v1", workingKey)
	if err != nil {
		return nil, fmt.Errorf("derive the refresh-token key: %w", err)
	}
	guesses, err := hkdf.Key(sha256.New, key, nil, "grantd guess mac v1", workingKey)
	if err != nil {
		return nil, fmt.Errorf("derive the key of what is guessed: %w", err)
	}
	return newMaster(hex.EncodeToString(id), sealKey, refresh, guesses)
}

const (
	masterID   = 16 // characters of a master key's name
	workingKey = 32 // bytes of each key that is derived from it
)

func newMaster(id string, sealKey, refresh, guesses []byte) (*Master, error) {
	block, err := aes.NewCipher(sealKey)
	if err != nil {
		return nil, fmt.Errorf("set up the seal: %w", err)
	}
	seal, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("set up the seal: %w", err)
	}
	return &Master{id: id, sealKey: sealKey, seal: seal, refresh: refresh, guesses: guesses}, nil
}

// ID names the master key. It is no secret: it tells which key something was sealed with, and
// nothing else about it.
func (m *Master) ID() string { return m.id }

// GuessMAC stands in for what somebody typed or a browser sent, where that is counted: whoever has
// not the master key can neither tell what it was nor make another one. It is of 128 bits, in base64url.
func (m *Master) GuessMAC(text string) string {
	mac := hmac.New(sha256.New, m.guesses)
	mac.Write([]byte(text))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:16])
}

// NewMasterKey makes a random master key.
func NewMasterKey() []byte {
	key := make([]byte, MasterKeySize)
	rand.Read(key) // never fails: crypto/rand ends the program instead
	return key
}

// sealFor encrypts plain for the key named id. The id is authenticated, so that
// one row's private half cannot be put into another row.
func (m *Master) sealFor(id string, plain []byte) []byte {
	return m.seal.Seal(nil, nil, plain, []byte(id))
}

func (m *Master) openFor(id string, sealed []byte) ([]byte, error) {
	plain, err := m.seal.Open(nil, nil, sealed, []byte(id))
	if err != nil {
		return nil, ErrSealed
	}
	return plain, nil
}

// SealKey encrypts a key of the server for the row of that kind and id in the database. Neither
// can be changed afterwards, so no row passes for another one.
func (m *Master) SealKey(kind, id string, key []byte) []byte {
	return m.sealFor(sealedName(kind, id), key)
}

// OpenKey is the counterpart of SealKey. It returns ErrSealed when m is not the master key that
// sealed it, or kind or id are others.
func (m *Master) OpenKey(kind, id string, sealed []byte) ([]byte, error) {
	return m.openFor(sealedName(kind, id), sealed)
}

// sealedName is no name that a signing key may have: those are of letters and digits.
func sealedName(kind, id string) string { return "sealed key " + kind + " " + id }
