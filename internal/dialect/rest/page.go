package rest

import (
	"embed"
	"net/http"
	"strings"

	"github.com/swaggest/swgui/v5/static"
	"github.com/vearutop/statigz"
)

// pagePath is where the page is with which the calls can be tried.
const pagePath = "/waybill/docs"

//go:embed page
var pageFiles embed.FS

// pagePolicy lets the page have what is embedded, and nothing from any other
// host. Swagger UI sets styles by attributes and has images in its style sheet.
//
// https://www.w3.org/TR/CSP3/
const pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; " +
	"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

func isPage(path string) bool { return path == pagePath || strings.HasPrefix(path, pagePath+"/") }

// newPage returns the page, for everybody. Its own files are in page/, the rest is
// Swagger UI as package swgui embeds it.
func newPage() http.Handler {
	own := http.FileServerFS(pageFiles)
	assets := http.StripPrefix(pagePath, statigz.FileServer(static.FS))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", pagePolicy)
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-cache")
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			h.Set("Allow", "GET, HEAD")
			http.Error(w, "this page takes GET", http.StatusMethodNotAllowed)
			return
		}
		switch name := strings.TrimPrefix(strings.TrimPrefix(r.URL.Path, pagePath), "/"); name {
		case "", "page.js", "page.css":
			r = r.Clone(r.Context())
			r.URL.Path = "/page/" + name
			own.ServeHTTP(w, r)
		default:
			assets.ServeHTTP(w, r)
		}
	})
}
