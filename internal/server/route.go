package server

import (
	"net/http"
	"strings"

	"waybill/internal/dialect"
)

// routes choose the dialect of a request. They are no ServeMux, because that
// redirects where slashes are doubled, and a redirected POST loses its body.
type routes struct {
	dialects []dialect.Dialect
	places   map[string][]string // by dialect, for those who are lost
}

func newRoutes(dialects []dialect.Dialect) *routes {
	places := make(map[string][]string)
	for _, d := range dialects {
		places[d.Name()] = []string{"/webhooks/" + d.Name()}
		if g, ok := d.(dialect.Guide); ok {
			places[d.Name()] = append(places[d.Name()], g.Places()...)
		}
	}
	return &routes{dialects, places}
}

// choose returns the dialect that answers r, nil where there is none. Whatever
// lies below /webhooks belongs to the dialect named there or to no one.
func (rs *routes) choose(r *http.Request) dialect.Dialect {
	name, webhook := webhookName(r.URL.Path)
	for _, d := range rs.dialects {
		if webhook && d.Name() == name || !webhook && d.Match(r) {
			return d
		}
	}
	return nil
}

// webhookName returns the part of a path after /webhooks, however many slashes
// there are between, and whether the path is a webhook's at all.
func webhookName(path string) (name string, ok bool) {
	rest, ok := strings.CutPrefix(strings.TrimLeft(path, "/"), "webhooks")
	if !ok || rest != "" && rest[0] != '/' {
		return "", false
	}
	name, _, _ = strings.Cut(strings.TrimLeft(rest, "/"), "/")
	return name, true
}
