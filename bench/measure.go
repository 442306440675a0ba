//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime/pprof"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"waybill"
	"waybill/bench/engine"
	"waybill/bench/traffic"
	"waybill/internal/ingest"
)

// A measurement is what one engine did in a process of its own.
type measurement struct {
	Engine string
	Events int // all of them

	Rate       float64   // of the bulk ingest, events/s
	CPU        float64   // of the bulk ingest until nothing is left to do, µs/event
	Commit     latencies // of a batch
	Others     float64   // cores that others used meanwhile
	Generating float64   // time of making the events, as a share of the ingest's

	SmallRate   float64 // of the writers, events/s
	SmallCPU    float64 // µs/event
	SmallCommit latencies

	Queries   []latencies
	Checksums []string // of the answers

	Memory  int64   // largest resident, bytes
	Restart float64 // s
	Recover float64 // the same after a crash; 0 where that is not measured
	Disk    int64   // bytes
}

// latencies are in milliseconds.
type latencies struct{ P50, P99 float64 }

func latenciesOf(all []time.Duration) latencies {
	if len(all) == 0 {
		return latencies{}
	}
	slices.Sort(all)
	at := func(p float64) float64 {
		return all[int(math.Ceil(p*float64(len(all))))-1].Seconds() * 1000
	}
	return latencies{at(.5), at(.99)}
}

// A run measures one engine.
type run struct {
	kind    engine.Kind
	dir     string
	traffic traffic.Traffic
	batch   int
	small   time.Duration // how long the writers write, at most
	asking  time.Duration // how long each question is asked, as a rule
	quiet   time.Duration // how long an engine uses hardly any CPU that has nothing to do

	// profiles is where a CPU profile of each phase goes, unless empty.
	profiles string

	engine engine.Engine
	stream *traffic.Stream
	events []waybill.Event
	m      measurement
}

func (r *run) measure(ctx context.Context) (*measurement, error) {
	r.m.Engine = r.kind.Name
	r.stream, r.events = r.traffic.Stream(), make([]waybill.Event, r.batch)
	memory := startWatch()
	var err error
	if r.engine, err = r.kind.Open(ctx, r.dir); err != nil {
		return nil, err
	}
	for _, phase := range []struct {
		name string
		do   func(context.Context) error
	}{
		{"bulk ingest", r.bulk},
		{"small commits", r.writers},
		{"the rest", r.rest},
		{"queries", r.queries},
		{"restart", func(ctx context.Context) error {
			r.m.Memory = memory.end()
			return r.restart(ctx)
		}},
	} {
		fmt.Fprintf(os.Stderr, "%s %s: %s\n", time.Now().Format(time.TimeOnly), r.kind.Name, phase.name)
		if err := r.profiled(ctx, phase.name, phase.do); err != nil {
			err = fmt.Errorf("%s: %s: %w", r.kind.Name, phase.name, err)
			return nil, errors.Join(err, r.engine.Close()) // PostgreSQL would run on
		}
	}
	return &r.m, nil
}

// profiled calls f and writes a profile of it where that is wanted.
func (r *run) profiled(ctx context.Context, phase string, f func(context.Context) error) error {
	if r.profiles == "" {
		return f(ctx)
	}
	name := fmt.Sprintf("%s-%d-%s.cpu.pprof", r.kind.Name, r.batch, strings.ReplaceAll(phase, " ", "-"))
	file, err := os.Create(filepath.Join(r.profiles, name))
	if err != nil {
		return err
	}
	if err := pprof.StartCPUProfile(file); err != nil {
		return errors.Join(err, file.Close())
	}
	err = f(ctx)
	pprof.StopCPUProfile()
	return errors.Join(err, file.Close())
}

// next makes the next batch. It returns how long that took.
func (r *run) next() (events []waybill.Event, took, cpu time.Duration) {
	began := time.Now()
	cpu = cpuTime(func() { events = r.events[:r.stream.Next(r.events)] })
	return events, time.Since(began), cpu
}

