//go:build linux

// Command bench compares Waybill's store with others, on the same traffic and in
// one run: bulk ingest, small commits, queries, memory, disk and restart. Each
// engine runs in a process of its own. A wrong answer fails the run.
//
// It reads /proc and so runs on Linux only.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"waybill/bench/engine"
	"waybill/bench/traffic"
)

type config struct {
	messages int
	engines  []engine.Kind
	batches  []int
	small    time.Duration
	count    int
	dir      string
	profiles string
	measure  string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	c, err := parse(os.Args[1:])
	if err == nil {
		err = c.run(ctx)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func parse(args []string) (*config, error) {
	var c config
	var engines, batches string
	var names []string
	for _, k := range engine.Kinds() {
		names = append(names, k.Name)
	}
	f := flag.NewFlagSet("bench", flag.ExitOnError)
	f.IntVar(&c.messages, "messages", 1_000_000, "number of messages; each has 3.2 events")
	f.StringVar(&engines, "engines", strings.Join(names, ","), "what to compare")
	f.StringVar(&batches, "batches", "10000", "events in a batch of the bulk ingest, each number a table of its own")
	f.DurationVar(&c.small, "small", 5*time.Second, "how long the writers of single events write")
	f.IntVar(&c.count, "count", 1, "how often each engine runs; the tables have the medians")
	f.StringVar(&c.dir, "dir", os.TempDir(), "where the data go; removed afterwards")
	f.StringVar(&c.profiles, "profiles", "", "write a CPU profile of each phase into this folder")
	f.StringVar(&c.measure, "measure", "", "measure this engine in this process, in -dir, and print JSON: the other flags start that")
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	for name := range strings.SplitSeq(engines, ",") {
		i := slices.Index(names, name)
		if i < 0 {
			return nil, fmt.Errorf("engine %q is none of %s", name, strings.Join(names, ", "))
		}
		c.engines = append(c.engines, engine.Kinds()[i])
	}
	for size := range strings.SplitSeq(batches, ",") {
		n, err := strconv.Atoi(size)
		if err != nil || n < 1 {
			return nil, fmt.Errorf("batch size %q is not a positive number", size)
		}
		c.batches = append(c.batches, n)
	}
	if c.messages < 1 || c.messages > 1<<31 || c.count < 1 {
		return nil, fmt.Errorf("messages (%d) and count (%d) must be positive", c.messages, c.count)
	}
	return &c, nil
}

func (c *config) run(ctx context.Context) (err error) {
	if c.measure != "" {
		return c.runChild(ctx)
	}
	tr := traffic.Traffic{Messages: c.messages}
	answers := tr.Answers()
	dir, err := os.MkdirTemp(c.dir, "waybill-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	// PostgreSQL may run as another user.
	if err := os.Chmod(dir, 0o711); err != nil {
		return err
	}
	here, err := machine(dir)
	if err != nil {
		return err
	}
	fmt.Println(here)
	for _, batch := range c.batches {
		results, err := c.compare(ctx, dir, batch)
		if err != nil {
			return err
		}
		for _, r := range results {
			if err := verify(&r, answers); err != nil {
				return err
			}
		}
		fmt.Print("\n", table(c.messages, batch, results))
	}
	return nil
}

// compare measures all engines once or more often.
func (c *config) compare(ctx context.Context, dir string, batch int) ([]measurement, error) {
	var results []measurement
	for range c.count {
		for _, k := range c.engines {
			if missing := k.Missing(); missing != "" {
				fmt.Fprintf(os.Stderr, "%s is left out, it needs %s\n", k.Name, missing)
				continue
			}
			m, err := c.start(ctx, filepath.Join(dir, k.Name), k.Name, batch)
			if err != nil {
				return nil, err
			}
			results = append(results, *m)
		}
	}
	return results, nil
}

// start measures an engine in a process of its own.
func (c *config) start(ctx context.Context, dir, name string, batch int) (m *measurement, err error) {
	if err := os.Mkdir(dir, 0o711); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self, "-measure", name, "-dir", dir,
		"-messages", strconv.Itoa(c.messages), "-batches", strconv.Itoa(batch), "-small", c.small.String(), "-profiles", c.profiles)
	cmd.Stderr = os.Stderr
	// It has to stop PostgreSQL before it ends.
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = time.Minute
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	m = new(measurement)
	return m, json.Unmarshal(out, m)
}

func (c *config) runChild(ctx context.Context) error {
	i := slices.IndexFunc(engine.Kinds(), func(k engine.Kind) bool { return k.Name == c.measure })
	if i < 0 {
		return fmt.Errorf("engine %q is unknown", c.measure)
	}
	r := &run{
		kind: engine.Kinds()[i], dir: c.dir, traffic: traffic.Traffic{Messages: c.messages},
		batch: c.batches[0], small: c.small, asking: 4 * time.Second, quiet: 5 * time.Second,
		profiles: c.profiles,
	}
	m, err := r.measure(ctx)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(m)
}
