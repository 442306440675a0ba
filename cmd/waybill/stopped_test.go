package main

import (
	"bytes"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"waybill"
	"waybill/internal/store/pebble"
)

// TestStoppedStore has the disk of a server fail: it is told at once, and by the
// check that /readyz asks.
func TestStoppedStore(t *testing.T) {
	var failing atomic.Bool
	disk := errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
		if failing.Load() && op.Kind.ReadOrWrite() == errorfs.OpIsWrite {
			return errorfs.ErrInjected
		}
		return nil
	}))
	store, err := pebble.Open("data", pebble.Options{FS: disk})
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	a := &app{store: store, log: slog.New(slog.NewTextHandler(&log, nil))}
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		a.watchStore(t.Context())
	}()
	if err := a.check(); err != nil || log.Len() > 0 {
		t.Errorf("before: %v, %s", err, &log)
	}
	failing.Store(true)
	if err := store.Configure(t.Context(), waybill.Change{Records: []waybill.Record{{Key: "k"}}}); waybill.CodeOf(err) != waybill.Unavailable {
		t.Fatalf("written: %v", err)
	}
	<-watched
	if err := a.check(); err == nil || !strings.Contains(log.String(), "level=ERROR") || !strings.Contains(log.String(), "restart") {
		t.Errorf("after: %v, %s", err, &log)
	}
	if err := store.Close(); err == nil {
		t.Error("closed without an error")
	}
}
