package server

import "hash/maphash"

// seenBits is how large a table of addresses is: 4 MiB. A million logins from different addresses make one in a hundred others
// look as if somebody had logged in there, too, which costs no more than a look.
const seenBits = 1 << 25

// seenHashes is how many bits stand for a text.
const seenHashes = 4

// seen knows from which addresses people have logged in, however many these are: it forgets none (a Bloom filter). If it
// did, others could have an address forgotten by logging in elsewhere, and then lock its user out. It is not locked.
type seen struct {
	seed maphash.Seed
	bits []uint64
}

func newSeen() seen { return seen{maphash.MakeSeed(), make([]uint64, seenBits/64)} }

// note notes that a user logged in from an address.
func (s seen) note(address, userID string) {
	by := userID + " " + address
	if s.has(address) && !s.has(by) {
		s.add("shared " + address)
	}
	s.add(address)
	s.add(by)
}

// shared is whether several users have logged in from an address.
func (s seen) shared(address string) bool { return s.has("shared " + address) }

// has is whether text was added. It may be wrong if it says so.
func (s seen) has(text string) bool {
	for _, bit := range s.places(text) {
		if s.bits[bit/64]&(1<<(bit%64)) == 0 {
			return false
		}
	}
	return true
}

func (s seen) add(text string) {
	for _, bit := range s.places(text) {
		s.bits[bit/64] |= 1 << (bit % 64)
	}
}

// places are the bits that stand for a text.
func (s seen) places(text string) (bits [seenHashes]uint32) {
	sum := maphash.String(s.seed, text)
	at, step := uint32(sum), uint32(sum>>32)|1
	for i := range bits {
		bits[i] = at % seenBits
		at += step
	}
	return bits
}
