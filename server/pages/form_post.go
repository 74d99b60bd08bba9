package pages

import (
	_ "embed"
	"html/template"
	"io"
)

//go:embed form_post.js
var formPostScript []byte

// FormPostScript is the only script of all pages. That of FormPost needs it not, but waits for
// a button to be pressed without it.
func (p *Pages) FormPostScript() []byte { return formPostScript }

// FormPost is an answer that the browser posts to an app.
type FormPost struct {
	Action string // the app's redirect URI, which was checked
	Fields []Field
}

// FormPost draws the page whose form goes to an app by itself, or when the button is pressed.
func (p *Pages) FormPost(w io.Writer, v FormPost) error {
	return p.draw(w, "form_post.html", struct {
		FormPost
		To     template.URL // as it is: an app may have a scheme of its own
		Script string
	}{v, template.URL(v.Action), p.script})
}
