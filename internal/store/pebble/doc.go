// Package pebble is the embedded store: a waybill.Store in one directory of one
// process, on the key-value engine Pebble.
//
// # Layout
//
// Numbers in keys are big-endian, so that keys are in the order of what they
// name. All other numbers are varints.
//
//	v                                  -> format version
//	s channel:4                        -> provider, metrics enabled, pass and its cursor
//	t channel:4 ref:4                  -> tuple: kind, collected, label values
//	d channel:4 ref:4                  -> detail: error code or button
//	m channel:4 message id             -> history of a message, labels by tuple ref
//	c channel:4 basis:1 quarter:4      -> the counters of this quarter
//	r name                             -> record
//	g channel:4 segment id             -> segment
//	o channel:4 condition, time, id    -> nothing; the newest first, see appendOrderKey
//	a channel:4 segment id             -> all-time counts of the messages of a segment
//	n channel:4 segment id, quarter:4  -> snapshot
//
// Tuples and details are dictionaries: append-only, numbered per channel without
// gaps, written in the batch that first uses an entry, and held in memory. Detail 0
// is the total and not stored. The labels' ranks and revisions stand in the
// history itself, not in the dictionary: a source that numbers every event would
// otherwise add an entry with every message.
//
// A value of c is a number of runs and the runs, with three zero bytes between
// them. A run is a list of cells ordered by tuple and detail, zero cells left out:
//
//	+------------------+--------+-------------+----------------------+
//	| tuple - previous | detail | metric mask | count of each metric |  ...
//	+------------------+--------+-------------+----------------------+
//
// The counters are the sum of the runs. Append writes one run of differences with
// the engine's merge operation, so that it never reads counters. Merging strings
// runs together and adds them up once they are many; it is associative and
// commutative, so that it does not matter when the engine does it.
//
// # Writing
//
// One writer at a time merges a batch of events into the histories of their
// messages, and commits in one batch of the engine the new histories, the
// differences of the counters, and new dictionary entries. The commit is synced
// before it is acknowledged. A change of a channel's settings commits the setting
// with the mark that a pass over its messages is due; the pass commits each chunk
// of histories together with its cursor, and so goes on where it was after a
// crash.
//
// # Reading
//
// An answer is computed from one iterator of the engine, which sees one version:
// all of a commit or nothing of it. A reader sees a commit shortly before it is
// acknowledged.
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
// A violated invariant of the engine itself ends the process with a log entry.
package pebble
