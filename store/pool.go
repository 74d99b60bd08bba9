package store

import (
	"context"
	"database/sql"
	"sync"
)

// pool is a set of connections, those that write or those that read, and the statements prepared
// on them.
type pool struct {
	*sql.DB
	dialect *dialect

	mu    sync.Mutex
	stmts map[string]*sql.Stmt
}

func openPool(ctx context.Context, d *dialect, dsn string, size int) (*pool, error) {
	db, err := sql.Open(d.driver, dsn)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(size)
	db.SetMaxIdleConns(size)
	if err := db.PingContext(ctx); err != nil {
		db.Close()
		return nil, d.fault(ctx, err)
	}
	return &pool{DB: db, dialect: d, stmts: map[string]*sql.Stmt{}}, nil
}

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

// exec runs one statement in a transaction of its own and returns how many rows it changed.
func (p *pool) exec(ctx context.Context, query string, args ...any) (int, error) {
	s, err := p.stmt(ctx, query)
	if err != nil {
		return 0, p.dialect.fault(ctx, err)
	}
	n, err := affected(s.ExecContext(ctx, args...))
	return n, p.dialect.fault(ctx, err)
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
func one[T any](ctx context.Context, p *pool, scan func(scanner) (T, error), query string, args ...any) (T, error) {
	s, err := p.stmt(ctx, query)
	if err != nil {
		var none T
		return none, p.dialect.fault(ctx, err)
	}
	// Scan also closes the row, and with it commits what the statement changed: its error counts.
	row, err := scan(s.QueryRowContext(ctx, args...))
	return row, p.dialect.fault(ctx, err)
}

// list returns all rows that query finds.
func list[T any](ctx context.Context, p *pool, scan func(scanner) (T, error), query string, args ...any) ([]T, error) {
	s, err := p.stmt(ctx, query)
	if err != nil {
		return nil, p.dialect.fault(ctx, err)
	}
	rows, err := s.QueryContext(ctx, args...)
	if err != nil {
		return nil, p.dialect.fault(ctx, err)
	}
	defer rows.Close()
	var all []T
	for rows.Next() {
		row, err := scan(rows)
		if err != nil {
			return nil, p.dialect.fault(ctx, err)
		}
		all = append(all, row)
	}
	return all, p.dialect.fault(ctx, rows.Err())
}

// update runs change in one transaction, which commits if change returns nil.
func (db *DB) update(ctx context.Context, change func(tx *sql.Tx) error) error {
	tx, err := db.write.BeginTx(ctx, nil)
	if err != nil {
		return db.dialect.fault(ctx, err)
	}
	defer tx.Rollback()
	if err := change(tx); err != nil {
		return db.dialect.fault(ctx, err)
	}
	return db.dialect.fault(ctx, tx.Commit())
}
