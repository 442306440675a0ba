package waybill

import "context"

// A ChannelNumber is a channel's own number in a store: never 0, never reused.
type ChannelNumber uint32

// A ChannelState is what a store must know of a channel to count its messages.
type ChannelState struct {
	Number   ChannelNumber
	Provider Provider // never changes

	// MetricsEnabled is the instant from which messages are collected,
	// Never where they are not.
	MetricsEnabled Instant
}

// A Record is a small named value that a store keeps for others: the directory
// of tenants, bodies that wait for their channel.
type Record struct {
	Key   string
	Value []byte // nil deletes the record
}

// A Change is a set of settings that is stored as a whole or not at all.
type Change struct {
	Channels []ChannelState
	Records  []Record
}

// An Outcome is what became of an event that was appended.
type Outcome uint8

// The outcomes.
const (
	Unchanged Outcome = iota // it taught nothing
	Changed                  // it changed the history of its message, the mark apart

	// TooLate is the outcome of an event whose time lies before the oldest
	// histories that the store keeps. It is counted as such and not applied:
	// nobody can tell any more whether it was counted before.
	TooLate
)

// A Batch is events that a store has prepared. It is for one goroutine at a time.
type Batch interface {
	// Result is what Append would have returned for the events, once they are
	// committed. The outcomes belong to the batch.
	Result() ([]Outcome, error)

	// Release gives back the memory of the batch, which must not be used any
	// more. One that cannot be released is left to the garbage collector.
	Release()
}

// A Store keeps the histories of messages and answers queries about them.
//
// Counts are exact: a query that starts after Append has returned nil counts
// each of the appended events, however often and in whatever order they were
// appended. All methods can be called concurrently; one whose context is done
// returns its error and has changed nothing. Package storetest holds the tests of
// this contract; a store is done when it passes them.
type Store interface {
	// Append merges the events into the histories of their messages, in one
	// atomic and durable step: when it returns nil, they survive a crash.
	// The events must be valid and their channels configured, else it fails
	// with Invalid and keeps none of them. Append does not hold on to the
	// slice after it returns. outcomes tells what became of each event; it
	// is nil where the store cannot know. It is Check, Prepare and Commit in
	// one.
	Append(ctx context.Context, events []Event) (outcomes []Outcome, err error)

	// Prepare does all that can be done with events before their turn to be
	// committed. Their channels must be configured, else it fails with
	// Invalid. The events and their texts must stay as they are until the
	// batch is released. A batch that is never committed leaves nothing behind.
	Prepare(events Checked) (Batch, error)

	// Commit appends batches that this store has prepared, each in one atomic
	// and durable step, of which many may share a sync. It returns when it is
	// known of each of them what became of it. A channel that was changed
	// after the batch was prepared counts as it is now. A batch is committed
	// once.
	Commit(ctx context.Context, batches []Batch)

	// Points answers q: the buckets that count something, ordered by start
	// and then by key. Empty buckets are left out. A channel that is named
	// twice counts once, one that is not configured nothing. A query that is
	// not valid fails with Invalid. The answer is the caller's, who may give
	// it to Recycle once it is read.
	Points(ctx context.Context, q Query) ([]Point, error)

	// Values returns the values of label l that the channel's messages have,
	// or had after some Append, in ascending order.
	Values(ctx context.Context, channel ChannelNumber, l Label) ([]string, error)

	// Message returns the merged history of one message, or NotFound.
	Message(ctx context.Context, channel ChannelNumber, id string) (Message, error)

	// Configure stores a change, durable when it returns nil. A change of
	// MetricsEnabled applies at once to later events; the marks of stored
	// messages follow, at the latest when Settled returns, also across a
	// crash. A Provider that differs from the stored one fails with
	// Conflict.
	Configure(ctx context.Context, c Change) error

	// Settled returns when the marks of all stored messages agree with the
	// settings of their channels.
	Settled(ctx context.Context) error

	// Channels returns the configured channels in ascending order.
	Channels(ctx context.Context) ([]ChannelState, error)

	// Records returns the records whose keys start with prefix, ordered by
	// key.
	Records(ctx context.Context, prefix string) ([]Record, error)

	SegmentStore
	MessageStore

	// Verify recomputes every counter from the histories and returns what
	// differs, at most limit of them. Where it fails, too, those that it found are right.
	Verify(ctx context.Context, limit int) ([]Difference, error)

	// Close releases the store. Calls in progress finish first.
	Close() error
}

// A Difference is a counter that does not equal the sum of the contributions.
type Difference struct {
	Channel    ChannelNumber
	Cell       Cell
	Have, Want int64

	// AllTime is set for an all-time count of a segment. Its Cell has only
	// that label and the metric.
	AllTime bool
}
