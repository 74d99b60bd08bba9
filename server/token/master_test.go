package token_test

import (
	"bytes"
	"crypto/x509"
	"errors"
	"testing"
	"time"

	"github.com/grantd/grantd/server/token"
)

var (
	issued = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	pairs  = []string{token.ES256, token.EdDSA, token.RS256} // algorithms with two halves
)

// masterOf makes the master key of 32 times the same byte.
func masterOf(t testing.TB, b byte) *token.Master {
	t.Helper()
	m, err := token.NewMaster(bytes.Repeat([]byte{b}, token.MasterKeySize))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func generate(t testing.TB, alg string, signFrom time.Time) token.SigningKey {
	t.Helper()
	k, err := token.GenerateKey(alg, signFrom)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func marshal(t testing.TB, k token.SigningKey, m *token.Master) (public, sealed []byte) {
	t.Helper()
	public, sealed, err := k.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return public, sealed
}

func TestMasterKeySize(t *testing.T) {
	for _, size := range []int{0, 16, 31, 33, 64} {
		if _, err := token.NewMaster(make([]byte, size)); err == nil {
			t.Errorf("a master key of %d bytes was taken", size)
		}
	}
	one, other := token.NewMasterKey(), token.NewMasterKey()
	if len(one) != token.MasterKeySize || bytes.Equal(one, other) || bytes.Equal(one, make([]byte, token.MasterKeySize)) {
		t.Error("NewMasterKey does not make random keys")
	}
}

func TestSealedKey(t *testing.T) {
	m := masterOf(t, 1)
	k, other := generate(t, token.ES256, issued), generate(t, token.ES256, issued)
	_, sealed := marshal(t, k, m)
	_, otherSealed := marshal(t, other, m)

	flipped := func(i int) []byte {
		altered := bytes.Clone(sealed)
		altered[i] ^= 1
		return altered
	}
	for name, c := range map[string]struct {
		master *token.Master
		id     string
		sealed []byte
	}{
		"wrong master key":              {masterOf(t, 2), k.ID, sealed},
		"first byte altered":            {m, k.ID, flipped(0)},
		"middle altered":                {m, k.ID, flipped(len(sealed) / 2)},
		"last byte altered":             {m, k.ID, flipped(len(sealed) - 1)},
		"truncated":                     {m, k.ID, sealed[:len(sealed)-1]},
		"shorter than a nonce":          {m, k.ID, sealed[:5]},
		"empty":                         {m, k.ID, nil},
		"private half of another row":   {m, k.ID, otherSealed},
		"the row has the id of another": {m, other.ID, sealed},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := token.OpenKey(c.master, c.id, token.ES256, issued, c.sealed); !errors.Is(err, token.ErrSealed) {
				t.Errorf("error %v, want ErrSealed", err)
			}
		})
	}
	if _, err := token.OpenKey(m, k.ID, token.ES256, issued, sealed); err != nil {
		t.Errorf("the key itself: %v", err)
	}
}

// What lies in the database is neither the private half nor the same each time.
func TestSealHides(t *testing.T) {
	m := masterOf(t, 1)
	k := generate(t, token.EdDSA, issued)
	private, err := x509.MarshalPKCS8PrivateKey(k.Private())
	if err != nil {
		t.Fatal(err)
	}
	public, sealed := marshal(t, k, m)
	_, again := marshal(t, k, m)
	seed := private[len(private)-32:]
	if bytes.Contains(sealed, seed) || bytes.Contains(public, seed) {
		t.Error("the seed of the private key is legible")
	}
	if bytes.Equal(sealed, again) {
		t.Error("sealed twice with the same nonce")
	}
}

func TestSealKey(t *testing.T) {
	m := masterOf(t, 1)
	sealed := m.SealKey("audit", "a1", []byte("a secret"))
	if key, err := m.OpenKey("audit", "a1", sealed); err != nil || string(key) != "a secret" {
		t.Errorf("opened %q, %v", key, err)
	}
	if bytes.Contains(sealed, []byte("a secret")) || bytes.Equal(sealed, m.SealKey("audit", "a1", []byte("a secret"))) {
		t.Error("what is sealed is legible, or has the same nonce each time")
	}
	for name, c := range map[string]struct {
		master   *token.Master
		kind, id string
	}{
		"wrong master key": {masterOf(t, 2), "audit", "a1"},
		"another kind":     {m, "refresh", "a1"},
		"another id":       {m, "audit", "a2"},
	} {
		if _, err := c.master.OpenKey(c.kind, c.id, sealed); !errors.Is(err, token.ErrSealed) {
			t.Errorf("%s: %v, want ErrSealed", name, err)
		}
	}
}

