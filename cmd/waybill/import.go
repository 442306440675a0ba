package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"waybill/internal/load"
)

type importCmd struct {
	clientFlags `embed:""`
	idFlags     `embed:""`
	tableFlags  `embed:""`

	Files []string `arg:"" optional:"" predictor:"file" help:"Files to import, compressed with gzip or zstd or not; - and none are standard input." placeholder:"FILE"`

	Format  string `env:"-" help:"What the files are: ${enum}." enum:"auto,ndjson,csv,parquet,bodies" default:"auto"`
	Webhook string `env:"-" help:"The files are saved bodies of webhooks: meta:APP, alibaba:CHANNEL or momo:CHANNEL says whose." placeholder:"VENDOR:ID"`

	Rejected   string `env:"-" help:"Write rows that are not taken, and why, to this file as NDJSON." placeholder:"FILE" type:"path" predictor:"file"`
	Checkpoint string `help:"Keep in this file how far the import is; empty keeps it nowhere." default:"waybill-import.json" placeholder:"FILE" predictor:"file"`
	Restart    bool   `env:"-" help:"Begin at the beginning, whatever the checkpoint says."`
	Parallel   int    `help:"Pieces that are under way at the same time." default:"4" placeholder:"N"`
	Quiet      bool   `env:"-" short:"q" help:"Print neither progress nor a summary, only errors."`
}

// Help has the examples.
func (*importCmd) Help() string {
	return `Events count once, however often they are imported. An import that was cut short goes on where it was
when the same command runs again. The exit code is 0 where all rows were taken, 1 where the import failed,
3 where some rows were rejected.

Examples:
  waybill import events.ndjson.gz
  waybill import --url https://waybill.example --rejected bad.ndjson *.ndjson.zst
  waybill import --column message="Message ID" --column at=When --time "2006-01-02 15:04" --time-zone Asia/Jakarta \
      --value channel=cams-acme report.csv
  waybill import --webhook meta:634974688087057 saved/*.json`
}

// tableFlags say how the columns of a table become events.
type tableFlags struct {
	Mapping   string            `env:"-" help:"Read from this YAML file how columns become fields; the flags below stand over it." type:"existingfile" placeholder:"FILE" predictor:"file"`
	Column    map[string]string `env:"-" help:"The column of a field, where it has not its usual name." mapsep:"none" placeholder:"FIELD=COLUMN"`
	Value     map[string]string `env:"-" help:"What a field is in all rows." mapsep:"none" placeholder:"FIELD=VALUE"`
	Time      string            `env:"-" help:"How times are written, where neither in RFC 3339 nor in milliseconds: seconds, or what 15:04:05 on 2 January 2006 looks like." placeholder:"LAYOUT"`
	TimeZone  string            `env:"-" help:"The zone of times without one; UTC by default." placeholder:"ZONE"`
	Delimiter string            `env:"-" help:"What separates the columns of CSV; by default the header tells." placeholder:"CHARACTER"`
}

// checkpointEvery is how often the checkpoint is written.
const checkpointEvery = time.Second

// exitRejected is the exit code of an import that is complete but for rows that
// were rejected.
const exitRejected = 3

// Run imports all files.
func (cmd *importCmd) Run(ctx context.Context, c console) error {
	opt, err := cmd.options(c)
	if err != nil {
		return err
	}
	meter := new(load.Meter)
	opt.Meter = meter
	sink, err := cmd.sink(ctx, c)
	if err != nil {
		return err
	}
	opt.Sink = sink.Sink
	imported, err := cmd.run(ctx, opt, meter, c)
	return errors.Join(err, sink.close(), cmd.tell(imported, c, err))
}

// An imported import is what there is to tell of one at its end.
type imported struct {
	counts load.Counts
	took   time.Duration
}

func (cmd *importCmd) run(ctx context.Context, opt load.Options, meter *load.Meter, c console) (done imported, err error) {
	progress := newProgress(c, cmd.Quiet, importWork(opt.Checkpoint, meter))
	say := func(text string) { progress.say("waybill: " + text) }
	resumed, err := cmd.resume(&opt, say)
	if err != nil {
		progress.end()
		return done, err
	}
	rejects, err := openRejects(cmd.Rejected, opt.Checkpoint, resumed)
	if err != nil {
		progress.end()
		return done, err
	}
	shown := 0
	opt.Rejected = func(r load.Rejected) error {
		if shown++; shown <= maxShownRejects && !cmd.Quiet {
			progress.say(fmt.Sprintf("%s:%d: %s", r.File, r.Line, r.Why))
		}
		return rejects.add(r)
	}
	opt.Note = say
	if cmd.Checkpoint != "" {
		opt.SaveEvery = checkpointEvery
		opt.Save = func(p load.Checkpoint) error {
			var err error
			if p.RejectedBytes, err = rejects.flush(); err != nil {
				return err
			}
			return p.Write(cmd.Checkpoint)
		}
		if err := opt.Save(*opt.Checkpoint); err != nil { // before anything is imported
			progress.end()
			return done, errors.Join(fmt.Errorf("--checkpoint: %w", err), rejects.close())
		}
	}
	begun := time.Now()
	if err = load.Run(ctx, opt); errors.Is(err, context.Canceled) {
		err = errInterrupted
	}
	progress.end()
	done = imported{opt.Checkpoint.Counts, time.Since(begun)}
	if err = errors.Join(err, rejects.close()); err != nil && done.counts.Received > 0 {
		return done, cmd.stopped(err)
	}
	if cmd.Checkpoint != "" {
		err = errors.Join(err, os.Remove(cmd.Checkpoint)) // there is nothing to resume
	}
	return done, err
}

