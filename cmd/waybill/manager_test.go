package main

import (
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestServiceManager plays the service manager that starts a server.
func TestServiceManager(t *testing.T) {
	dir := t.TempDir()
	socket := filepath.Join(dir, "notify")
	manager, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer manager.Close()
	if err := manager.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	told := func() string {
		var b [100]byte
		n, err := manager.Read(b[:])
		if err != nil {
			t.Fatal(err)
		}
		return string(b[:n])
	}
	t.Setenv("NOTIFY_SOCKET", socket)
	p := start(t, "serve", "--data", filepath.Join(dir, "data"))
	if got := told(); got != "READY=1" {
		t.Errorf("told %q", got)
	}
	p.stop()
	if got := told(); got != "STOPPING=1" {
		t.Errorf("told %q", got)
	}
}

// TestHealth asks a server that serves, and one that is gone.
func TestHealth(t *testing.T) {
	p := start(t, "serve", "--data", filepath.Join(t.TempDir(), "data"))
	admin := strings.TrimPrefix(p.admin, "http://")
	out, err := waybillCmd("health", "--admin-listen", admin).CombinedOutput()
	if err != nil || string(out) != "ready\n" {
		t.Errorf("health: %v, %s", err, out)
	}
	p.stop()
	if out, err := waybillCmd("health", "--admin-listen", admin).CombinedOutput(); err == nil {
		t.Errorf("health of a server that is gone: %s", out)
	}
}

// TestHealthOfOthers asks what is not ready, what is no Waybill, and what does not
// answer.
func TestHealthOfOthers(t *testing.T) {
	for name, tt := range map[string]struct {
		answer http.HandlerFunc
		want   string
	}{
		"one that starts": {
			func(w http.ResponseWriter, _ *http.Request) {
				http.Error(w, "starting", http.StatusServiceUnavailable)
			}, "not ready: starting",
		},
		"another server":           {http.NotFound, "not ready: 404"},
		"one that does not answer": {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, "deadline exceeded"},
	} {
		t.Run(name, func(t *testing.T) {
			s := httptest.NewServer(tt.answer)
			defer s.Close()
			out, err := waybillCmd("health", "--timeout=300ms", "--admin-listen", s.Listener.Addr().String()).CombinedOutput()
			if err == nil || !strings.Contains(string(out), tt.want) {
				t.Errorf("%v: %s, want %q", err, out, tt.want)
			}
		})
	}
}