// The name of a master key is in the database for good: it may not change.
func TestMasterID(t *testing.T) {
	if id, want := masterOf(t, 1).ID(), "4a8fcb8765180f94"; id != want {
		t.Errorf("the name is %s, want %s", id, want)
	}
}

// One master key can be given the keys of another one to work with.
func TestWrap(t *testing.T) {
	old, next := masterOf(t, 1), masterOf(t, 2)
	k := generate(t, token.ES256, issued)
	_, sealed := marshal(t, k, old)
	wrapped := next.Wrap("master.next", old)
	keys, err := next.Unwrap("master.next", wrapped)
	if err != nil {
		t.Fatal(err)
	}
	if keys.ID() != old.ID() || !bytes.Equal(keys.MACKey(), old.MACKey()) {
		t.Errorf("unwrapped %s, want %s", keys.ID(), old.ID())
	}
	if _, err := token.OpenKey(keys, k.ID, token.ES256, issued, sealed); err != nil {
		t.Error(err)
	}
	if bytes.Contains(wrapped, old.MACKey()) {
		t.Error("a key is legible")
	}
	for name, err := range map[string]error{
		"the other master key": second(old.Unwrap("master.next", wrapped)),
		"another row":          second(next.Unwrap("master", wrapped)),
		"not keys":             second(next.Unwrap("master", next.SealKey("master", "master", []byte("short")))),
		"altered":              second(next.Unwrap("master.next", wrapped[1:])),
	} {
		if !errors.Is(err, token.ErrSealed) {
			t.Errorf("%s: %v, want ErrSealed", name, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestReseal(t *testing.T) {
	old, next := masterOf(t, 1), masterOf(t, 2)
	k := generate(t, token.ES256, issued)
	_, sealed := marshal(t, k, old)
	resealed, err := next.ResealSigningKey(old, k.ID, sealed)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := token.OpenKey(next, k.ID, token.ES256, issued, resealed); err != nil {
		t.Errorf("with the new master key: %v", err)
	}
	if _, err := token.OpenKey(old, k.ID, token.ES256, issued, resealed); !errors.Is(err, token.ErrSealed) {
		t.Errorf("with the old master key: %v", err)
	}
	key, err := next.ResealKey(old, "audit", "a", old.SealKey("audit", "a", []byte("secret")))
	if err != nil {
		t.Fatal(err)
	}
	if plain, err := next.OpenKey("audit", "a", key); err != nil || string(plain) != "secret" {
		t.Errorf("%q, %v", plain, err)
	}
	for name, err := range map[string]error{
		"a signing key of another": second(next.ResealSigningKey(next, k.ID, sealed)),
		"a key of another":         second(next.ResealKey(next, "audit", "a", old.SealKey("audit", "a", nil))),
	} {
		if !errors.Is(err, token.ErrSealed) {
			t.Errorf("%s: %v, want ErrSealed", name, err)
		}
	}
}

// Tokens of a master key from before are read, and none are made.
func TestRefresherWithOldKeys(t *testing.T) {
	old, now := masterOf(t, 1), masterOf(t, 2)
	key, err := now.OpenRefreshKey("refresh.1", now.SealRefreshKey("refresh.1", old))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := old.OpenRefreshKey("refresh.1", now.SealRefreshKey("refresh.1", old)); !errors.Is(err, token.ErrSealed) {
		t.Errorf("opened by another: %v", err)
	}
	r := refresher(now, issued)
	before := mint(t, refresher(old, issued), row())
	if _, err := r.Read(before); !errors.Is(err, token.ErrOtherKey) || !errors.Is(err, token.ErrNotRefresh) {
		t.Errorf("without the old key: %v", err)
	}
	r.Use(now, key)
	if got, err := r.Read(before); err != nil || got.GrantID != row().GrantID {
		t.Errorf("with the old key: %+v, %v", got, err)
	}
	if minted := mint(t, r, row()); minted != mint(t, refresher(now, issued), row()) {
		t.Error("it mints with another key")
	}
	if _, err := r.Read("eyJ" + before); !errors.Is(err, token.ErrNotRefresh) || errors.Is(err, token.ErrOtherKey) {
		t.Errorf("no refresh token: %v", err)
	}
}
