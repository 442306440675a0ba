// Package event reads Waybill's own event format, in which anybody can report
// what became of messages: JSON objects, one on each line or in an array. It
// knows no vendor and no HTTP, so that the own API, the webhook of a vendor that
// has none of its own and an import read the same.
//
// docs/dialects/waybill.md describes the format.
package event

import (
	"bytes"
	"cmp"
	"slices"

	"waybill"
	"waybill/internal/ndjson"
)

// Bounds of a body. The first two refuse it, the others an event alone.
const (
	MaxBody   = 64 << 20 // bytes, inflated
	MaxEvents = 100_000
	MaxLine   = 64 << 10 // bytes
	maxDepth  = 16
)

// MaxRejected is how many rejections a Report lists; the others are only counted.
const MaxRejected = ndjson.MaxRejected

const (
	// minEvent is how long an event is at least, about, in bytes.
	minEvent = 64

	// eventBytes is about the memory of a waybill.Event, without its texts.
	eventBytes = 480
)

// Channels returns the number of the channel that an event names, "" where it
// names none. An error rejects the event.
type Channels func(id string) (waybill.ChannelNumber, error)

// A Batch is what is in one body. Every event of it is either in Events, or
// rejected, or both once Reject was called.
type Batch struct {
	Received int             // events in the body, rejected ones too
	Events   []waybill.Event // in the order of the body; still to be validated by the recorder

	lines    []int // of Events, by index
	rejected []Rejection
}

// A Rejection is an event that was not recorded.
type Rejection = ndjson.Rejection

// A Report is the answer to a body, as JSON.
type Report struct {
	Received int         `json:"received" doc:"Events in the body, rejected ones too." example:"3"`
	Changed  *int        `json:"changed,omitempty" doc:"Those that told something new, where that is known." example:"2"`
	TooLate  int         `json:"too_late,omitempty" doc:"Those from before the oldest histories that are kept; they count nothing." example:"1"`
	Rejected []Rejection `json:"rejected" doc:"By line, the first 1000."`
	Omitted  int         `json:"rejected_omitted,omitempty" doc:"How many more were rejected." example:"17"`
}

// Parse reads a body. What is wrong with an event rejects it alone. It fails
// with Invalid where the body is empty or broken such that nobody can tell where
// the next event begins, and with TooLarge for more than MaxBody or MaxEvents.
//
// The events take at most Memory(body) beside the body, and do not keep it.
func Parse(body []byte, channels Channels) (*Batch, error) {
	return ParseInto(nil, body, channels)
}

// ParseInto is Parse that puts the events into the memory of events, as far as
// there is room.
func ParseInto(events []waybill.Event, body []byte, channels Channels) (*Batch, error) {
	if len(body) > MaxBody {
		return nil, waybill.Errorf(waybill.TooLarge, "the body has %d bytes, more than %d", len(body), MaxBody)
	}
	if n := probableEvents(body); cap(events) < n {
		events = make([]waybill.Event, 0, n)
	}
	b := &Batch{Events: events[:0]}
	p := parser{format: format(), channels: channels}
	p.quick.kept.left = len(body)
	err := p.format.Each(body, func(line int, text []byte) error {
		b.Received++
		e, err := p.parse(text)
		if err != nil {
			b.rejected = append(b.rejected, Rejection{Line: line, Error: err.Error()})
			return nil
		}
		b.Events, b.lines = append(b.Events, e), append(b.lines, line)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return b, nil
}

// A parser reads the events of a body.
type parser struct {
	format   ndjson.Format
	channels Channels
	quick    quick
	object   Object // the one that is being read

	// The channel of the last event, which is mostly that of the next.
	channel string
	number  waybill.ChannelNumber
}

func (p *parser) parse(text []byte) (waybill.Event, error) {
	w := &p.object
	if *w = (Object{}); !p.quick.read(text, w) {
		*w = Object{}
		if err := p.format.Decode(text, w); err != nil {
			return waybill.Event{}, err
		}
	}
	if w.Channel == "" || w.Channel != p.channel {
		number, err := p.channels(w.Channel)
		if err != nil {
			return waybill.Event{}, err
		}
		p.channel, p.number = w.Channel, number
	}
	e, err := w.event()
	e.Channel = p.number
	return e, err
}

// Check returns what is wrong with the JSON of one event, nil where it can be read.
// Whether the fields make an event is not looked at.
func Check(text []byte) error {
	f := format()
	return f.Decode(text, new(Object))
}

// Fields returns the names that an event may have, or the object in it that has
// the given name.
func Fields(object string) []string { return fields(object) }

func format() ndjson.Format {
	return ndjson.Format{
		Name: "event", Hint: "an event is one object on one line",
		MaxObjects: MaxEvents, MaxBytes: MaxLine, MaxDepth: maxDepth, Fields: fields,
	}
}

// Reject notes that b.Events[index] was not recorded.
func (b *Batch) Reject(index int, err error) {
	b.rejected = append(b.rejected, Rejection{Line: b.lines[index], Error: err.Error()})
}

// Rejected returns how many events are rejected.
func (b *Batch) Rejected() int { return len(b.rejected) }

// Rejections returns the rejected events, by line.
func (b *Batch) Rejections() []Rejection {
	slices.SortStableFunc(b.rejected, func(x, y Rejection) int { return cmp.Compare(x.Line, y.Line) })
	return b.rejected
}

// Report says what became of the batch, without Changed.
func (b *Batch) Report() Report {
	rejected := b.Rejections()
	r := Report{Received: b.Received, Rejected: []Rejection{}}
	r.Rejected = append(r.Rejected, rejected[:min(len(rejected), MaxRejected)]...)
	r.Omitted = len(rejected) - len(r.Rejected)
	return r
}

// MaxMemory returns the memory that a body of the given size and its events take
// at most, both in bytes: what to reserve before it is read.
func MaxMemory(size int64) int64 {
	size = min(size, MaxBody)
	return min(5*size, 2*size+MaxEvents*eventBytes)
}

// Memory returns the memory in bytes that Parse takes for a body at most, beside
// the body's own.
func Memory(body []byte) int64 {
	return int64(len(body)) + int64(min(bytes.Count(body, []byte("{")), MaxEvents))*eventBytes
}

// probableEvents guesses how many events a body has. It must not take empty
// lines for events, since an event takes more memory than its text.
func probableEvents(body []byte) int {
	return min(bytes.Count(body, []byte("\n"))+1, len(body)/minEvent+1, MaxEvents)
}
