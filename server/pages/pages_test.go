package pages

import (
	"fmt"
	"regexp"
	"testing"
)

func TestBrands(t *testing.T) {
	for _, accent := range []string{"red", "#fff", "#12345", "#1234567", "123456", "#12345g", "#-12345", "#+12345", "#12 456", "#0x1234", "#ffffff;}", "#ééé", "#1_2_3_"} {
		if _, err := New(Brand{Accent: accent}, ""); err == nil {
			t.Errorf("the accent %q is taken", accent)
		}
	}
	for _, accent := range []string{"", "#000000", "#FfFfFf", "#0f6b5c"} {
		if _, err := New(Brand{Accent: accent}, ""); err != nil {
			t.Errorf("the accent %q: %v", accent, err)
		}
	}
	for _, kind := range []string{"image/gif", "text/html", "", "image/svg"} {
		if _, err := New(Brand{Logo: []byte("x"), LogoType: kind}, ""); err == nil {
			t.Errorf("a logo of type %q is taken", kind)
		}
	}
	for _, kind := range []string{"image/png", "image/svg+xml", "image/jpeg", "image/webp"} {
		if _, err := New(Brand{Logo: []byte("x"), LogoType: kind}, ""); err != nil {
			t.Errorf("a logo of type %q: %v", kind, err)
		}
	}
}

// Whatever the accent is, text in it and text on it can be read (WCAG 2.2, 1.4.3).
func TestAccentContrast(t *testing.T) {
	for r := 0; r < 256; r += 15 {
		for g := 0; g < 256; g += 15 {
			for b := 0; b < 256; b += 15 {
				accent := colour{uint8(r), uint8(g), uint8(b)}
				for what, ratio := range map[string]float64{
					"text on it":          contrast(accent, textOn(accent)),
					"it on a light page":  contrast(accent.readableOn(lightGround, black), lightGround),
					"it on a white card":  contrast(accent.readableOn(lightGround, black), white),
					"it on a dark ground": contrast(accent.readableOn(darkGround, white), darkGround),
				} {
					if ratio < 4.5 {
						t.Fatalf("%v: contrast of %s is %.2f", accent, what, ratio)
					}
				}
			}
		}
	}
	if got := fmt.Sprintf("%.2f", contrast(white, black)); got != "21.00" {
		t.Errorf("black on white is %s", got)
	}
}

// The grounds that colours are made for are those of the style sheet.
func TestGroundsOfTheStyleSheet(t *testing.T) {
	for _, c := range []struct {
		name   string
		mode   int // of both places where it is set
		ground colour
	}{{"page", 0, lightGround}, {"raised", 1, darkGround}} {
		found := regexp.MustCompile(`--`+c.name+`: (#[0-9a-f]{6});`).FindAllSubmatch(styleSource, -1)
		if len(found) != 2 || string(found[c.mode][1]) != c.ground.String() {
			t.Errorf("--%s is %q, colours are made for %v", c.name, found, c.ground)
		}
	}
}
