package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/grantd/grantd/store"
)

const (
	headEvery  = time.Hour
	pruneRows  = 500
	prunePause = 50 * time.Millisecond
	flushTime  = 5 * time.Second
)

// keepEvents lets the events of the server into its database. It takes the key that seals them.
func (s *Server) keepEvents(ctx context.Context) error {
	key, err := SealedKey(ctx, s.DB, s.Master, AuditKey, s.Now())
	if err != nil {
		return err
	}
	db := s.DB
	s.auditKey = key
	s.events.write = func(ctx context.Context, events []store.Event) ([]store.Head, error) {
		return db.AppendEvents(ctx, key, events)
	}
	s.events.routine = s.RoutineRetention > 0
	return nil
}

// started notes that the server runs, and with which settings.
func (s *Server) started(ctx context.Context) {
	s.audit(ctx, slog.LevelInfo, store.Event{Type: "server.started", Detail: store.Detail{"version": s.Version, "issuer": s.Issuer, "settings": s.Settings}})
}

// stopped notes that the server ends, when nothing else of it runs any more, and writes what waits.
func (s *Server) stopped(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushTime)
	defer cancel()
	s.audit(ctx, slog.LevelInfo, store.Event{Type: "server.stopped", Detail: store.Detail{"version": s.Version}})
	s.events.flush(ctx)
	s.warn(ctx, "note the heads of the audit log", s.noteHeads(ctx))
	s.events.flush(ctx)
}

// noteHeads writes to the log how far the chains of events have come: a log that is kept elsewhere proves that nothing was cut off
// their ends.
func (s *Server) noteHeads(ctx context.Context) error {
	heads, err := s.DB.EventHeads(ctx)
	if err != nil || len(heads) == 0 {
		return err
	}
	detail := store.Detail{}
	for _, head := range heads {
		detail[head.Chain] = head.String()
	}
	s.audit(ctx, slog.LevelInfo, store.Event{Type: "audit.head", Detail: detail})
	return nil
}

// pruneEvents deletes what has been kept for long enough, in small batches.
func (s *Server) pruneEvents(ctx context.Context) error {
	var failed []error // what is wrong with one chain keeps nobody from the other
	for chain, keep := range map[string]time.Duration{store.Decisions: s.AuditRetention, store.Routine: s.RoutineRetention} {
		if keep <= 0 && chain == store.Decisions {
			continue
		}
		if err := s.pruneChain(ctx, chain, s.Now().Add(-keep)); err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", chain, err))
		}
	}
	return errors.Join(failed...)
}

func (s *Server) pruneChain(ctx context.Context, chain string, before time.Time) error {
	for {
		limited, cancel := context.WithTimeout(ctx, taskTime)
		deleted, err := s.DB.PruneEvents(limited, s.auditKey, chain, before, pruneRows)
		cancel()
		if err != nil || deleted < pruneRows {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(prunePause):
		}
	}
}