// maxShownRejects is how many rejected rows are printed; a file has room for all.
const maxShownRejects = 10

// options returns what the flags say.
func (cmd *importCmd) options(c console) (load.Options, error) {
	if cmd.Parallel < 1 || cmd.Parallel > 64 {
		return load.Options{}, fmt.Errorf("--parallel %d is not between 1 and 64", cmd.Parallel)
	}
	if err := cmd.check(); err != nil {
		return load.Options{}, err
	}
	reading, err := cmd.reading()
	if err != nil {
		return load.Options{}, err
	}
	opt := load.Options{Reading: reading, Parallel: cmd.Parallel}
	files := cmd.Files
	if len(files) == 0 {
		if isTerminal(c.in) {
			return opt, errors.New("there is nothing to import: name files, or pipe events in")
		}
		files = []string{"-"}
	}
	for i, name := range files {
		in := load.Input{Name: name}
		if name == "-" {
			if len(files) > 1 {
				return opt, fmt.Errorf("file %d is standard input, which is imported alone", i+1)
			}
			in = load.Input{Name: "standard input", Stream: c.in}
			cmd.Checkpoint = "" // it cannot be read a second time
		}
		opt.Inputs = append(opt.Inputs, in)
	}
	if opt.Checkpoint, err = load.NewCheckpoint(cmd.target(), opt.Inputs); err != nil {
		return opt, err
	}
	return opt, nil
}

// target names where the events go, in a checkpoint.
func (cmd *importCmd) target() string {
	if cmd.URL != "" {
		return strings.TrimRight(cmd.URL, "/")
	}
	path, err := filepath.Abs(cmd.Data)
	if err != nil {
		return cmd.Data
	}
	return path
}

// reading returns how files are to be read.
func (cmd *importCmd) reading() (load.Reading, error) {
	r := load.Reading{Format: load.Format(cmd.Format)}
	if cmd.Webhook != "" {
		if r.Format != load.Auto && r.Format != load.Bodies {
			return r, fmt.Errorf("--format %s and --webhook contradict each other", cmd.Format)
		}
		r.Format = load.Bodies
	} else if r.Format == load.Bodies {
		return r, errors.New("--format bodies needs --webhook, which says whose webhooks they are")
	}
	if cmd.Mapping != "" {
		f, err := os.Open(cmd.Mapping)
		if err != nil {
			return r, err
		}
		r.Mapping, err = load.ParseMapping(f)
		if err = errors.Join(err, f.Close()); err != nil {
			return r, fmt.Errorf("%s: %w", cmd.Mapping, err)
		}
	}
	r.Mapping = r.Mapping.With(load.Mapping{
		Columns: cmd.Column, Values: cmd.Value, Time: cmd.Time, Zone: cmd.TimeZone,
	})
	var err error
	r.Delimiter, err = load.ParseDelimiter(cmd.Delimiter)
	return r, err
}

// resume takes the checkpoint over, if there is one.
func (cmd *importCmd) resume(opt *load.Options, say func(string)) (bool, error) {
	if cmd.Checkpoint == "" || cmd.Restart {
		return false, nil
	}
	resumed, err := opt.Checkpoint.Resume(cmd.Checkpoint)
	if err != nil {
		return false, fmt.Errorf("%w; give --checkpoint another name, or --restart to begin at the beginning", err)
	}
	if resumed && !cmd.Quiet {
		say(fmt.Sprintf("goes on after %d rows, as %s says", opt.Checkpoint.Counts.Received, cmd.Checkpoint))
	}
	return resumed, nil
}

// stopped says how an import that did not come to its end goes on.
func (cmd *importCmd) stopped(err error) error {
	if cmd.Checkpoint == "" {
		return fmt.Errorf("%w; what it recorded stays, and importing all again counts nothing twice", err)
	}
	return fmt.Errorf("%w; %s has how far it came: the same command goes on from there", err, cmd.Checkpoint)
}

// tell prints the summary, and returns what decides the exit code.
func (cmd *importCmd) tell(done imported, c console, failed error) error {
	n := done.counts
	if !cmd.Quiet && (failed == nil || n.Received > 0) {
		if err := summarize(c.err, done); err != nil {
			return err
		}
	}
	if failed != nil || n.Rejected == 0 {
		return nil
	}
	hint := "; --rejected FILE writes them down"
	if cmd.Rejected != "" {
		hint = "; they are in " + cmd.Rejected
	}
	return exitError{exitRejected, fmt.Errorf("rejected %s of %s rows%s", grouped(int64(n.Rejected)), grouped(int64(n.Received)), hint)}
}

func summarize(w io.Writer, done imported) error {
	n, seconds := done.counts, max(done.took.Seconds(), 1e-3)
	text := fmt.Sprintf("%s rows: %s told something new, %s known already",
		grouped(int64(n.Received)), grouped(int64(n.Changed)), grouped(int64(n.Received-n.Changed-n.TooLate-n.Rejected)))
	if n.TooLate > 0 {
		text += fmt.Sprintf(", %s too late", grouped(int64(n.TooLate)))
	}
	if n.Rejected > 0 {
		text += fmt.Sprintf(", %s rejected", grouped(int64(n.Rejected)))
	}
	_, err := fmt.Fprintf(w, "%s; %.1f s, %s a second\n", text, seconds, grouped(int64(float64(n.Received)/seconds)))
	return err
}
