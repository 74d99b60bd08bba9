package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

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

func TestCheckSessions(t *testing.T) {
	for _, tc := range []struct {
		name     string
		ttl, max time.Duration
		problem  string
	}{
		{"the least", 5 * time.Minute, 5 * time.Minute, ""},
		{"the most", 720 * time.Hour, 8760 * time.Hour, ""},
		{"ttl too short", 5*time.Minute - 1, time.Hour, "sessions.ttl: it is 4m59.999999999s; set it between 5m and 720h"},
		{"ttl too long", 721 * time.Hour, 721 * time.Hour, "sessions.ttl: it is 721h"},
		{"max_ttl shorter", time.Hour, 59 * time.Minute, "sessions.max_ttl: it is shorter than sessions.ttl; set it to that or longer"},
		{"max_ttl too long", time.Hour, 8761 * time.Hour, "sessions.max_ttl: it is 8761h; set it to 8760h at most"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := servable()
			c.Sessions = config.Sessions{TTL: tc.ttl, MaxTTL: tc.max}
			expect(t, c.Check(), tc.problem)
		})
	}
}

func TestCheckAudiences(t *testing.T) {
	for _, tc := range []struct{ name, audiences, problem string }{
		{"8707-2 absolute URIs", "https://api.example.com/v1?x urn:example:api api://reports", ""},
		{"8707-2 relative", "api", `tokens.audiences: "api" is not an absolute URI (RFC 8707 §2); write it as`},
		{"8707-2 a path", "/api", "is not an absolute URI"},
		{"8707-2 a fragment", "https://api.example.com/#", `has a fragment (RFC 8707 §2); remove what follows the #`},
		{"no host", "https:///x", "is not an absolute URI"},
		{"not ASCII", "https://exämple.com", "is not an absolute URI"},
		{"twice", "urn:a urn:a", "is there twice"},
		{"the audience itself", "urn:main", `tokens.audiences: "urn:main" is tokens.audience; remove it here`},
		{"too many", strings.Repeat("urn:a ", 101), "there are more than 100"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := servable()
			c.Tokens.Audience, c.Tokens.Audiences = "urn:main", strings.Fields(tc.audiences)
			expect(t, c.Check(), tc.problem)
		})
	}
}
