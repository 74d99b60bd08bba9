//go:build !race

package token_test

import (
	"strings"
	"testing"
)

// What a token costs beside its signature must not grow unseen.
func TestAllocationsOfAccessTokens(t *testing.T) {
	for _, k := range keysOfAllAlgs(t) {
		t.Run(k.Alg, func(t *testing.T) {
			ring, a := ringOf(t, k), access()
			minted, err := ring.MintAccess(a)
			if err != nil {
				t.Fatal(err)
			}
			sign := rawSign(k, []byte(minted[:strings.LastIndexByte(minted, '.')]))
			limit := allocations(t, func() error { _, err := sign(); return err })
			got := allocations(t, func() error { _, err := ring.MintAccess(a); return err })
			if got > limit+7 {
				t.Errorf("%g allocations, of which the signature needs %g", got, limit)
			}
		})
	}
}

func TestAllocationsOfRefreshTokens(t *testing.T) {
	r, row := refresher(masterOf(t, 1), issued), row()
	minted := mint(t, r, row)
	if got := allocations(t, func() error { _, err := r.Mint(row); return err }); got > 4 {
		t.Errorf("to mint one takes %g allocations", got)
	}
	if got := allocations(t, func() error { _, err := r.Read(minted); return err }); got > 7 {
		t.Errorf("to read one takes %g allocations", got)
	}
}

func allocations(t *testing.T, f func() error) float64 {
	return testing.AllocsPerRun(200, func() {
		if err := f(); err != nil {
			t.Fatal(err)
		}
	})
}
