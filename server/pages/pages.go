// Package pages draws the pages that people see: sign in, sign up, consent,
// account, sign out, error. It knows nothing of HTTP and of the database.
package pages

import (
	"cmp"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"slices"
)

// Brand is what an operator makes of the pages.
type Brand struct {
	// Name is the name of the service that people sign in to. Empty means grantd.
	Name string
	// Accent is the colour of buttons and links, #rrggbb. Empty means grantd's own.
	// Where it would be hard to read it is made lighter or darker.
	Accent string
	// Logo is an image, and LogoType its media type. Empty means there is none.
	Logo     []byte
	LogoType string
}

// logoTypes are what browsers show as an image.
var logoTypes = []string{"image/png", "image/svg+xml", "image/jpeg", "image/webp"}

// Pages draws pages.
type Pages struct {
	brand  Brand
	prefix string // the path of the issuer's URL
	style  []byte
	frame  frame  // with no page in it
	script string // the URL of FormPostScript
}

//go:embed *.html
var sources embed.FS

//go:embed pages.css
var styleSource []byte

// icon is for the tabs of browsers where the brand has no logo. Without one they
// ask for /favicon.ico, which may be another server's.
//
//go:embed icon.svg
var icon []byte

// layout is around every page.
var layout = template.Must(template.New("").Funcs(template.FuncMap{"datetime": datetime}).ParseFS(sources, "layout.html"))

// templates are the pages by their file names.
var templates = func() map[string]*template.Template {
	parsed := map[string]*template.Template{}
	files, err := sources.ReadDir(".")
	if err != nil {
		panic(err) // embedded
	}
	for _, f := range files {
		if f.Name() != "layout.html" {
			parsed[f.Name()] = template.Must(template.Must(layout.Clone()).ParseFS(sources, f.Name()))
		}
	}
	return parsed
}()

// New makes Pages for a server whose URLs begin with prefix. The error says what
// is wrong with the brand.
func New(b Brand, prefix string) (*Pages, error) {
	b.Name = cmp.Or(b.Name, "grantd")
	b.Accent = cmp.Or(b.Accent, ownAccent)
	accent, err := parseColour(b.Accent)
	if err != nil {
		return nil, fmt.Errorf("the accent colour %q is not one: %w", b.Accent, err)
	}
	if len(b.Logo) > 0 && !slices.Contains(logoTypes, b.LogoType) {
		return nil, fmt.Errorf("a logo of type %q is none that browsers show: use one of %q", b.LogoType, logoTypes)
	}
	p := &Pages{brand: b, prefix: prefix, style: slices.Concat([]byte(accentRules(accent)), styleSource)}
	p.script = p.asset("form_post.js", formPostScript)
	p.frame = frame{Brand: b.Name, Prefix: prefix, Style: p.asset("pages.css", p.style), Icon: p.asset("icon.svg", icon)}
	if len(b.Logo) > 0 {
		p.frame.Logo = p.asset("logo", b.Logo)
	}
	return p, nil
}

// Style is the style sheet of all pages.
func (p *Pages) Style() []byte { return p.style }

// Logo is the brand's image and its media type. There is none when it is empty.
func (p *Pages) Logo() (image []byte, mediaType string) { return p.brand.Logo, p.brand.LogoType }

// Icon is an SVG image for the tabs of browsers.
func (p *Pages) Icon() []byte { return icon }

// frame is what the layout shows around a page.
type frame struct {
	Brand, Prefix     string
	Style, Logo, Icon string // URLs
	Page              any
}

// draw executes the page of that file name in the layout.
func (p *Pages) draw(w io.Writer, file string, page any) error {
	f := p.frame
	f.Page = page
	return templates[file].ExecuteTemplate(w, "layout.html", f)
}

// asset is the URL of a file of this content: it may be kept for long.
func (p *Pages) asset(name string, content []byte) string {
	return p.prefix + "/assets/" + name + "?v=" + Version(content)
}

// Version is the parameter v in the URL of a file of this content.
func Version(content []byte) string {
	sum := sha256.Sum256(content)
	return base64.RawURLEncoding.EncodeToString(sum[:6])
}
