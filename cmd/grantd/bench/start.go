package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Start is how long a server takes from its start as a process to its first answer of 200, in milliseconds, and what it
// holds in memory then.
type Start struct {
	NewDatabase float64 `json:"new_database_ms"` // that it makes; 0: not measured
	Database    float64 `json:"database_ms"`     // that was filled before
	Memory      float64 `json:"memory_mb"`
}

// measureStart starts servers and stops them, each as often as there are runs: the medians count.
func (r *Report) measureStart(ctx context.Context, st *stage, on []int, sqlite bool) error {
	var empty, filled, memory []float64
	for run := range st.Runs {
		if sqlite {
			took, _, err := st.start(ctx, on, sqliteIn(st.Folder, fmt.Sprint("start-", run)))
			if err != nil {
				return err
			}
			empty = append(empty, took)
		}
		took, used, err := st.start(ctx, on, st.Database)
		if err != nil {
			return err
		}
		filled, memory = append(filled, took), append(memory, used)
	}
	r.Start = &Start{median(empty), median(filled), median(memory)}
	say(st.Options, "start: %.0f ms with a new database, %.0f ms with this; %.0f MB", r.Start.NewDatabase, r.Start.Database, r.Start.Memory)
	return nil
}

func (s *stage) start(ctx context.Context, on []int, database string) (ms, mb float64, err error) {
	p, err := launchServer(ctx, s.Folder, on, s.settings(database))
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	to := s.at(p)
	c := to.conn(ctx)
	defer c.close()
	if _, err := c.ask(to.get("/.well-known/oauth-authorization-server", ""), `"issuer"`); err != nil {
		return 0, 0, err
	}
	ms = millis(time.Since(p.started))
	return ms, mega(usageOf(p.cmd.Process.Pid).memory), nil
}

// median is 0 of nothing.
func median(all []float64) float64 {
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[len(all)/2]
}
