package bench

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
)

// work is what a run measures: one operation, or several at once.
type work struct {
	name, about string
	parts       []part
}

// part is an operation and how often it is chosen, as against the others.
type part struct {
	operation
	weight float64
}

// mixName is that of several operations at once, in a report.
const mixName = "mix"

// ParseMix reads "refresh=2,me=10".
func ParseMix(text string) (mix []Weight, err error) {
	for pair := range strings.SplitSeq(text, ",") {
		name, value, found := strings.Cut(strings.TrimSpace(pair), "=")
		weight, err := strconv.ParseFloat(value, 64)
		if !found || err != nil {
			return nil, fmt.Errorf("%.40q is no part of a mix; write OPERATION=WEIGHT,…, such as refresh=2,me=10", pair)
		}
		mix = append(mix, Weight{name, weight})
	}
	return mix, checkMix(mix)
}

func checkMix(mix []Weight) error {
	for i, w := range mix {
		op, err := operationOf(w.Operation)
		switch {
		case err != nil:
			return err
		case op.beside:
			return fmt.Errorf("%s is a mix already", op.name)
		case !(w.Weight > 0 && w.Weight <= 1e6):
			return fmt.Errorf("the weight of %s is not a number above 0, and 1,000,000 at most", op.name)
		case slices.ContainsFunc(mix[:i], func(other Weight) bool { return other.Operation == w.Operation }):
			return fmt.Errorf("%s is in the mix twice", op.name)
		}
	}
	if len(mix) == 1 {
		return errors.New("a mix has two operations at least; for a single one there is --operation")
	}
	return nil
}

// mixed is the work that a mix is, of which checkMix has nothing to say.
func mixed(mix []Weight) work {
	w := work{name: mixName}
	var words []string
	for _, m := range mix {
		op, _ := operationOf(m.Operation)
		w.parts = append(w.parts, part{op, m.Weight})
		words = append(words, m.Operation+"="+strconv.FormatFloat(m.Weight, 'f', -1, 64))
	}
	w.about = "operations chosen at random by these weights: " + strings.Join(words, ",")
	return w
}

// share is how much of all requests a part of a work is.
func (w work) share(i int) float64 {
	sum := 0.0
	for _, p := range w.parts {
		sum += p.weight
	}
	return w.parts[i].weight / sum
}

// picker chooses parts at random, by their weights. Each connection has a sequence of its own, the same in each run.
func (w work) picker(connection int) func() int {
	if len(w.parts) == 1 {
		return func() int { return 0 }
	}
	upTo := make([]float64, len(w.parts))
	sum := 0.0
	for i := range w.parts {
		sum += w.share(i)
		upTo[i] = sum
	}
	random := rand.New(rand.NewPCG(uint64(connection), 0))
	return func() int {
		at, _ := slices.BinarySearch(upTo, random.Float64())
		return min(at, len(upTo)-1) // the sum of shares may be a little less than 1
	}
}

func (w work) has(is func(operation) bool) bool {
	return slices.ContainsFunc(w.parts, func(p part) bool { return is(p.operation) })
}
