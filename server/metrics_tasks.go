package server

import (
	"sync"
	"time"

	"github.com/grantd/grantd/server/telemetry"
)

// taskMetrics are of work in the background. Its names are those of the log.
type taskMetrics struct {
	mu   sync.Mutex
	last map[string]taskRun
}

// taskRun is how a task went lately.
type taskRun struct {
	every     time.Duration
	succeeded time.Time // the last time; zero: never yet
	took      time.Duration
	failing   bool
}

func newTaskMetrics(m *telemetry.Metrics) *taskMetrics {
	t := &taskMetrics{last: map[string]taskRun{}}
	each := func(read func(taskRun) float64) func(telemetry.Emit) {
		return func(emit telemetry.Emit) {
			t.mu.Lock()
			defer t.mu.Unlock()
			for name, run := range t.last {
				emit(read(run), name)
			}
		}
	}
	m.Func(telemetry.Gauge, "task_last_success_timestamp_seconds", "When the task last succeeded; before its first run, when it was set up.",
		each(func(r taskRun) float64 { return seconds(r.succeeded) }), "task")
	m.Func(telemetry.Gauge, "task_last_duration_seconds", "How long the task took the last time.",
		each(func(r taskRun) float64 { return r.took.Seconds() }), "task")
	m.Func(telemetry.Gauge, "task_interval_seconds", "How long the task rests before it runs again.",
		each(func(r taskRun) float64 { return r.every.Seconds() }), "task")
	m.Func(telemetry.Gauge, "task_failing", "Whether the task failed the last time, 0 or 1.", each(func(r taskRun) float64 { return float64(truth(r.failing)) }), "task")
	return t
}

// expect names a task before its first run: an alert must see one that never succeeds.
func (t *taskMetrics) expect(name string, every time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last[name] = taskRun{every: every, succeeded: time.Now()}
}

// note takes down one run.
func (t *taskMetrics) note(name string, took time.Duration, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	run := t.last[name]
	run.took, run.failing = took, err != nil
	if err == nil {
		run.succeeded = time.Now()
	}
	t.last[name] = run
}
