package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
)

// TestBadInput sends what is wrong in every known way. Each must be refused
// clearly, count nothing, and leave the server well.
func TestBadInput(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	apply(t, dir, killTenants)
	p := start(t, "serve", "--data", dir)
	client := newClient()
	good := statusBody("102290129340398", "16315551000", newStatus("m-1", "sent", killStart))
	if r := p.webhook(client, "7001", "app-secret-0123456789", good); r.status != http.StatusOK {
		t.Fatalf("webhook: %d %s", r.status, r.body)
	}
	other := statusBody("102290129340398", "16315551000", newStatus("m-2", "sent", killStart))
	large := strings.Replace(other, `"field":"messages"`, `"field":"messages","padding":"`+strings.Repeat("x", 4<<20)+`"`, 1)
	deep := strings.Replace(other, `"field":"messages"`, `"field":"messages","deep":`+strings.Repeat("[", 100_000)+strings.Repeat("]", 100_000), 1)
	twice := strings.Replace(other, `"object":`, `"entry":[],"object":`, 1)
	const secret = "app-secret-0123456789"
	webhooks := []struct {
		name, body, signature, contentType, encoding string
		status                                       int
		want                                         string
	}{
		{"no signature", other, "", "application/json", "", 401, "X-Hub-Signature-256"},
		{"another secret", other, sign("another", other), "application/json", "", 401, "the signature of the body"},
		{"another body", other, sign(secret, good), "application/json", "", 401, "signature"},
		{"SHA-1", other, "sha1=" + strings.Repeat("0", 40), "application/json", "", 401, "sha256"},
		{"cut short", other[:len(other)-9], sign(secret, other[:len(other)-9]), "application/json", "", 400, "the JSON ends early"},
		{"empty", "", sign(secret, ""), "application/json", "", 400, "no array named entry"},
		{"4 MB", large, sign(secret, large), "application/json", "", 413, "more than 3145728"},
		{"100,000 levels deep", deep, sign(secret, deep), "application/json", "", 400, "nested deeper than 64"},
		{"a key twice", twice, sign(secret, twice), "application/json", "", 400, "/entry"},
		{"a form", other, sign(secret, other), "application/x-www-form-urlencoded", "", 415, "application/x-www-form-urlencoded"},
		{"a bomb", bomb(t), sign(secret, bomb(t)), "application/json", "gzip", 415, "content encoding"},
		{"another object", `{"object":"page","entry":[]}`, sign(secret, `{"object":"page","entry":[]}`), "application/json", "", 400, "page"},
	}
	for _, tt := range webhooks {
		t.Run("webhook/"+tt.name, func(t *testing.T) {
			r := send(t, client, http.MethodPost, p.url+"/webhooks/meta/7001", tt.body,
				"Content-Type", tt.contentType, "X-Hub-Signature-256", tt.signature, "Content-Encoding", tt.encoding)
			if r.status != tt.status || !strings.Contains(r.body, tt.want) || !strings.HasPrefix(r.body, `{"error":{`) {
				t.Errorf("%d %s, want %d and %q", r.status, r.body, tt.status, tt.want)
			}
		})
	}
	line := `{"channel":"102290129340398","message":"m-3","status":"sent","at":` + fmt.Sprint(killStart) + `000}`
	events := []struct {
		name, body, contentType, encoding string
		status                            int
		want                              string
	}{
		{"no JSON", "hello", "application/json", "", 400, "the body begins with"},
		{"a line cut short", line[:40], "application/x-ndjson", "", 200, `"rejected":[{"line":1,"error":"the JSON ends early`},
		{"a missing status", `{"channel":"102290129340398","message":"m-3","at":1767225600000}`, "application/x-ndjson", "", 200, "status is missing"},
		{"a time in seconds", strings.Replace(line, "000}", "}", 1), "application/x-ndjson", "", 200, "at 1767225600 looks like seconds"},
		{"a time ahead", strings.Replace(line, fmt.Sprint(killStart)+"000", "4000000000000", 1), "application/x-ndjson", "", 200, "ahead of the clock"},
		{"an unknown field", strings.Replace(line, `"status"`, `"statsu"`, 1), "application/x-ndjson", "", 200, "field statsu is unknown"},
		{"a key twice", strings.Replace(line, `"status"`, `"message":"m-4","status"`, 1), "application/x-ndjson", "", 200, "message is given twice"},
		{"an unknown channel", strings.Replace(line, "102290129340398", "999", 1), "application/x-ndjson", "", 200, "999"},
		{"a form", line, "multipart/form-data; boundary=x", "", 415, "multipart/form-data"},
		{"a bomb", bomb(t), "application/x-ndjson", "gzip", 413, "inflates to more than 67108864 bytes"},
		{"an unknown encoding", line, "application/x-ndjson", "br", 400, "br"},
		{"a broken gzip", line, "application/x-ndjson", "gzip", 400, "inflate gzip"},
	}
	for _, tt := range events {
		t.Run("events/"+tt.name, func(t *testing.T) {
			r := send(t, client, http.MethodPost, p.url+"/waybill/v1/events", tt.body, "Authorization", "Bearer own-token-0123456789",
				"Content-Type", tt.contentType, "Content-Encoding", tt.encoding)
			if r.status != tt.status || !strings.Contains(r.body, tt.want) || strings.Contains(r.body, `"changed":1`) {
				t.Errorf("%d %.300s, want %d and %q", r.status, r.body, tt.status, tt.want)
			}
		})
	}
	if got := p.sentTotal(); got != 1 {
		t.Errorf("%d messages are counted, want the one good", got)
	}
	for _, id := range []string{"m-2", "m-3", "m-4"} {
		r := send(t, client, http.MethodGet, p.url+"/waybill/v1/messages/102290129340398/"+id, "", "Authorization", "Bearer own-token-0123456789")
		if r.status != http.StatusNotFound {
			t.Errorf("message %s: %d %s", id, r.status, r.body)
		}
	}
	if r := send(t, client, http.MethodGet, p.admin+"/readyz", ""); r.status != http.StatusOK {
		t.Errorf("/readyz: %d %s", r.status, r.body)
	}
	p.stop()
	verify(t, dir)
}

// bomb returns 256 MB of blanks, deflated.
func bomb(t *testing.T) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	blanks := bytes.Repeat([]byte(" "), 1<<20)
	for range 256 {
		if _, err := w.Write(blanks); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
