package server

import (
	_ "embed"
	"html/template"
	"mime"
	"net/http"
	"path"
	"strings"

	"github.com/grantd/grantd/server/reason"
	"github.com/swaggest/swgui/v5/static"
)

// docsPolicy lets Swagger UI run its own scripts and nothing else. It styles
// elements in place and draws icons from data URLs.
const docsPolicy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// docsRedirectPolicy is for a page that runs one script.
const docsRedirectPolicy = "default-src 'none'; script-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

//go:embed docs.html
var docsHTML string

//go:embed docs_redirect.html
var docsRedirectHTML string

//go:embed docs.js
var docsScript []byte

//go:embed docs_redirect.js
var docsRedirectScript []byte

var (
	docsPage         = template.Must(template.New("docs").Parse(docsHTML))
	docsRedirectPage = template.Must(template.New("redirect").Parse(docsRedirectHTML))
)

// docsRedirect is where the code flow of Swagger UI ends, in a window of its own.
const docsRedirect = "/docs/oauth2-redirect.html"

// docs answers GET /docs: Swagger UI, served from the binary.
func (s *Server) docs(w http.ResponseWriter, _ *http.Request) error {
	return s.showDocs(w, docsPage, docsPolicy)
}

// docsRedirected answers GET /docs/oauth2-redirect.html, which hands the answer of
// the code flow to the window of /docs.
func (s *Server) docsRedirected(w http.ResponseWriter, _ *http.Request) error {
	return s.showDocs(w, docsRedirectPage, docsRedirectPolicy)
}

func (s *Server) showDocs(w http.ResponseWriter, page *template.Template, policy string) error {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", policy)
	h.Set("Cache-Control", "no-cache")
	h.Set("Referrer-Policy", "no-referrer") // a code may stand in the URL
	return page.Execute(w, map[string]string{"root": s.prefix, "client": s.DefaultClient})
}

// docsAsset answers GET /docs/{name} for the files that the page asks for.
func (s *Server) docsAsset(name string) handler {
	contentType := mime.TypeByExtension(path.Ext(name))
	return func(w http.ResponseWriter, r *http.Request) error {
		if own, ok := docsScripts[name]; ok {
			return writeDocument(w, r, contentType, metadataMaxAge, own)
		}
		body, err := static.FS.ReadFile(name + ".gz")
		if err != nil {
			return err
		}
		if !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			return &Error{Reason: reason.GzipNeeded, Code: notFound, Hint: "this file is there for clients that read gzip", Status: http.StatusNotAcceptable}
		}
		w.Header().Set("Content-Encoding", "gzip")
		w.Header().Set("Vary", "Accept-Encoding")
		return writeDocument(w, r, contentType, metadataMaxAge, body)
	}
}

// docsAssets are the files of the pages, of which docsScripts are our own.
var (
	docsAssets  = []string{"init.js", "oauth2-redirect.js", "swagger-ui.css", "swagger-ui-bundle.js"}
	docsScripts = map[string][]byte{"init.js": docsScript, "oauth2-redirect.js": docsRedirectScript}
)
