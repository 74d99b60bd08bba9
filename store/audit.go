package store

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Operator begins the Actor of events that commands write. Commands need no key, so their events are sealed only by
// the next server that writes, and everybody who may write to the database can write such events.
const Operator = "operator:"

// Head is how far a chain of events has come.
type Head struct {
	Chain string
	Seq   int64  // of the last event; 0 before the first
	Hash  []byte // of the same
}

// String returns the head as [ParseHead] reads it: "decisions:17:" and the hash in hexadecimal.
func (h Head) String() string {
	return h.Chain + ":" + strconv.FormatInt(h.Seq, 10) + ":" + hex.EncodeToString(h.Hash)
}

// ParseHead reads what [Head.String] returns.
func ParseHead(text string) (Head, error) {
	chain, rest, _ := strings.Cut(text, ":")
	number, digits, _ := strings.Cut(rest, ":")
	seq, err := strconv.ParseInt(number, 10, 64)
	hash, err2 := hex.DecodeString(digits)
	if err != nil || err2 != nil || seq < 1 || len(hash) != sha256.Size || chain != Decisions && chain != Routine {
		return Head{}, fmt.Errorf("%q is no head of the audit log; write it as the log has it, such as decisions:17:9f86d0… (64 hexadecimal digits)", text)
	}
	return Head{chain, seq, hash}, nil
}

const (
	chainColumns = `chain, seq, hash, first_seq, first_hash, first_seal`
	eventColumns = `chain, seq, at, type, outcome, request_id, actor, subject, client_id, grant_id, address, detail, hash, sealed_from, seal`
)

// chainRow is a row of audit_chains.
type chainRow struct {
	Head
	firstSeq  int64
	firstHash []byte
	firstSeal []byte
}

// newChain is a chain without events.
func newChain(name string) chainRow {
	return chainRow{Head: Head{Chain: name, Hash: zeroHash[:]}, firstSeq: 1, firstHash: zeroHash[:]}
}

// zeroHash is what the first event of a chain follows.
var zeroHash [sha256.Size]byte

func scanChain(row scanner) (c chainRow, err error) {
	err = row.Scan(&c.Chain, &c.Seq, &c.Hash, &c.firstSeq, &c.firstHash, &c.firstSeal)
	return c, err
}

// lockChain reads the row of a chain, which it makes if there is none, and holds it until tx ends.
func (db *DB) lockChain(ctx context.Context, tx *sql.Tx, name string) (chainRow, error) {
	c, err := db.readLocked(ctx, tx, name)
	if !errors.Is(err, sql.ErrNoRows) {
		return c, err
	}
	empty := newChain(name)
	_, err = tx.ExecContext(ctx, `INSERT INTO audit_chains (`+chainColumns+`) VALUES ($1, 0, $2, 1, $3, NULL) ON CONFLICT DO NOTHING`,
		name, empty.Hash, empty.firstHash)
	if err != nil {
		return chainRow{}, err
	}
	return db.readLocked(ctx, tx, name) // another one may have made it, and used it
}

func (db *DB) readLocked(ctx context.Context, tx *sql.Tx, name string) (chainRow, error) {
	return scanChain(tx.QueryRowContext(ctx, db.dialect.words(`SELECT `+chainColumns+` FROM audit_chains WHERE chain = $1 /*lock FOR UPDATE*/`), name))
}

// eventRow is a row of audit_events.
type eventRow struct {
	StoredEvent
	detail     string // as it is in the row
	hash       []byte
	sealedFrom int64
	seal       []byte
}

func scanEvent(row scanner) (r eventRow, err error) {
	err = row.Scan(&r.Chain, &r.Seq, instant{&r.At}, &r.Type, &r.Outcome, &r.RequestID, &r.Actor, &r.Subject, &r.ClientID, &r.GrantID, &r.Address,
		&r.detail, &r.hash, &r.sealedFrom, &r.seal)
	r.Detail.read(r.detail)
	return r, err
}

// after is the hash of a row that follows one with the hash before. Version 1: the hash before, a byte for the
// version, and the columns in their order, texts with their length before them, numbers in eight bytes.
func (r *eventRow) after(before []byte) []byte {
	b := append(make([]byte, 0, 512), before...)
	b = appendText(append(b, 1), r.Chain)
	b = appendNumber(appendNumber(b, r.Seq), millis(r.At))
	for _, text := range [...]string{r.Type, r.Outcome, r.RequestID, r.Actor, r.Subject, r.ClientID, r.GrantID, r.Address, r.detail} {
		b = appendText(b, text)
	}
	sum := sha256.Sum256(b)
	return sum[:]
}

func appendText(b []byte, text string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}

func appendNumber(b []byte, n int64) []byte { return binary.BigEndian.AppendUint64(b, uint64(n)) }

// sealOf is what a server with the key writes beside the last of the events that it adds: it added those from sealedFrom on.
func (r *eventRow) sealOf(key []byte) []byte {
	return sealed(key, "grantd audit events 1", r.Chain, r.sealedFrom, r.Seq, r.hash)
}

// sealOf is what a server with the key writes when it prunes.
func (c chainRow) sealOf(key []byte) []byte {
	return sealed(key, "grantd audit front 1", c.Chain, c.firstSeq, 0, c.firstHash)
}

func sealed(key []byte, purpose, chain string, from, to int64, hash []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write(append(appendNumber(appendNumber(appendText(appendText(nil, purpose), chain), from), to), hash...))
	return mac.Sum(nil)
}

// same compares two hashes, or two seals: neither is a secret that could be guessed byte by byte from the time.
func same(a, b []byte) bool { return bytes.Equal(a, b) }
