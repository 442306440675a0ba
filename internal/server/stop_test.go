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
	finished := false
	s := start(t, server.Options{ReadHeaderTimeout: 500 * time.Millisecond}, answering(func(w http.ResponseWriter, r *http.Request) {
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
	if err != nil || !finished {
		t.Errorf("error %v, finished %t", err, finished)
	}
	if _, err := net.Dial("tcp", s.admin); err == nil {
		t.Error("the admin listener is still there")
	}
}

func TestStopCutsOffWhatDoesNotFinish(t *testing.T) {
	entered := make(chan struct{})
	s := start(t, server.Options{StopTimeout: 100 * time.Millisecond}, answering(func(_ http.ResponseWriter, r *http.Request) {
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
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "finish requests in 100ms") {
		t.Errorf("error %v", err)
	}
	if log := s.log.await(t, "msg=request"); strings.Contains(log, "status=499") {
		t.Errorf("our cut is taken for a caller who hung up:\n%s", log)
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
