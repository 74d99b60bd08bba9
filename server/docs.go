package server

import (
	_ "embed"
	"html/template"
	"mime"
	"net/http"
	"path"
	"strings"

	"github.com/swaggest/swgui/v5/static"
)

// docsPolicy lets Swagger UI run its own scripts and nothing else. It styles
// elements in place and draws icons from data URLs.
const docsPolicy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

//go:embed docs.html
var docsHTML string

//go:embed docs.js
var docsScript []byte

var docsPage = template.Must(template.New("docs").Parse(docsHTML))

// docs answers GET /docs: Swagger UI, served from the binary.
func (s *Server) docs(w http.ResponseWriter, _ *http.Request) error {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", docsPolicy)
	h.Set("Cache-Control", "no-cache")
	h.Set("Referrer-Policy", "no-referrer")
	return docsPage.Execute(w, s.prefix)
}

// docsAsset answers GET /docs/{name} for the files that the page asks for.
func (s *Server) docsAsset(name string) handler {
	contentType := mime.TypeByExtension(path.Ext(name))
	return func(w http.ResponseWriter, r *http.Request) error {
		if name == "init.js" {
			return writeDocument(w, r, contentType, metadataMaxAge, docsScript)
		}
		body, err := static.FS.ReadFile(name + ".gz")
		if err != nil {
			return err
		}
		if !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			return &Error{Code: notFound, Hint: "this file is there for clients that read gzip", Status: http.StatusNotAcceptable}
		}
		w.Header().Set("Content-Encoding", "gzip")
		w.Header().Set("Vary", "Accept-Encoding")
		return writeDocument(w, r, contentType, metadataMaxAge, body)
	}
}

// docsAssets are the files of the page.
var docsAssets = []string{"init.js", "swagger-ui.css", "swagger-ui-bundle.js"}
