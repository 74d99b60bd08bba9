package store

import (
	"context"
	"database/sql"
	"slices"
)

// AppendEvents adds events behind the last ones of their chains, all or none, and returns how far those chains have come. Whoever adds waits
// for who adds at the same time. With a key, which servers have, what is added is sealed: nobody without it can
// change it unnoticed. Without one, which is for commands, the hashes alone hold it in place.
func (db *DB) AppendEvents(ctx context.Context, key []byte, events []Event) (heads []Head, err error) {
	rows := byChain(events)
	statements, err := db.insertStatements(ctx)
	if err != nil {
		return nil, db.dialect.fault(ctx, err)
	}
	err = db.update(ctx, func(tx *sql.Tx) error {
		heads = heads[:0]
		for _, name := range chains { // always in this order, so that two never wait for each other
			if len(rows[name]) == 0 {
				continue
			}
			head, err := db.appendTo(ctx, tx, name, key, rows[name], statements)
			if err != nil {
				return err
			}
			heads = append(heads, head)
		}
		return nil
	})
	return heads, err
}

func byChain(events []Event) map[string][]eventRow {
	rows := map[string][]eventRow{}
	for _, e := range events {
		chain := Decisions
		if e.Routine() {
			chain = Routine
		}
		rows[chain] = append(rows[chain], eventRow{StoredEvent: StoredEvent{Chain: chain, Event: e.kept()}, detail: e.Detail.text()})
	}
	return rows
}

func (db *DB) appendTo(ctx context.Context, tx *sql.Tx, name string, key []byte, rows []eventRow, statements []insertRows) (Head, error) {
	c, err := db.lockChain(ctx, tx, name)
	if err != nil {
		return Head{}, err
	}
	head := c.Head
	for i := range rows {
		r := &rows[i]
		r.Seq, r.sealedFrom, r.seal = head.Seq+1, 0, nil
		r.hash = r.after(head.Hash)
		head.Seq, head.Hash = r.Seq, r.hash
	}
	if len(key) > 0 {
		last := &rows[len(rows)-1]
		last.sealedFrom = rows[0].Seq
		last.seal = last.sealOf(key)
	}
	if err := insertEvents(ctx, tx, rows, statements); err != nil {
		return Head{}, err
	}
	_, err = tx.ExecContext(ctx, `UPDATE audit_chains SET seq = $2, hash = $3 WHERE chain = $1`, name, head.Seq, head.Hash)
	return head, err
}

// insertRows writes that many events at once.
type insertRows struct {
	rows  int
	query string
	stmt  *sql.Stmt // nil: the driver keeps it prepared
}

var eventTable = newTable("audit_events", 2, eventColumns)

// insertSizes are few, so that there are few statements to prepare.
var insertSizes = []int{64, 16, 4, 1}

func (db *DB) insertStatements(ctx context.Context) (all []insertRows, err error) {
	for _, n := range insertSizes {
		if n > db.dialect.statementRows() {
			continue
		}
		s := insertRows{rows: n, query: insertEvent(n)}
		if db.dialect.prepares {
			if s.stmt, err = db.write.stmt(ctx, s.query); err != nil {
				return nil, err
			}
		}
		all = append(all, s)
	}
	return all, nil
}

func insertEvent(rows int) string {
	return `INSERT INTO audit_events (` + eventColumns + `) VALUES ` + tuples(rows, len(eventTable.columns))
}

func insertEvents(ctx context.Context, tx *sql.Tx, rows []eventRow, statements []insertRows) error {
	for _, s := range statements {
		for ; len(rows) >= s.rows; rows = rows[s.rows:] {
			if err := s.run(ctx, tx, rows[:s.rows]); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s insertRows) run(ctx context.Context, tx *sql.Tx, rows []eventRow) (err error) {
	args := make([]any, 0, len(rows)*len(eventTable.columns))
	for i := range rows {
		args = append(args, rows[i].values()...)
	}
	if s.stmt != nil {
		_, err = tx.StmtContext(ctx, s.stmt).ExecContext(ctx, args...)
	} else {
		_, err = tx.ExecContext(ctx, s.query, args...)
	}
	return err
}

func (r *eventRow) values() []any {
	var seal any // NULL, and not an empty value, where there is none
	if r.seal != nil {
		seal = slices.Clone(r.seal)
	}
	return []any{r.Chain, r.Seq, millis(r.At), r.Type, r.Outcome, r.RequestID, r.Actor, r.Subject, r.ClientID, r.GrantID, r.Address,
		r.detail, r.hash, r.sealedFrom, seal}
}