// bulk appends batches one after the other, all but the events that are left to
// the writers. The time of making the events does not count; background work of
// the engine that goes on meanwhile gets a small part of its time for nothing.
func (r *run) bulk(ctx context.Context) error {
	all := int(float64(r.traffic.Messages) * traffic.EventsPerMessage)
	held := min(all/5, 600_000)
	var commits []time.Duration
	var appending, generating, generatingCPU time.Duration
	before := used()
	for r.m.Events < all-held {
		events, took, cpu := r.next()
		generating, generatingCPU = generating+took, generatingCPU+cpu
		began := time.Now()
		if _, err := r.engine.Append(ctx, events); err != nil {
			return err
		}
		commits = append(commits, time.Since(began))
		appending += commits[len(commits)-1]
		r.m.Events += len(events)
	}
	r.m.Others = before.others(used())
	r.settle()
	r.m.Rate = float64(r.m.Events) / appending.Seconds()
	r.m.CPU = perEvent(used().own-before.own-generatingCPU, r.m.Events)
	r.m.Commit = latenciesOf(commits)
	r.m.Generating = generating.Seconds() / appending.Seconds()
	return nil
}

func perEvent(cpu time.Duration, events int) float64 {
	return cpu.Seconds() * 1e6 / float64(max(1, events))
}

const smallWriters = 64

// writers records single events, each of them durable before its writer goes on.
// They share commits through the Recorder of the product, whatever the engine.
func (r *run) writers(ctx context.Context) error {
	recorder := ingest.NewRecorder(recorded{engine: r.engine}, ingest.RecorderOptions{Now: traffic.Now})
	source := &source{stream: r.stream}
	var all []time.Duration
	var failure error
	var mu sync.Mutex // guards both
	var group sync.WaitGroup
	before, began := used(), time.Now()
	for range smallWriters {
		group.Go(func() {
			var took []time.Duration
			var err error
			for event := source.next(); event != nil && err == nil; event = source.next() {
				start := time.Now()
				_, err = recorder.Record(ctx, event)
				took = append(took, time.Since(start))
				if time.Since(began) > r.small {
					break
				}
			}
			mu.Lock()
			defer mu.Unlock()
			all = append(all, took...)
			if err != nil {
				failure = err
			}
		})
	}
	group.Wait()
	r.m.SmallRate = float64(len(all)) / time.Since(began).Seconds()
	r.m.SmallCPU = perEvent(used().own-before.own-time.Duration(source.cpu.Load()), len(all))
	r.m.SmallCommit = latenciesOf(all)
	r.m.Events += len(all)
	r.events = append(r.events[:0], source.rest...)
	if err := recorder.Close(ctx); err != nil {
		return err
	}
	return failure
}

// recorded is an engine as the Recorder wants it: only these two are called. Of
// Waybill's own engine it shows the store, which prepares batches.
type recorded struct {
	waybill.Store
	engine engine.Engine
}

// Prepare implements waybill.Store.
func (r recorded) Prepare(events waybill.Checked) (waybill.Batch, error) {
	if s, ok := r.engine.(waybill.Store); ok {
		return s.Prepare(events)
	}
	return &batch{events: events.Events()}, nil
}

// Commit implements waybill.Store. It makes one batch of all.
func (r recorded) Commit(ctx context.Context, batches []waybill.Batch) {
	if s, ok := r.engine.(waybill.Store); ok {
		s.Commit(ctx, batches)
		return
	}
	var events []waybill.Event
	for _, b := range batches {
		events = append(events, b.(*batch).events...)
	}
	_, err := r.engine.Append(ctx, events)
	for _, b := range batches {
		b.(*batch).err = err
	}
}

// A batch is one of an engine that prepares nothing.
type batch struct {
	events []waybill.Event
	err    error
}

// Result implements waybill.Batch.
func (b *batch) Result() ([]waybill.Outcome, error) { return nil, b.err }

// Release implements waybill.Batch.
func (b *batch) Release() {}

