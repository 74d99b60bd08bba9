package main

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// invariants are the promises that need no model: one sentence for each that was
// broken in the events of one authorization.
func invariants(part []event) (problems []string) {
	for _, check := range []func([]event) []string{
		oneSuccessor, nobodySignedOut, revocationsStay, orderlyAnswers,
	} {
		problems = append(problems, check(part)...)
	}
	return problems
}

// oneSuccessor: no generation is honoured twice. Whoever presents it gets the same
// refresh token, to the byte.
func oneSuccessor(part []event) (problems []string) {
	first := map[int64]event{}
	for _, e := range part {
		if e.kind != refreshed || e.status != 200 {
			continue
		}
		before, known := first[e.gen]
		if known && before.refresh != e.refresh {
			problems = append(problems, fmt.Sprintf("generation %d was honoured twice:\n\t%s\n\t%s", e.gen, before, e))
		}
		if !known {
			first[e.gen] = e
		}
	}
	return problems
}

// nobodySignedOut: who uses the last token given, and repeats it when the answer
// was lost, is refused only what somebody else ended.
func nobodySignedOut(part []event) (problems []string) {
	ending := firstStart(part, func(e event) bool { return e.kind == revoked || e.stolen })
	for _, e := range part {
		refused := e.kind == refreshed && !e.stolen && e.status == 400 || e.kind == used && e.status == 401
		if refused && ending > e.end {
			problems = append(problems, "a client was signed out: "+e.String())
		}
	}
	return problems
}

// revocationsStay: after a revocation was acknowledged no refresh succeeds, and
// within a second no replica honours an access token.
func revocationsStay(part []event) (problems []string) {
	ended := time.Duration(math.MaxInt64)
	for _, e := range part {
		if acknowledged(e) {
			ended = min(ended, e.end)
		}
	}
	if ended == math.MaxInt64 {
		return nil
	}
	for _, e := range part {
		if e.status != 200 {
			continue
		}
		switch {
		case e.kind == refreshed && e.start > ended:
			problems = append(problems, fmt.Sprintf("the revocation of %.3fs was forgotten: %s", ended.Seconds(), e))
		case e.kind == used && e.start > ended+effective:
			problems = append(problems, fmt.Sprintf("the revocation of %.3fs is not known %s later: %s", ended.Seconds(), e.start-ended, e))
		}
	}
	return problems
}

// acknowledged tells whether somebody now knows that the authorization has ended.
func acknowledged(e event) bool {
	return e.kind == revoked && e.status == 200 || e.kind == refreshed && e.status == 400
}

// reused tells whether the server said that this very request ended the authorization.
func (e event) reused() bool {
	return e.kind == refreshed && e.status == 400 && strings.Contains(e.said, "used before")
}

// orderlyAnswers: what is not done is refused with a reason that a client knows
// how to take. No fault becomes a 500.
func orderlyAnswers(part []event) (problems []string) {
	for _, e := range part {
		switch {
		case e.unknown() || e.status == 200:
		case e.kind == refreshed && e.status == 400 && strings.HasPrefix(e.said, "invalid_grant"):
		case e.kind == used && e.status == 401:
		default:
			problems = append(problems, "an answer that nobody expects: "+e.String())
		}
	}
	return problems
}

// firstStart is when the first event that ok chooses began, or the end of time.
func firstStart(part []event, ok func(event) bool) time.Duration {
	first := time.Duration(math.MaxInt64)
	for _, e := range part {
		if ok(e) {
			first = min(first, e.start)
		}
	}
	return first
}
