package server

import "time"

// ago is how long it has been since then, for people: to the second.
func ago(now, then time.Time) string { return now.Sub(then).Truncate(time.Second).String() }
