package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/grantd/grantd/config"
)

func TestCheckBrand(t *testing.T) {
	svg := `<?xml version="1.0"?><!DOCTYPE svg><!-- made by hand --><svg xmlns="http://www.w3.org/2000/svg"/>`
	for _, tc := range []struct{ name, title, accent, logo, problem string }{
		{"nothing", "", "", "", ""},
		{"a name", "Münchner Stadtbücherei", "", "", ""},
		{"a long name", strings.Repeat("ü", 61), "", "", "brand.name: "},
		{"a name of two lines", "a\nb", "", "", `brand.name: "a\nb" is no name to show; use up to 60 printable characters`},
		{"a name that turns the text around", "a\u202eb", "", "", "brand.name: "},
		{"a colour", "", "#1A56db", "", ""},
		{"a colour by name", "", "red", "", `brand.accent: "red" is not a colour; write it as "#rrggbb"`},
		{"a short colour", "", "#fff", "", "brand.accent: "},
		{"more than a colour", "", "#ffffff;}", "", "brand.accent: "},
		{"PNG", "", "", "\x89PNG\r\n\x1a\n…", ""},
		{"JPEG", "", "", "\xff\xd8\xff\xe0", ""},
		{"WebP", "", "", "RIFF\x00\x00\x00\x00WEBPVP8 ", ""},
		{"SVG", "", "", svg, ""},
		{"GIF", "", "", "GIF89a", "is not an image that every browser shows; name a PNG, SVG, JPEG or WebP"},
		{"HTML", "", "", "<html><svg></svg></html>", "is not an image"},
		{"text", "", "", "logo", "is not an image"},
		{"256 KiB", "", "", svg + strings.Repeat(" ", 256<<10-len(svg)), ""},
		{"over 256 KiB", "", "", svg + strings.Repeat(" ", 256<<10-len(svg)+1), "is over 256 KiB; name a PNG"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := servable()
			c.Brand = config.Brand{Name: tc.title, Accent: tc.accent}
			if tc.logo != "" {
				c.Brand.LogoFile = write(t, "logo.png", tc.logo)
			}
			expect(t, c.Check(), tc.problem)
		})
	}
}

func TestLogoThatCannotBeRead(t *testing.T) {
	c := servable()
	c.Brand.LogoFile = filepath.Join(t.TempDir(), "none.png")
	expect(t, c.Check(), "none.png\": there is no such file; correct the path")
	c.Brand.LogoFile = t.TempDir()
	expect(t, c.Check(), "is not a file; name a file that grantd can read")
}

func TestLogoIsRead(t *testing.T) {
	const image = "\x89PNG\r\n\x1a\n…"
	b := config.Brand{LogoFile: write(t, "logo", image)}
	if got, mediaType, err := b.Logo(); err != nil || string(got) != image || mediaType != "image/png" {
		t.Errorf("%q, %q, %v", got, mediaType, err)
	}
	os.Remove(b.LogoFile)
	if _, _, err := b.Logo(); err == nil {
		t.Error("a logo that is gone is no error")
	}
}

// In YAML the # of a colour begins a comment: an accent that silently does not
// count would be looked for elsewhere.
func TestColourWithoutQuotes(t *testing.T) {
	_, problem := loadYAML(t, "brand:\n  accent: #1a56db\n")
	contains(t, problem, `grantd.yaml:2: brand.accent: what follows the # is a comment; put it in quotes: "#1a56db"`)
	c, problem := loadYAML(t, "brand:\n  accent: \"#1a56db\"\n  name: # none yet\n")
	if c.Brand.Accent != "#1a56db" || problem != "" {
		t.Errorf("%+v %s", c.Brand, problem)
	}
}
