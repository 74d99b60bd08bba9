// Package pages draws the pages that people see: sign in, sign up, consent,
// account, sign out, error. It knows nothing of HTTP and of the database.
package pages

import (
	"html/template"
	"io"
)

// Brand is what an operator makes of the pages.
type Brand struct {
	// Name is the name of the service that people sign in to. Empty means grantd.
	Name string
	// Accent is the colour of buttons, #rrggbb. Empty means grantd's own.
	Accent string
	// Logo is an image, and LogoType its media type. Empty means there is none.
	Logo     []byte
	LogoType string
}

// Pages draws pages.
type Pages struct {
	brand  Brand
	prefix string // the path of the issuer's URL
}

// New makes Pages for a server whose URLs begin with prefix.
func New(b Brand, prefix string) (*Pages, error) {
	return &Pages{b, prefix}, nil
}

// Error is what a page says that cannot do what was asked.
type Error struct{ Code, Hint, RequestID string }

var errorPage = template.Must(template.New("error").Parse(`<!doctype html><title>Error</title><h1>{{.Hint}}</h1><p>{{.Code}} {{.RequestID}}</p>`))

// Error draws the page for a request that was refused.
func (p *Pages) Error(w io.Writer, e Error) error { return errorPage.Execute(w, e) }
