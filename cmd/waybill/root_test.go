package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestWhoseCallAtTheRoot posts to the root what clients of both vendors post
// there, and reads from the answer who took it.
func TestWhoseCallAtTheRoot(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	apply(t, dir, killTenants)
	p := start(t, "serve", "--data", dir)
	client := newClient()
	const form, asJSON = "application/x-www-form-urlencoded", "application/json"
	batch := url.QueryEscape(`[{"method":"GET","relative_url":"me"}]`)
	tests := []struct {
		name, query, kind, body string
		want                    string // what the answer begins with
	}{
		{"a batch in a form", "", form, "access_token=graph-token-0123456789&batch=" + batch, `[{"code":404,`},
		{"a batch in JSON", "", asJSON, `{"access_token":"graph-token-0123456789","batch":[]}`, `[]`},
		{"a batch without a token", "", form, "batch=" + batch, `{"error":{"message":"An access token is required`},
		{"an operation in a form", "", form, "Action=GetChatappTemplateMetric&Version=2020-06-06", "<?xml"},
		{"an operation in the query", "?Action=GetChatappTemplateMetric", form, "batch2=1", "<?xml"},
		{"a form of neither", "", form, "x=1", "<?xml"},
		{"JSON of neither", "", asJSON, `{"x":1}`, `{"type":"about:blank"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := send(t, client, http.MethodPost, p.url+"/"+tt.query, tt.body, "Content-Type", tt.kind)
			if !strings.HasPrefix(r.body, tt.want) {
				t.Errorf("answer %d %s, want %s...", r.status, r.body, tt.want)
			}
		})
	}
	t.Run("several objects", func(t *testing.T) {
		r := send(t, client, http.MethodGet, p.url+"/?ids=102290129340398&fields=id&access_token=graph-token-0123456789", "")
		if want := `{"102290129340398":{"id":"102290129340398"}}`; r.body != want {
			t.Errorf("answer %d %s, want %s", r.status, r.body, want)
		}
	})
	t.Run("a body that comes in pieces", func(t *testing.T) {
		body := "access_token=graph-token-0123456789&batch=" + batch
		got := p.inPieces(t, fmt.Sprintf("POST / HTTP/1.1\r\nHost: x\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n", form, len(body)), body)
		if !strings.Contains(got, `[{"code":404,`) {
			t.Errorf("answer %s", got)
		}
	})
}

// inPieces sends a request, its body byte by byte, and returns the answer.
func (p *process) inPieces(t *testing.T, head, body string) string {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	for _, piece := range append([]string{head}, strings.Split(body, "")...) {
		if _, err := io.WriteString(conn, piece); err != nil {
			t.Fatal(err)
		}
	}
	r, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
