package config

import (
	"time"
)

// maxRetention is ten years: more than any law asks for.
const maxRetention = 10 * 365 * 24 * time.Hour

func (a Audit) check(p *Problems) {
	for _, s := range []struct {
		key, example string
		value        time.Duration
	}{{"audit.retention", "2160h", a.Retention}, {"audit.routine_retention", "168h", a.RoutineRetention}} {
		if s.value != 0 && (s.value < time.Hour || s.value > maxRetention) {
			p.add(s.key, "it is "+formatDuration(s.value), "set it to 0s, or between 1h and 87600h, such as "+s.example)
		}
	}
}

// Shown are the settings that have a value, as Print shows them: without secrets.
func (c Config) Shown() map[string]any {
	shown := map[string]any{}
	for _, l := range table {
		if value := l.show(l.get(&c)); value != "" {
			shown[l.key] = value
		}
	}
	return shown
}
