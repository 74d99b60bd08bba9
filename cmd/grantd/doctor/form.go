package doctor

import (
	"bytes"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// Bounds of what is read of a page: one that has more is not meant for people.
const (
	maxForms  = 50
	maxFields = 500
	maxPieces = 20_000 // tags and texts
)

// form is one of a page, as a browser without scripts has it.
type form struct {
	action, method string
	fields         []field
	buttons        []button
}

// field is an input, a text area or a list to choose from.
type field struct {
	kind, name, value string
	hint              string // of autocomplete
	unchecked         bool
}

// button sends the form, with its name and value, to its own action if it has one.
type button struct{ name, value, text, action string }

// site is what a page has: its forms, and where the things are that it loads.
type site struct {
	forms []form
	loads []string
}

// readHTML reads tag by tag and keeps no tree, so that no nesting costs anything.
func readHTML(body []byte) site {
	r := pageReader{tags: html.NewTokenizer(bytes.NewReader(body))}
	for range maxPieces {
		switch r.tags.Next() {
		case html.ErrorToken: // the end, or a tag without one
			r.endForm()
			return r.site
		case html.StartTagToken, html.SelfClosingTagToken:
			r.begin(r.tags.Token())
		case html.EndTagToken:
			r.end(r.tags.Token())
		case html.TextToken:
			r.text(string(r.tags.Text()))
		}
	}
	r.endForm()
	return r.site
}

type pageReader struct {
	site
	tags *html.Tokenizer
	form *form // nil: outside of any
	in   atom.Atom
}

func (r *pageReader) begin(t html.Token) {
	r.load(t)
	if t.DataAtom == atom.Form {
		r.endForm()
		if len(r.forms) < maxForms {
			r.form = &form{action: attribute(t, "action"), method: strings.ToLower(attribute(t, "method"))}
		}
		return
	}
	if r.form == nil || has(t, "disabled") || len(r.form.fields)+len(r.form.buttons) >= maxFields {
		r.in = 0
		return
	}
	switch t.DataAtom {
	case atom.Input:
		r.input(t)
	case atom.Button:
		if kind := strings.ToLower(attribute(t, "type")); kind == "" || kind == "submit" {
			r.form.buttons = append(r.form.buttons, button{name: attribute(t, "name"), value: attribute(t, "value"), action: attribute(t, "formaction")})
			r.in = atom.Button
		}
	case atom.Textarea, atom.Select:
		r.form.fields = append(r.form.fields, field{kind: t.Data, name: attribute(t, "name")})
		r.in = t.DataAtom
	case atom.Option:
		if last := len(r.form.fields) - 1; r.in == atom.Select && (has(t, "selected") || r.form.fields[last].value == "") {
			r.form.fields[last].value = attribute(t, "value")
		}
	}
}

func (r *pageReader) input(t html.Token) {
	kind := strings.ToLower(attribute(t, "type"))
	name, value := attribute(t, "name"), attribute(t, "value")
	switch kind {
	case "submit", "image":
		r.form.buttons = append(r.form.buttons, button{name, value, value, attribute(t, "formaction")})
	case "button", "reset", "file":
	default:
		f := field{kind: kind, name: name, value: value, hint: strings.ToLower(attribute(t, "autocomplete"))}
		if kind == "checkbox" || kind == "radio" {
			f.unchecked = !has(t, "checked")
			if value == "" && !has(t, "value") {
				f.value = "on"
			}
		}
		r.form.fields = append(r.form.fields, f)
	}
}

func (r *pageReader) end(t html.Token) {
	switch t.DataAtom {
	case atom.Form:
		r.endForm()
	case r.in:
		r.in = 0
	}
}

func (r *pageReader) endForm() {
	if r.form != nil {
		r.forms = append(r.forms, *r.form)
	}
	r.form, r.in = nil, 0
}

func (r *pageReader) text(s string) {
	if r.form == nil {
		return
	}
	switch r.in {
	case atom.Button:
		last := &r.form.buttons[len(r.form.buttons)-1]
		last.text = clip(strings.TrimSpace(last.text+" "+strings.TrimSpace(html.UnescapeString(s))), 100)
	case atom.Textarea:
		r.form.fields[len(r.form.fields)-1].value += html.UnescapeString(s)
	}
}

// load notes what a browser fetches for the page.
func (r *pageReader) load(t html.Token) {
	name := ""
	switch t.DataAtom {
	case atom.Script, atom.Img, atom.Iframe, atom.Embed, atom.Video, atom.Audio, atom.Source:
		name = "src"
	case atom.Link:
		if rel := strings.Fields(strings.ToLower(attribute(t, "rel"))); slices.Contains(rel, "stylesheet") || slices.Contains(rel, "icon") || slices.Contains(rel, "preload") {
			name = "href"
		}
	}
	if to := attribute(t, name); to != "" && len(r.loads) < maxFields {
		r.loads = append(r.loads, to)
	}
}

func attribute(t html.Token, name string) string {
	for _, a := range t.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func has(t html.Token, name string) bool {
	return slices.ContainsFunc(t.Attr, func(a html.Attribute) bool { return a.Key == name })
}

// named is the first field of that type, -1 if there is none.
func (f form) named(kind string) int {
	return slices.IndexFunc(f.fields, func(one field) bool { return one.kind == kind && one.name != "" })
}

// login is the index of the field for the name of who signs in: the one that says so, or the last text before the
// password; -1 if there is none.
func (f form) login() int {
	last := -1
	for i, one := range f.fields {
		switch {
		case one.name == "":
		case one.kind == "password":
			return last
		case one.hint == "username" || one.hint == "email":
			return i
		case one.kind == "" || one.kind == "text" || one.kind == "email" || one.kind == "tel":
			last = i
		}
	}
	return last
}

// asks is whether something has to be typed.
func (f form) asks() bool {
	return slices.ContainsFunc(f.fields, func(one field) bool {
		return one.name != "" && one.value == "" && slices.Contains([]string{"", "text", "email", "tel", "number", "password"}, one.kind)
	})
}

// values are what a browser sends of the form as it is, with the first button's or that of pressed.
func (f form) values(pressed *button) url.Values {
	v := url.Values{}
	for _, one := range f.fields {
		if one.name != "" && !one.unchecked {
			v.Add(one.name, one.value)
		}
	}
	if pressed != nil && pressed.name != "" {
		v.Set(pressed.name, pressed.value)
	}
	return v
}

var (
	yes = []string{"allow", "approve", "accept", "authori", "grant", "agree", "consent", "continue", "confirm", "yes", "ok"}
	no  = []string{"deny", "cancel", "reject", "decline", "refuse", "disallow", "back", "no", "sign out", "log out", "logout", "switch", "delete"}
)

// approving is the button that says yes: by what it shows, or what it sends. A button alone that does not say no counts.
// Nil if there is none.
func (f form) approving() *button {
	var best *button
	for i := range f.buttons {
		b := &f.buttons[i]
		if says(b, no) {
			continue
		}
		if says(b, yes) {
			return b
		}
		if len(f.buttons) == 1 {
			best = b
		}
	}
	return best
}

func says(b *button, list []string) bool {
	for _, text := range []string{b.text, b.value, b.name} {
		for _, word := range list {
			for at := range strings.FieldsFuncSeq(strings.ToLower(text), func(r rune) bool { return r < 'a' || r > 'z' }) {
				if at == word || len(word) > 3 && strings.HasPrefix(at, word) {
					return true
				}
			}
			if strings.Contains(word, " ") && strings.Contains(strings.ToLower(text), word) {
				return true
			}
		}
	}
	return false
}
