package token

import "fmt"

const (
	kindMaster  = "master"
	kindRefresh = "refresh"
)

// Wrap seals the keys of another master key, or its own, for the row of that id. Whoever holds m can
// work with them; of m they say nothing.
func (m *Master) Wrap(id string, keys *Master) []byte {
	plain := append([]byte(keys.id), keys.sealKey...)
	plain = append(plain, keys.refresh...)
	plain = append(plain, keys.guesses...)
	defer clear(plain)
	return m.SealKey(kindMaster, id, plain)
}

// Unwrap is the counterpart of Wrap: it gives the keys that m opens. It returns ErrSealed when m
// opens nothing there.
func (m *Master) Unwrap(id string, wrapped []byte) (*Master, error) {
	plain, err := m.OpenKey(kindMaster, id, wrapped)
	if err != nil {
		return nil, err
	}
	if len(plain) != masterID+3*workingKey {
		return nil, fmt.Errorf("the keys of a master key have %d bytes: %w", len(plain), ErrSealed)
	}
	name, plain := string(plain[:masterID]), plain[masterID:]
	return newMaster(name, plain[:workingKey], plain[workingKey:2*workingKey], plain[2*workingKey:])
}

// ResealSigningKey seals a private half anew that from has sealed. It returns ErrSealed when from did not.
func (m *Master) ResealSigningKey(from *Master, id string, sealed []byte) ([]byte, error) {
	plain, err := from.openFor(id, sealed)
	if err != nil {
		return nil, err
	}
	defer clear(plain)
	return m.sealFor(id, plain), nil
}

// ResealKey seals a key of the server anew that from has sealed. It returns ErrSealed when from did not.
func (m *Master) ResealKey(from *Master, kind, id string, sealed []byte) ([]byte, error) {
	plain, err := from.OpenKey(kind, id, sealed)
	if err != nil {
		return nil, err
	}
	defer clear(plain)
	return m.SealKey(kind, id, plain), nil
}

// RefreshKey reads refresh tokens that a master key made which is no longer in use.
type RefreshKey struct{ mac *mac }

// SealRefreshKey seals the key of from's refresh tokens for the row of that id.
func (m *Master) SealRefreshKey(id string, from *Master) []byte {
	return m.SealKey(kindRefresh, id, from.refresh)
}

// OpenRefreshKey is the counterpart of SealRefreshKey. It returns ErrSealed when m did not seal it.
func (m *Master) OpenRefreshKey(id string, sealed []byte) (RefreshKey, error) {
	key, err := m.OpenKey(kindRefresh, id, sealed)
	if err != nil {
		return RefreshKey{}, err
	}
	return RefreshKey{newMAC(key)}, nil
}

// RefreshKey is the key of the refresh tokens that m makes.
func (m *Master) RefreshKey() RefreshKey { return RefreshKey{newMAC(m.refresh)} }
