package main

import (
	"cmp"
	"fmt"
	"html"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/pprof/profile"
)

// drawProfiles draws each profile that a folder of a database has.
func drawProfiles(from, folder string) error {
	files, err := filepath.Glob(filepath.Join(from, "*", "*.pprof"))
	if err != nil {
		return err
	}
	if len(files) == 0 {
		return fmt.Errorf("%s has no folder with profiles", from)
	}
	for _, file := range files {
		database := filepath.Base(filepath.Dir(file))
		name, kind, _ := strings.Cut(strings.TrimSuffix(filepath.Base(file), ".pprof"), ".")
		if database != "sqlite" && !asks(name) {
			continue // it would be the same picture
		}
		kind = strings.Replace(kind, "profile", "cpu", 1)
		p, err := readProfile(file)
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		out := strings.TrimSuffix("profile-"+name+"-"+database, "-sqlite") + "-" + kind + ".svg"
		if err := newFlame(p, kind).draw(name + " on " + titleOf(database)).save(filepath.Join(folder, out)); err != nil {
			return err
		}
	}
	return nil
}

// asks tells which operations ask the database.
func asks(operation string) bool {
	return slices.Contains([]string{"refresh", "refresh_beside_password", "me"}, operation)
}

func titleOf(database string) string {
	for _, db := range databases {
		if db.name == database {
			return db.title
		}
	}
	return database
}

func readProfile(path string) (*profile.Profile, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return profile.Parse(f)
}

// flame is a profile as a tree of calls, from those who call down to those who are called.
type flame struct {
	unit  string
	root  *call
	costs [len(kinds)]int64 // by whose doing it was: what kinds call in the runtime is theirs
}

type call struct {
	function string
	cost     int64
	calls    map[string]*call
}

func newFlame(p *profile.Profile, what string) *flame {
	f := &flame{unit: "of processor time", root: &call{}}
	value := "cpu"
	if what == "allocs" {
		f.unit, value = "of bytes allocated", "alloc_space"
	}
	at := max(slices.IndexFunc(p.SampleType, func(t *profile.ValueType) bool { return t.Type == value }), 0)
	for _, s := range p.Sample {
		if cost := s.Value[at]; cost > 0 && !watches(s) {
			f.add(s, cost)
		}
	}
	return f
}

// watches tells whether a sample is of taking the profile.
func watches(s *profile.Sample) bool {
	for _, l := range s.Location {
		for _, line := range l.Line {
			if strings.HasPrefix(line.Function.Name, "runtime/pprof.") || strings.HasPrefix(line.Function.Name, "net/http/pprof.") {
				return true
			}
		}
	}
	return false
}

func (f *flame) add(s *profile.Sample, cost int64) {
	at, whose := f.root, runtimes
	at.cost += cost
	for i := len(s.Location) - 1; i >= 0; i-- {
		lines := s.Location[i].Line
		for j := len(lines) - 1; j >= 0; j-- { // the last is the one that the others are inlined into
			name := lines[j].Function.Name
			if kind := kindOf(name); kind != runtimes {
				whose = kind
			}
			at = at.next(name)
			at.cost += cost
		}
	}
	f.costs[whose] += cost
}

func (c *call) next(function string) *call {
	if c.calls == nil {
		c.calls = map[string]*call{}
	}
	if c.calls[function] == nil {
		c.calls[function] = &call{function: function}
	}
	return c.calls[function]
}

// How a flame is laid out, in pixels. What is narrower than least is left out: it could neither be read nor seen.
const (
	flameWidth, flameTop = 1200.0, 66.0
	flameRow, least      = 16.0, 2.5
	letter               = 6.1
)

func (f *flame) draw(title string) *picture {
	p := &picture{width: flameWidth + 32}
	p.add(`<style>.f text{font-size:10.5px;fill:#1b1f24}.f rect{stroke:#fff;stroke-width:.6}%s</style>`, classes())
	p.text(16, 26, "b", title+": parts "+f.unit)
	f.legend(p)
	p.add(`<g class="f">`)
	depth := f.below(p, f.root, 16, 0)
	p.add(`</g>`)
	p.height = flameTop + float64(depth)*flameRow + 16
	return p
}

// legend names the kinds, the costly ones first.
func (f *flame) legend(p *picture) {
	var order []int
	for i := range kinds {
		order = append(order, i)
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(f.costs[b], f.costs[a]) })
	x := 16.0
	for _, i := range order {
		share := 100 * float64(f.costs[i]) / float64(max(f.root.cost, 1))
		if share < 0.5 {
			continue
		}
		label := fmt.Sprintf("%s %.0f %%", kinds[i].name, share)
		p.add(`<rect x="%.1f" y="40" width="11" height="11" class="k%d"/>`, x, i)
		p.text(x+16, 50, "", label)
		x += 36 + 1.1*letter*float64(len([]rune(label)))
	}
}

// below draws what c calls, and returns how deep that goes.
func (f *flame) below(p *picture, c *call, x float64, depth int) (deepest int) {
	deepest = depth
	for _, name := range slices.Sorted(maps.Keys(c.calls)) {
		callee := c.calls[name]
		width := flameWidth * float64(callee.cost) / float64(f.root.cost)
		if width >= least {
			f.box(p, callee, x, width, depth)
			deepest = max(deepest, f.below(p, callee, x, depth+1))
		}
		x += width
	}
	return deepest
}

func (f *flame) box(p *picture, c *call, x, width float64, depth int) {
	y := flameTop + float64(depth)*flameRow
	name := inShort(c.function)
	p.add(`<rect x="%.1f" y="%g" width="%.1f" height="16" class="k%d"><title>%s %.1f %%</title></rect>`,
		x, y, width, kindOf(c.function), html.EscapeString(name), 100*float64(c.cost)/float64(f.root.cost))
	fits := int(math.Floor((width - 6) / letter))
	if runes := []rune(name); fits >= 4 {
		if len(runes) > fits {
			name = string(runes[:fits-1]) + "…"
		}
		p.add(`<text x="%.1f" y="%g">%s</text>`, x+3, y+11.5, html.EscapeString(name))
	}
}
