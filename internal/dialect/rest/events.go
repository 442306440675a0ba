package rest

import (
	"bytes"
	"cmp"
	"context"
	"mime"
	"net/http"
	"slices"
	"strings"

	"waybill"
	"waybill/internal/dialect"
	"waybill/internal/directory"
	"waybill/internal/ingest"
)

// Bounds of a body of events. The first three refuse the body, the others a line.
const (
	maxCompressed = 8 << 20  // bytes of a gzip or zstd body
	maxBody       = 64 << 20 // bytes
	maxEvents     = 100_000
	maxLine       = 64 << 10 // bytes
	maxDepth      = 16
)

// minEvent is how long an event is at least, about, in bytes.
const minEvent = 64

// eventBytes is about the memory of a waybill.Event, without its texts.
const eventBytes = 480

// maxRejected is how many rejections are listed; the others are only counted.
const maxRejected = 1000

// recorded is the answer to a body of events.
type recorded struct {
	Received int         `json:"received"`          // events in the body, rejected ones too
	Changed  *int        `json:"changed,omitempty"` // those that told something new, where that is known
	Rejected []rejection `json:"rejected"`          // by line
	Omitted  int         `json:"rejected_omitted,omitempty"`
}

// A rejection is an event that was not recorded.
type rejection struct {
	Line  int    `json:"line"` // of the text; in an array the number of the element; from 1
	Error string `json:"error"`
}

// postEvents records a body of events, one JSON object per line or one array of
// them, whatever Content-Type says. It answers once they are durable. What is
// wrong with an event rejects it alone; what is wrong with the text of an array
// refuses the body, because nobody can tell where the next event begins.
//
// A large body is recorded in parts, so that it does not keep the webhooks of
// others waiting. Where that fails midway the answer is an error, and the first
// events are recorded nevertheless: the client sends the whole body again, which
// counts nothing twice.
func (a *API) postEvents(ctx context.Context, c *call) (any, error) {
	if err := checkContentType(c.Header.Get("Content-Type")); err != nil {
		return nil, err
	}
	if err := dialect.Reserve(ctx, probableBytes(c.Request)); err != nil {
		return nil, err
	}
	body, err := dialect.ReadInflated(c.Request, maxCompressed, maxBody)
	if err != nil {
		return nil, err
	}
	if err := dialect.Hold(ctx, decodedBytes(body)); err != nil {
		return nil, err
	}
	b := batch{view: a.opt.Directory.View(), token: c.token}
	b.events = make([]waybill.Event, 0, probableEvents(body))
	if err := eachEvent(body, b.add); err != nil {
		return nil, err
	}
	// A tenant's own events and its webhooks wait in queues of their own.
	receipt, err := a.opt.Recorder.RecordParts(ctx, name+"/"+c.token.Account, b.events)
	if err != nil {
		return nil, err
	}
	a.count(&b, receipt)
	return b.answer(receipt), nil
}

// checkContentType refuses what a client evidently did not mean to be events. A
// form is what curl and other clients call a body of which they were told
// nothing, so it is no evidence.
func checkContentType(header string) error {
	if header == "" {
		return nil
	}
	kind, _, err := mime.ParseMediaType(header)
	if err == nil && strings.HasSuffix(kind, "+json") || slices.Contains(contentTypes(), kind) {
		return nil
	}
	return &refusal{
		status: http.StatusUnsupportedMediaType, header: "Accept-Post", value: strings.Join(contentTypes(), ", "),
		error: waybill.Errorf(waybill.Invalid, "content type %s is not one of %s", cut(header), strings.Join(contentTypes(), ", ")),
	}
}

func contentTypes() []string {
	return []string{
		"application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines",
		"application/json", "text/plain", "application/octet-stream", "application/x-www-form-urlencoded",
	}
}

// probableEvents guesses how many events a body has. It must not take empty
// lines for events, since an event takes more memory than its text.
func probableEvents(body []byte) int {
	return min(bytes.Count(body, []byte("\n"))+1, len(body)/minEvent+1, maxEvents)
}

// probableBytes guesses the memory that a body and its events will take.
func probableBytes(r *http.Request) int64 {
	size := min(max(r.ContentLength, 0), maxBody)
	if r.Header.Get("Content-Encoding") != "" {
		size = min(16*size, maxBody)
	}
	return min(5*size, 2*size+maxEvents*eventBytes)
}

// decodedBytes returns the memory that the events of a body take at most, beside
// its own.
func decodedBytes(body []byte) int64 {
	return int64(len(body)) + int64(min(bytes.Count(body, []byte("{")), maxEvents))*eventBytes
}

// A batch is what becomes of the events of one body.
type batch struct {
	view  *directory.View
	token *waybill.Token

	received int
	events   []waybill.Event
	lines    []int // of events, by index
	rejected []rejection
}

// add takes the text of the event on the given line.
func (b *batch) add(line int, text []byte) error {
	if b.received++; b.received > maxEvents {
		return waybill.Errorf(waybill.TooLarge, "the body has more than %d events", maxEvents)
	}
	e, err := b.parse(text)
	if err != nil {
		b.rejected = append(b.rejected, rejection{line, err.Error()})
		return nil
	}
	b.events, b.lines = append(b.events, e), append(b.lines, line)
	return nil
}

func (b *batch) parse(text []byte) (waybill.Event, error) {
	if len(text) > maxLine {
		return waybill.Event{}, waybill.Errorf(waybill.Invalid, "the event has %d bytes, more than %d", len(text), maxLine)
	}
	if err := dialect.CheckDepth(text, maxDepth); err != nil {
		return waybill.Event{}, err
	}
	w, err := decodeEvent(text)
	if err != nil {
		return waybill.Event{}, err
	}
	number, err := b.channel(w.Channel)
	if err != nil {
		return waybill.Event{}, err
	}
	e, err := w.event()
	e.Channel = number
	return e, err
}

// channel returns the number of a channel that the token may write to. A foreign
// one is answered like one that does not exist.
func (b *batch) channel(id string) (waybill.ChannelNumber, error) {
	if id == "" {
		return 0, waybill.Errorf(waybill.Invalid, "channel is missing")
	}
	c, ok := b.view.Channel(id)
	if !ok || !b.token.Reaches(&c) {
		return 0, waybill.Errorf(waybill.Invalid, "channel %s is unknown", cut(id))
	}
	return c.Number, nil
}

// answer adds the rejections of the recorder to those of the batch.
func (b *batch) answer(receipt ingest.Receipt) recorded {
	rejected := b.rejected
	for _, r := range receipt.Rejected {
		rejected = append(rejected, rejection{b.lines[r.Index], r.Err.Error()})
	}
	slices.SortStableFunc(rejected, func(x, y rejection) int { return cmp.Compare(x.Line, y.Line) })
	answer := recorded{Received: b.received, Rejected: []rejection{}}
	answer.Rejected = append(answer.Rejected, rejected[:min(len(rejected), maxRejected)]...)
	answer.Omitted = len(rejected) - len(answer.Rejected)
	if receipt.Known {
		answer.Changed = &receipt.Changed
	}
	return answer
}

// count tells the metrics what became of a batch.
func (a *API) count(b *batch, receipt ingest.Receipt) {
	rejected := len(b.rejected) + len(receipt.Rejected)
	a.opt.Metrics.Events(name, "received", b.received)
	a.opt.Metrics.Events(name, "rejected", rejected)
	if receipt.Known {
		a.opt.Metrics.Events(name, "changed", receipt.Changed)
		a.opt.Metrics.Events(name, "repeated", b.received-rejected-receipt.Changed)
	}
}
