package server_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"waybill/internal/server"
)

func TestStopFinishesWhatRuns(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	var drained []string
	finished := false
	s := start(t, server.Options{ReadHeaderTimeout: 500 * time.Millisecond, Drain: func(ctx context.Context) error {
		drained = append(drained, "once")
		if !finished {
			t.Error("drained while a request runs")
		}
		return ctx.Err()
	}}, answering(func(w http.ResponseWriter, r *http.Request) {
		close(entered)
		<-release
		if r.Context().Err() != nil {
			t.Errorf("the stop ends the context of a request: %v", r.Context().Err())
		}
		finished = true
		_, _ = io.WriteString(w, "done")
	}))
	c, idle := dial(t, s.public), dial(t, s.public)
	send(t, c, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}")
	send(t, idle, "GET") // a request that never comes must not hold up the stop for long
	<-entered
	s.stop()
	refused := false
	for range 200 {
		other, err := net.Dial("tcp", s.public)
		if refused = err != nil; refused {
			break
		}
		_ = other.Close()
		time.Sleep(10 * time.Millisecond)
	}
	if !refused {
		t.Error("a new connection is accepted while stopping")
	}
	close(release)
	if got := receive(t, c); got.body != "done" || !got.last {
		t.Errorf("%+v", got)
	}
	err := <-s.done
	s.done <- err // for the end of the test
	if err != nil || len(drained) != 1 {
		t.Errorf("error %v, drained %v", err, drained)
	}
	if _, err := net.Dial("tcp", s.admin); err == nil {
		t.Error("the admin listener is still there")
	}
}

func TestStopCutsOffWhatDoesNotFinish(t *testing.T) {
	entered := make(chan struct{})
	drained := false
	s := start(t, server.Options{
		StopTimeout: 100 * time.Millisecond,
		Drain:       func(context.Context) error { drained = true; return errors.New("disk full") },
	}, answering(func(_ http.ResponseWriter, r *http.Request) {
		close(entered)
		<-r.Context().Done()
	}))
	c := dial(t, s.public)
	send(t, c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	<-entered
	s.stop()
	ends(t, c)
	err := <-s.done
	s.done <- err
	if !drained || !errors.Is(err, context.DeadlineExceeded) ||
		!strings.Contains(err.Error(), "finish requests in 100ms") || !strings.Contains(err.Error(), "drain: disk full") {
		t.Errorf("drained %t, error %v", drained, err)
	}
}

func TestDrainIsBounded(t *testing.T) {
	s := start(t, server.Options{
		StopTimeout: 50 * time.Millisecond,
		Drain:       func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
	}, echo("meta", "/"))
	s.stop()
	err := <-s.done
	s.done <- err
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
}

func TestStopBeforeServe(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	public, admin := listen(t), listen(t)
	if err := server.New(server.Options{}).Serve(ctx, public, admin); err != nil {
		t.Error(err)
	}
	for _, l := range []net.Listener{public, admin} {
		if c, err := net.Dial("tcp", l.Addr().String()); err == nil {
			_ = c.Close()
			t.Errorf("%s still listens", l.Addr())
		}
	}
	checkGoroutines(t)
}
