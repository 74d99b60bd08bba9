package pages

import (
	"errors"
	"fmt"
	"math"
	"strconv"
)

const ownAccent = "#0f6b5c"

// Contrast that text needs at least (WCAG 2.2, 1.4.3).
const readable = 4.5

// The lightest and the darkest ground that a link stands on, as in pages.css.
var (
	lightGround = colour{0xf3, 0xf4, 0xf4} // --page in light mode; cards are lighter
	darkGround  = colour{0x26, 0x2b, 0x2e} // --raised in dark mode; the rest is darker
	white       = colour{255, 255, 255}
	black       = colour{}
)

// colour is red, green and blue.
type colour [3]uint8

func parseColour(s string) (c colour, err error) {
	n, err := strconv.ParseUint(s[min(1, len(s)):], 16, 32)
	if err != nil || len(s) != 7 || s[0] != '#' {
		return c, errors.New("write it as #rrggbb, such as " + ownAccent)
	}
	return colour{uint8(n >> 16), uint8(n >> 8), uint8(n)}, nil
}

func (c colour) String() string { return fmt.Sprintf("#%02x%02x%02x", c[0], c[1], c[2]) }

// luminance is that of WCAG 2.2.
func (c colour) luminance() float64 {
	var linear [3]float64
	for i, v := range c {
		s := float64(v) / 255
		linear[i] = s / 12.92
		if s > 0.04045 {
			linear[i] = math.Pow((s+0.055)/1.055, 2.4)
		}
	}
	return 0.2126*linear[0] + 0.7152*linear[1] + 0.0722*linear[2]
}

// contrast is the ratio of WCAG 2.2, from 1 to 21.
func contrast(a, b colour) float64 {
	x, y := a.luminance(), b.luminance()
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

// mix is c with so much of other in it, from 0 to 1.
func (c colour) mix(other colour, share float64) (mixed colour) {
	for i := range c {
		mixed[i] = uint8(math.Round(float64(c[i])*(1-share) + float64(other[i])*share))
	}
	return mixed
}

// readableOn is c, with as much of towards in it as makes text of it readable.
func (c colour) readableOn(ground, towards colour) colour {
	for step := range 100 {
		if m := c.mix(towards, float64(step)/100); contrast(m, ground) >= readable {
			return m
		}
	}
	return towards
}

// textOn is black or white, whichever is easier to read: one of both always is.
func textOn(ground colour) colour {
	if contrast(white, ground) >= contrast(black, ground) {
		return white
	}
	return black
}

// accentRules are the custom properties that pages.css draws the accent with:
// the colour itself for what is filled with it, one for text in it.
func accentRules(accent colour) string {
	const rules = ":root{--accent:%v;--on-accent:%v;--accent-text:%v}\n" +
		"@media (prefers-color-scheme:dark){:root{--accent-text:%v}}\n"
	return fmt.Sprintf(rules, accent, textOn(accent), accent.readableOn(lightGround, black), accent.readableOn(darkGround, white))
}