// A source hands out events one by one.
type source struct {
	cpu atomic.Int64 // of making them, ns

	mu     sync.Mutex
	stream *traffic.Stream
	rest   []waybill.Event
}

func (s *source) next() []waybill.Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.rest) == 0 {
		s.rest = make([]waybill.Event, 1000) // the Recorder keeps those before
		s.cpu.Add(int64(cpuTime(func() { s.rest = s.rest[:s.stream.Next(s.rest)] })))
	}
	if len(s.rest) == 0 {
		return nil
	}
	event := s.rest[:1:1]
	s.rest = s.rest[1:]
	return event
}

// rest appends what the writers left.
func (r *run) rest(ctx context.Context) error {
	events := r.events
	r.events = make([]waybill.Event, r.batch)
	for {
		if _, err := r.engine.Append(ctx, events); err != nil {
			return err
		}
		r.m.Events += len(events)
		if events, _, _ = r.next(); len(events) == 0 {
			r.settle()
			return nil
		}
	}
}

// queries asks each question again and again.
func (r *run) queries(ctx context.Context) error {
	const atLeast, atMost = 5, 200
	for _, q := range traffic.Questions() {
		var took []time.Duration
		var answer []waybill.Point
		for began := time.Now(); len(took) < atLeast || len(took) < atMost && time.Since(began) < r.asking; {
			waybill.Recycle(answer) // as those who answer with it do
			start := time.Now()
			points, err := r.engine.Points(ctx, q.Query)
			if err != nil {
				return err
			}
			answer = q.Answer(points)
			took = append(took, time.Since(start))
		}
		r.m.Queries = append(r.m.Queries, latenciesOf(took))
		r.m.Checksums = append(r.m.Checksums, traffic.Checksum(answer))
	}
	return nil
}

// restart takes the time until the engine is open again, after it was closed and
// after a crash, and asks once more. A crash leaves what is in the files of an
// engine that is open. The files are in the memory of the operating system.
func (r *run) restart(ctx context.Context) error {
	crashed := r.dir + ".crashed"
	if !r.kind.Server {
		r.settle() // so that the copies fit each other
		if err := os.CopyFS(crashed, os.DirFS(r.dir)); err != nil {
			return err
		}
	}
	if err := r.engine.Close(); err != nil {
		return err
	}
	var err error
	if !r.kind.Server {
		if r.m.Recover, err = r.reopen(ctx, crashed); err != nil {
			return fmt.Errorf("after a crash: %w", err)
		}
		if err := errors.Join(r.engine.Close(), os.RemoveAll(crashed)); err != nil {
			return err
		}
	}
	if r.m.Restart, err = r.reopen(ctx, r.dir); err != nil {
		return err
	}
	r.settle()
	if err := r.engine.Close(); err != nil {
		return err
	}
	r.m.Disk, err = diskUsage(r.dir, filepath.Join(r.dir, r.kind.Spare))
	return err
}

// reopen opens the engine in dir and checks its answers. It returns how many
// seconds opening took.
func (r *run) reopen(ctx context.Context, dir string) (float64, error) {
	began := time.Now()
	e, err := r.kind.Open(ctx, dir)
	if err != nil {
		return 0, err
	}
	r.engine = e
	took := time.Since(began).Seconds()
	for i, q := range traffic.Questions() {
		points, err := e.Points(ctx, q.Query)
		if err != nil {
			return 0, err
		}
		if have, want := traffic.Checksum(q.Answer(points)), r.m.Checksums[i]; have != want {
			return 0, fmt.Errorf("%s has another answer than before: checksum %s, was %s", q.Name, have, want)
		}
	}
	return took, nil
}

// settle waits until this process and those that it started have nothing to do:
// for some time they use hardly any CPU.
func (r *run) settle() {
	const patience = 5 * time.Minute
	for began := time.Now(); time.Since(began) < patience; {
		before := used()
		time.Sleep(r.quiet)
		if used().own-before.own <= r.quiet/25+tick {
			return
		}
	}
}
