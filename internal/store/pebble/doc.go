// Package pebble is the embedded store: a waybill.Store in one directory of one
// process, on the key-value engine Pebble. The engine is used for what it is good
// at: a log that is synced once for many events, sorted files, compaction,
// checkpoints. Nothing with a random key goes through its table in memory.
//
// docs/store.md of the repository tells it with pictures. The files, in the order in
// which an event meets them:
//
//	store.go       options, and what a store has in memory
//	configure.go   settings of channels
//	append.go      events to ops, in parallel; calls that wait share a commit
//	labels.go      what an event says besides times, once for many events
//	commit.go      merge ops into states, write one record of the log
//	join.go        tuples of states joined with what events say
//	words.go       dictionaries: texts, tuples of labels, details
//	count.go       by what the counters change
//	table.go       the states of a generation, in memory
//	state.go       a state, its encoding; codec.go: of what that is made
//	overlay.go     what is not folded yet of the counters; totals.go: of segments
//	room.go        when a generation ends; run.go: it becomes sorted files
//	bundle.go      messages in one value; stored.go: what is read of it
//	fold.go        differences into packed days, projections and totals
//	cells.go       packed cells
//	bloom.go       which messages are new; filter.go: how that is kept up
//	passes.go      marks follow a change of settings
//	upkeep.go      what takes long and nobody waits for
//	retain.go      which partitions are old; drop.go: they are dropped
//	version.go     one moment, for a reader
//	points.go      questions; with packed.go, board.go, scribe.go, groups.go and scratch.go
//	message.go     the history of one message, its name
//	find.go        the messages behind a number; candidate.go: what becomes of them
//	segments.go    sends and their counts; with segment_place.go and segment_codec.go
//	erase.go       names are forgotten; trim.go: the engine's logs begin anew
//	verify.go      everything again from the histories, with verify_projections.go;
//	               tally.go: added up
//	dump.go        keys and values as text
//	checkpoint.go  a copy while the store goes on
//	replay.go      the log at the start; mark.go: whether it is whole
//	open.go        a directory is opened; engine.go: how the engine is set up
//	keys.go        spaces of keys, partitions, the hash of an ID
//	disk.go        a disk that stands still when it fails
//	stats.go       what the store counts of itself; collector.go: how it tells
//
// # Layout
//
// Numbers in keys are big-endian, so that keys are in the order of what they
// name. Other numbers are varints.
//
//	l seq:8                              -> a commit, until it is folded: commit.go
//	m partition:2 channel:4 bundle:2     -> states of messages: state.go, in a bundle: bundle.go
//	i partition:2 channel:4 bundle:2     -> their IDs and recipients, likewise
//	n generation:8                       -> nothing; the run of a generation ends with it
//	c channel:4 basis:1 day:4            -> cells of a day, packed: cells.go
//	e channel:4 basis:1 day:4            -> settled cells: what dropped messages count
//	p channel:4 basis:1 period:4         -> cells of 32 days by sender
//	q channel:4 basis:1 period:4 text:4  -> cells of 32 days by template
//	a channel:4 segment                  -> all-time counts
//	w number:4                           -> text
//	t channel:4 ref:4                    -> tuple: labels with ranks, marks
//	d channel:4 ref:4                    -> detail: error code or button
//	s channel:4                          -> settings, pass and its cursor
//	g channel:4 segment                  -> segment
//	o channel:4 condition, time, segment -> segment; the newest first
//	x channel:4 segment, quarter:4       -> snapshot
//	r name                               -> record
//	f fact                               -> up to where it is folded, secret of the hash, ...
//	y                                    -> how many events were too late
//	v                                    -> format version
//
// # Writing
//
// One writer at a time brings the messages of a batch of events into the live table,
// merges, and commits one record: the full new states of the touched messages, the
// differences of cells, and names that were first seen; with it new dictionary
// entries, settings, segments. The commit is synced before it is acknowledged, and
// published to readers after.
//
// A full table becomes the previous generation. The folder, one goroutine, writes its
// states as sorted files that the engine takes over, and then in one batch adds its
// differences to the packed counters and deletes its log. A start replays the log:
// states overwrite, and differences are folded exactly once, since the fold and the
// deletion of the log are one step.
//
// What takes longer than writers can wait has a goroutine of its own, the upkeep: old
// partitions are dropped, interrupted erasures finished, the filter made anew.
//
// A change of a channel's metrics setting renews the marks of the messages in memory
// in the same commit; a pass renews those in runs, chunk by chunk, each with its
// cursor.
//
// # Reading
//
// An answer is computed from one version: an iterator of the engine and the overlays
// of the generations that it does not see folded. A reader sees all of a commit or
// nothing of it, and a day neither twice nor by half while it is folded.
//
// # Failures of the disk
//
// After a failed write or sync nothing is known of what the disk holds, and the
// engine would panic or end the process. The store instead stands still: beneath
// the engine, the first failed operation and every later one that would change
// the disk never return, so that to the engine the disk only is infinitely slow
// and it never handles the error. Append and Configure fail with Unavailable from
// then on, for good; reads go on. The directory stays locked until the process
// ends, and its next start recovers as from a power cut. What was acknowledged is
// there; what was not may be there, and counts once when it is sent again.
//
// A flipped bit in a file is found by the engine's checksums, but at the very end of
// a log, where it looks like a write that was cut: mark.go and checkRun find what is
// missing then. A violated invariant of the engine itself ends the process with a log
// entry.
package pebble
