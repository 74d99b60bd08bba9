package store

import (
	"cmp"
	"context"
	"database/sql"
	"sync"
)

// pool is a set of connections, those that write or those that read, and the statements prepared
// on them.
type pool struct {
	*sql.DB
	name    string // for who watches: see PoolStats
	dialect *dialect
	reads   bool // nothing else is done on it, so anything may be done twice

	mu    sync.Mutex
	stmts map[string]*sql.Stmt
}

func openPool(ctx context.Context, name string, d *dialect, driver, dsn string, size int) (*pool, error) {
	db, err := sql.Open(driver, dsn)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(size)
	db.SetMaxIdleConns(size)
	if err := db.PingContext(ctx); err != nil {
		db.Close()
		return nil, d.fault(ctx, err)
	}
	return &pool{DB: db, name: name, dialect: d, stmts: map[string]*sql.Stmt{}}, nil
}

func (p *pool) onlyReads() bool { return p.reads }

// stmt prepares query once and keeps it. It must not be called inside a transaction, which may
// hold the only connection.
func (p *pool) stmt(ctx context.Context, query string) (*sql.Stmt, error) {
	if s := p.prepared(query, nil); s != nil {
		return s, nil
	}
	s, err := p.PrepareContext(ctx, query) // unlocked: it may wait for a connection
	if err != nil {
		return nil, err
	}
	return p.prepared(query, s), nil
}

// prepared returns the statement that is kept for query, which is s unless there was one before.
func (p *pool) prepared(query string, s *sql.Stmt) *sql.Stmt {
	p.mu.Lock()
	defer p.mu.Unlock()
	if kept := p.stmts[query]; kept != nil {
		if s != nil {
			s.Close()
		}
		return kept
	}
	if s != nil {
		p.stmts[query] = s
	}
	return s
}

// query runs one statement, in a transaction of its own.
func (p *pool) query(ctx context.Context, query string, args []any) (*sql.Rows, error) {
	if !p.dialect.prepares {
		return p.QueryContext(ctx, p.dialect.words(query), args...)
	}
	s, err := p.stmt(ctx, query)
	if err != nil {
		return nil, err
	}
	return s.QueryContext(ctx, args...)
}

// exec runs one statement in a transaction of its own and returns how many rows it changed.
func (p *pool) exec(ctx context.Context, query string, args ...any) (n int, err error) {
	err = p.dialect.attempt(ctx, p.onlyReads, func() error {
		n, err = p.execOnce(ctx, query, args)
		return err
	})
	return n, err
}

func (p *pool) execOnce(ctx context.Context, query string, args []any) (n int, err error) {
	ctx, done := p.dialect.statement(ctx, query)
	defer func() { done(err) }()
	if !p.dialect.prepares {
		return affected(p.ExecContext(ctx, p.dialect.words(query), args...))
	}
	s, err := p.stmt(ctx, query)
	if err != nil {
		return 0, err
	}
	return affected(s.ExecContext(ctx, args...))
}

func affected(res sql.Result, err error) (int, error) {
	if err != nil {
		return 0, err
	}
	n, err := res.RowsAffected()
	return int(n), err
}

// scanner is a *sql.Row or *sql.Rows.
type scanner interface{ Scan(dest ...any) error }

// one returns the row that query finds or changes, ErrNotFound when there is none.
func one[T any](ctx context.Context, p *pool, scan func(scanner) (T, error), query string, args ...any) (row T, err error) {
	err = p.dialect.attempt(ctx, p.onlyReads, func() error {
		row, err = scanOne(ctx, p, scan, query, args)
		return err
	})
	return row, err
}

func scanOne[T any](ctx context.Context, p *pool, scan func(scanner) (T, error), query string, args []any) (row T, err error) {
	ctx, done := p.dialect.statement(ctx, query)
	defer func() { done(err) }()
	rows, err := p.query(ctx, query, args)
	if err != nil {
		return row, err
	}
	defer rows.Close()
	if !rows.Next() {
		return row, cmp.Or(rows.Err(), sql.ErrNoRows)
	}
	if row, err = scan(rows); err != nil {
		return row, err
	}
	return row, rows.Close() // commits what the statement changed: its error counts
}

// list returns all rows that query finds.
func list[T any](ctx context.Context, p *pool, scan func(scanner) (T, error), query string, args ...any) (all []T, err error) {
	err = p.dialect.attempt(ctx, p.onlyReads, func() error {
		all, err = scanAll(ctx, p, scan, query, args)
		return err
	})
	return all, err
}

func scanAll[T any](ctx context.Context, p *pool, scan func(scanner) (T, error), query string, args []any) (all []T, err error) {
	ctx, done := p.dialect.statement(ctx, query)
	defer func() { done(err) }()
	rows, err := p.query(ctx, query, args)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		row, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, row)
	}
	return all, rows.Err()
}

// update runs change in one transaction, which commits if change returns nil. Change may be run
// again from the start, so it assigns what it finds out and never adds to it.
func (db *DB) update(ctx context.Context, change func(tx *sql.Tx) error) error {
	committing := false
	// Up to the commit nothing has happened, whatever became of the connection.
	return db.dialect.attempt(ctx, func() bool { return !committing }, func() (err error) {
		committing, err = db.updateOnce(ctx, change)
		return err
	})
}

func (db *DB) updateOnce(ctx context.Context, change func(tx *sql.Tx) error) (committing bool, err error) {
	ctx, done := db.dialect.span(ctx, "transaction")
	defer func() { done(err) }()
	tx, err := db.write.BeginTx(ctx, &sql.TxOptions{Isolation: db.dialect.isolation})
	if err != nil {
		return false, err
	}
	defer tx.Rollback()
	if err := change(tx); err != nil {
		return false, err
	}
	return true, tx.Commit()
}
