package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"time"

	"waybill"
	"waybill/internal/dialect/rest"
	"waybill/internal/ingest"
	"waybill/internal/store/pebble"
)

// inProcessURL is the address of an API that runs in this process.
const inProcessURL = "http://in-process"

// clientFlags say where a command that calls the API finds it.
type clientFlags struct {
	dataFlags   `embed:""`
	remoteFlags `embed:""`
}

// client returns a client of the server at --url, or without it of an API on the
// data directory, which must be there. It has to be closed.
func (f *clientFlags) client(ctx context.Context) (*client, error) {
	if f.URL != "" {
		return f.remote(f.Data)
	}
	return newInProcess(ctx, f.dataFlags, pebble.Options{MustExist: true})
}

// whereStores says what to do where there is no store.
const whereStores = "name it by --data, or a running server by --url"

// openLocal opens a data directory for a command that is no server. Only serve and
// apply make one.
func openLocal(ctx context.Context, data dataFlags, keep pebble.Options) (*app, error) {
	if keep.MustExist {
		if _, err := os.Stat(data.Data); err != nil {
			return nil, fmt.Errorf("there is no store: %w; %s", err, whereStores)
		}
	}
	a := &app{data: data, keep: keep, log: slog.New(slog.DiscardHandler)}
	var err error
	if a.store, a.directory, a.key, err = openData(ctx, a.data, a.keep, a.log); err != nil {
		switch waybill.CodeOf(err) {
		case waybill.Conflict:
			err = fmt.Errorf("%w%s; to work through the server that uses it, add --url", err, holderOf(data.Data))
		case waybill.NotFound:
			err = fmt.Errorf("%w; %s", err, whereStores)
		}
		return nil, err
	}
	a.recorder = ingest.NewRecorder(a.store, ingest.RecorderOptions{Now: time.Now, Log: a.log})
	return a, nil
}

// newInProcess runs the API on a data directory. Its calls are the operator's:
// whoever can open the directory can read all that is in it.
func newInProcess(ctx context.Context, data dataFlags, opt pebble.Options) (*client, error) {
	a, err := openLocal(ctx, data, opt)
	if err != nil {
		return nil, err
	}
	api, err := a.ownAPI()
	if err != nil {
		return nil, errors.Join(err, a.close())
	}
	return &client{
		base: inProcessURL,
		http: &http.Client{Transport: inProcess{api}},
		close: func(ctx context.Context) error {
			return errors.Join(a.store.Settled(ctx), a.close())
		},
	}, nil
}

// inProcess answers requests by a handler, as they would be over a connection: a
// long answer is read while it is written.
type inProcess struct{ handler http.Handler }

// RoundTrip implements http.RoundTripper.
func (p inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	served := r.Clone(rest.WithOperator(r.Context()))
	served.RemoteAddr, served.RequestURI = "127.0.0.1:0", r.URL.RequestURI()
	if served.Body == nil {
		served.Body = http.NoBody
	}
	from, to := io.Pipe()
	w := &answerWriter{header: make(http.Header), body: to, begun: make(chan struct{})}
	go func() {
		defer func() { _ = served.Body.Close() }() // nothing is left to read
		p.handler.ServeHTTP(w, served)
		w.WriteHeader(http.StatusOK)
		_ = to.Close() // never fails
	}()
	<-w.begun
	return &http.Response{
		Status: fmt.Sprintf("%d %s", w.status, http.StatusText(w.status)), StatusCode: w.status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: w.sent, Body: from, ContentLength: -1, Request: r,
	}, nil
}

// An answerWriter hands an answer on to whoever reads it.
type answerWriter struct {
	header http.Header
	body   *io.PipeWriter

	once   sync.Once
	begun  chan struct{} // closed when status and sent are set
	status int
	sent   http.Header
}

// Header implements http.ResponseWriter.
func (w *answerWriter) Header() http.Header { return w.header }

// WriteHeader implements http.ResponseWriter.
func (w *answerWriter) WriteHeader(status int) {
	w.once.Do(func() {
		w.status, w.sent = status, w.header.Clone()
		close(w.begun)
	})
}

// Write implements http.ResponseWriter. It fails once the reader has gone.
func (w *answerWriter) Write(text []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(text)
}

// Flush implements http.Flusher: nothing is held back.
func (w *answerWriter) Flush() { w.WriteHeader(http.StatusOK) }

// SetWriteDeadline and SetReadDeadline are what http.ResponseController calls; a
// reader in the same process needs neither.
func (w *answerWriter) SetWriteDeadline(time.Time) error { return nil }

// SetReadDeadline implements what http.ResponseController calls.
func (w *answerWriter) SetReadDeadline(time.Time) error { return nil }
