package server

import (
	"net/http"
	"time"
)

// assetMaxAge is how long browsers keep files of pages: their URLs change with what is in them.
const assetMaxAge = 30 * 24 * time.Hour

// styleSheet answers GET /assets/pages.css.
func (s *Server) styleSheet(w http.ResponseWriter, r *http.Request) error {
	return writeDocument(w, r, "text/css; charset=utf-8", assetMaxAge, s.pages.Style())
}

// formPostScript answers GET /assets/form_post.js.
func (s *Server) formPostScript(w http.ResponseWriter, r *http.Request) error {
	return writeDocument(w, r, "text/javascript; charset=utf-8", assetMaxAge, s.pages.FormPostScript())
}

// icon answers GET /assets/icon.svg.
func (s *Server) icon(w http.ResponseWriter, r *http.Request) error {
	return writeDocument(w, r, "image/svg+xml", assetMaxAge, s.pages.Icon())
}

// logo answers GET /assets/logo. An SVG that somebody opens by itself is a document:
// it may draw, and nothing else.
func (s *Server) logo(w http.ResponseWriter, r *http.Request) error {
	image, mediaType := s.pages.Logo()
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox")
	return writeDocument(w, r, mediaType, assetMaxAge, image)
}
