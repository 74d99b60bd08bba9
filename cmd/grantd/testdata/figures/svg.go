package main

import (
	"fmt"
	"html"
	"math"
	"os"
	"strings"
)

// picture is an SVG on a light ground of its own, so that it can be read on a dark page, too.
type picture struct {
	width, height float64
	body          strings.Builder
}

const style = `text{font:12px -apple-system,"Segoe UI",Helvetica,Arial,sans-serif;fill:#24292f}` +
	`.b{font-weight:600}.s{font-size:11px;fill:#57606a}.m{text-anchor:middle}.e{text-anchor:end}` +
	`.g{stroke:#d8dee4}.a{stroke:#8c959f}.band{fill:#dafbe1}`

// add appends markup. Numbers are for %.1f; texts must be escaped.
func (p *picture) add(format string, args ...any) { fmt.Fprintf(&p.body, format+"\n", args...) }

// text writes at a point, in classes of style.
func (p *picture) text(x, y float64, class, s string) {
	p.add(`<text x="%.1f" y="%.1f" class="%s">%s</text>`, x, y, class, html.EscapeString(s))
}

func (p *picture) line(x1, y1, x2, y2 float64, class string) {
	p.add(`<path d="M%.1f %.1fL%.1f %.1f" class="%s"/>`, x1, y1, x2, y2, class)
}

// String is the file.
func (p *picture) String() string {
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %[1]g %[2]g" width="%[1]g" height="%[2]g"><style>%[3]s</style>`+
		`<rect width="%[1]g" height="%[2]g" rx="6" fill="#fff" stroke="#d0d7de"/>`+"\n%[4]s</svg>\n", p.width, math.Ceil(p.height), style, p.body.String())
}

func (p *picture) save(path string) error { return os.WriteFile(path, []byte(p.String()), 0o644) }

// axis maps values to a length in pixels.
type axis struct {
	low, high float64
	log       bool
	ticks     []float64
	label     func(float64) string
}

func (a axis) at(v, length float64) float64 {
	if a.log {
		return length * math.Log(v/a.low) / math.Log(a.high/a.low)
	}
	return length * (v - a.low) / (a.high - a.low)
}

// linear begins at zero and ends above high, at a round number.
func linear(high float64, label func(float64) string) axis {
	step := math.Pow(10, math.Floor(math.Log10(high/2)))
	for _, by := range []float64{2, 2.5, 2} { // 2, 5, 10 times as much
		if high/step > 5 {
			step *= by
		}
	}
	a := axis{label: label}
	for v := 0.0; ; v += step {
		a.ticks = append(a.ticks, v)
		if a.high = v; v >= high {
			return a
		}
	}
}

// decades spans powers of ten around two values.
func decades(low, high float64, label func(float64) string) axis {
	a := axis{log: true, label: label, low: math.Pow(10, math.Floor(math.Log10(low))), high: math.Pow(10, math.Ceil(math.Log10(high)))}
	for v := a.low; v <= a.high*1.01; v *= 10 {
		a.ticks = append(a.ticks, v)
	}
	return a
}

// atTicks is a logarithmic axis that names the values there are.
func atTicks(values []float64, label func(float64) string) axis {
	return axis{log: true, low: values[0] / 1.6, high: values[len(values)-1] * 1.6, ticks: values, label: label}
}

// count writes a number for people: 1,234.
func count(v float64) string {
	s := fmt.Sprintf("%.0f", v)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// power writes a power of ten from 1,000 up as such.
func power(v float64) string {
	exponent := math.Log10(v)
	if v < 1000 || exponent != math.Trunc(exponent) {
		return count(v)
	}
	return "10" + string([]rune("⁰¹²³⁴⁵⁶⁷⁸⁹")[int(exponent)])
}

func percent(v float64) string { return fmt.Sprintf("%.0f %%", v) }
