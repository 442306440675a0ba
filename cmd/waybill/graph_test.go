package main

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"
)

// TestGraphChangesAreDurable changes what calls of the Graph API can change, ends
// the server as a crash would after each answer, and finds the change.
func TestGraphChangesAreDurable(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	apply(t, dir, killTenants+`templates:
  - {channel: "102290129340398", code: "11", name: sale, language: en, category: MARKETING}
`)
	client := newClient()
	bearer := []string{"Authorization", "Bearer graph-token-0123456789"}
	for _, tt := range []struct{ change, read, want string }{
		{"/102290129340398?is_enabled_for_insights=true", "/102290129340398?fields=is_enabled_for_insights", `"is_enabled_for_insights":true`},
		{"/11?cta_url_link_tracking_opted_out=true", "/11?fields=cta_url_link_tracking_opted_out", `"cta_url_link_tracking_opted_out":true`},
		{"/11?cta_url_link_tracking_opted_out=false", "/11?fields=cta_url_link_tracking_opted_out", `"cta_url_link_tracking_opted_out":false`},
	} {
		p := start(t, "serve", "--data", dir)
		if r := send(t, client, http.MethodPost, p.url+tt.change, "", bearer...); r.status != http.StatusOK {
			t.Fatalf("%s: %d %s", tt.change, r.status, r.body)
		}
		p.kill()
		p = start(t, "serve", "--data", dir)
		if r := send(t, client, http.MethodGet, p.url+tt.read, "", bearer...); !strings.Contains(r.body, tt.want) {
			t.Errorf("after %s and a crash: %d %s", tt.change, r.status, r.body)
		}
		p.stop()
	}
}
