package server

import (
	"context"
	"log/slog"
	"maps"
	"slices"

	"github.com/grantd/grantd/store"
)

// audit logs a security event with the request it came from.
func (f *frame) audit(ctx context.Context, level slog.Level, e store.Event) {
	e.RequestID = recordOf(ctx).id
	f.log.LogAttrs(ctx, level, "audit", eventAttrs(e)...)
}

// eventAttrs is an event as the log has it.
func eventAttrs(e store.Event) []slog.Attr {
	attrs := []slog.Attr{slog.String("event", e.Type), slog.String("id", e.RequestID)}
	for _, a := range [...]struct{ key, value string }{{"grant", e.GrantID}, {"client", e.ClientID}, {"subject", e.Subject}} {
		if a.value != "" {
			attrs = append(attrs, slog.String(a.key, a.value))
		}
	}
	for _, key := range slices.Sorted(maps.Keys(e.Detail)) {
		attrs = append(attrs, slog.Any(key, e.Detail[key]))
	}
	return attrs
}
