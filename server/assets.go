package server

import (
	"net/http"
	"time"

	"github.com/grantd/grantd/server/pages"
)

// assetMaxAge is how long browsers keep files of pages: their URLs change with what is in them.
const assetMaxAge = 30 * 24 * time.Hour

// styleSheet answers GET /assets/pages.css.
func (s *Server) styleSheet(w http.ResponseWriter, r *http.Request) error {
	return writeAsset(w, r, "text/css; charset=utf-8", s.pages.Style())
}

// formPostScript answers GET /assets/form_post.js.
func (s *Server) formPostScript(w http.ResponseWriter, r *http.Request) error {
	return writeAsset(w, r, "text/javascript; charset=utf-8", s.pages.FormPostScript())
}

// icon answers GET /assets/icon.svg.
func (s *Server) icon(w http.ResponseWriter, r *http.Request) error {
	return writeAsset(w, r, "image/svg+xml", s.pages.Icon())
}

// logo answers GET /assets/logo. An SVG that somebody opens by itself is a document:
// it may draw, and nothing else.
func (s *Server) logo(w http.ResponseWriter, r *http.Request) error {
	image, mediaType := s.pages.Logo()
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox")
	return writeAsset(w, r, mediaType, image)
}

// writeAsset answers with a file of a page. While replicas of two versions answer, one may be
// asked for the file of the other: nobody keeps what it has instead under that URL.
func writeAsset(w http.ResponseWriter, r *http.Request, contentType string, content []byte) error {
	maxAge := assetMaxAge
	if r.URL.Query().Has("v") && queryOf(r, "v") != pages.Version(content) {
		maxAge = 0
	}
	return writeDocument(w, r, contentType, maxAge, content)
}
