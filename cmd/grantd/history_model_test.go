package main

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/anishathalye/porcupine"
)

// endOfTime is when a request whose answer was lost is over: until then it may
// still take effect.
const endOfTime = time.Duration(math.MaxInt64)

// authorization is the model of one row: what RotateGrant may know of it. When it
// was rotated is known only as well as clients can tell.
type authorization struct {
	gen         int64
	revoked     bool
	early, late time.Duration // of the last rotation
}

// outcome is one way in which a request may turn out.
type outcome struct {
	row   authorization // afterwards
	given int64         // generation of the token given; 0: refused
	reuse bool          // refused because the token was used before
}

// ask returns every outcome that the contract allows for the request (§4).
func (row authorization) ask(e event, r rules) []outcome {
	end := e.end
	if e.unknown() {
		end = endOfTime
	}
	ended := row
	ended.revoked = true
	switch {
	case e.kind == loggedIn:
		return []outcome{{row: authorization{gen: e.next, early: e.start, late: end}, given: e.next}}
	case e.kind == revoked:
		return []outcome{{row: ended}}
	case row.revoked:
		return []outcome{{row: row}}
	case e.gen >= row.gen: // equal: rotate; ahead: the row was restored from an older copy
		next := authorization{gen: e.gen + 1, early: e.start, late: end}
		return []outcome{{row: next, given: next.gen}}
	case e.gen < row.gen-1:
		return []outcome{{row: ended, reuse: true}}
	}
	// One behind. Where the times do not tell whether the grace is over, both may be.
	var either []outcome
	if shortest := e.start - row.late - r.skew; shortest <= r.grace {
		either = append(either, outcome{row: row, given: row.gen})
	}
	if longest := end - row.early; longest > r.grace-r.skew {
		either = append(either, outcome{row: ended, reuse: true})
	}
	return either
}

// fits tells whether the client would have been answered so.
func (o outcome) fits(e event) bool {
	switch {
	case e.unknown():
		return true
	case e.kind == revoked:
		return e.status == 200
	case e.status == 200:
		return o.given == e.next && o.given != 0
	}
	// Who is told of reuse may have ended the authorization by an earlier request
	// whose answer was lost. To tell them apart takes the search too long.
	return o.given == 0 && o.row.revoked && (e.reused() || !o.reuse)
}

// rotationModel is the contract's generation rules in the form that porcupine checks.
func rotationModel(r rules) porcupine.Model {
	model := porcupine.NondeterministicModel{
		Init: func() []any { return []any{authorization{}} },
		Step: func(state, input, _ any) (next []any) {
			e := input.(event)
			for _, o := range state.(authorization).ask(e, r) {
				if o.fits(e) && !slices.Contains(next, any(o.row)) {
					next = append(next, o.row)
				}
			}
			return next
		},
	}
	return model.ToModel()
}

// outsideModel says whether there is no order of the events of one authorization,
// each taking effect between its request and its answer, that the contract allows.
func outsideModel(part []event, r rules) []string {
	var operations []porcupine.Operation
	for _, e := range part {
		end := e.end
		if e.unknown() {
			end = endOfTime
		}
		if e.kind != used {
			operations = append(operations, porcupine.Operation{Input: e, Call: int64(e.start), Return: int64(end)})
		}
	}
	const limit = 30 * time.Second
	if result := porcupine.CheckOperationsTimeout(rotationModel(r), operations, limit); result != porcupine.Ok {
		return []string{fmt.Sprintf("no order of these events keeps the contract (%s)", result)}
	}
	return nil
}
