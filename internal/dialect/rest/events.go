package rest

import (
	"context"
	"mime"
	"net/http"
	"slices"
	"strings"

	"waybill"
	"waybill/internal/dialect"
	"waybill/internal/event"
)

// maxCompressed bounds a gzip or zstd body, in bytes. Package event bounds what
// comes out.
const maxCompressed = 8 << 20

// postEvents records a body of events, one JSON object per line or one array of
// them, whatever Content-Type says. It answers once they are durable. What is
// wrong with an event rejects it alone; what is wrong with the text of an array
// refuses the body, because nobody can tell where the next event begins.
//
// A large body is recorded in parts, so that it does not keep the webhooks of
// others waiting. Where that fails midway the answer is an error, and the first
// events are recorded nevertheless: the client sends the whole body again, which
// counts nothing twice.
func (a *API) postEvents(ctx context.Context, c *call, _ *nothing) (event.Report, error) {
	var report event.Report
	if err := checkContentType(c.Header.Get("Content-Type")); err != nil {
		return report, err
	}
	if err := dialect.Reserve(ctx, probableBytes(c.Request)); err != nil {
		return report, err
	}
	body, err := dialect.ReadInflated(c.Request, maxCompressed, event.MaxBody)
	if err != nil {
		return report, err
	}
	if err := dialect.Hold(ctx, event.Memory(body)); err != nil {
		return report, err
	}
	batch, err := event.Parse(body, a.writable(c))
	if err != nil {
		return report, err
	}
	// A tenant's own events and its webhooks wait in queues of their own.
	receipt, err := a.opt.Recorder.RecordParts(ctx, name+"/"+c.token.Account, batch.Events)
	if err != nil {
		return report, err
	}
	receipt.Count(a.opt.Metrics, name, batch.Received, batch.Rejected())
	for _, r := range receipt.Rejected {
		batch.Reject(r.Index, r.Err)
	}
	report = batch.Report()
	if receipt.Known {
		report.Changed, report.TooLate = &receipt.Changed, receipt.TooLate
	}
	return report, nil
}

func eventRoutes() []route {
	return []route{{
		method: http.MethodPost, pattern: "/events", scope: waybill.ScopeEventsWrite, perChannel: true, unlimited: true,
		id: "postEvents", tag: tagEvents, summary: "Record events",
		doc: "One JSON object on each line, or one array of them; plain, gzip or zstd (`Content-Encoding`). The answer comes " +
			"when everything is on disk. What is wrong with one event rejects that one, and `line` is its line, or in an array " +
			"the number of its element.\n\n" +
			"A large body is recorded in parts. If the answer is an error, a part may be recorded: send the whole body again, " +
			"nothing counts twice.",
		operation: does((*API).postEvents),
		reads: &reading{
			kinds: contentTypes(), object: event.Object{}, many: true,
			example: `{"channel":"cams-demo","message":"m-1","status":"delivered","at":"2026-11-20T10:00:00Z"}`,
		},
		example: `{"received":3,"changed":2,"rejected":[{"line":3,` +
			`"error":"status \"deliverd\" is unknown, did you mean \"delivered\"?"}]}`,
		errors: []int{http.StatusUnsupportedMediaType},
	}}
}

// writable returns the channels that a call may write to. A foreign one is
// answered like one that does not exist.
func (a *API) writable(c *call) event.Channels {
	view := a.opt.Directory.View()
	reached := make(map[string]bool) // so that policies are asked once, not for each event
	return func(id string) (waybill.ChannelNumber, error) {
		if id == "" {
			return 0, waybill.Errorf(waybill.Invalid, "channel is missing")
		}
		ch, ok := view.Channel(id)
		if _, asked := reached[id]; ok && !asked {
			reached[id] = a.reaches(c, &ch)
		}
		if !reached[id] {
			return 0, waybill.Errorf(waybill.Invalid, "channel %s is unknown", cut(id))
		}
		return ch.Number, nil
	}
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

// probableBytes guesses the memory that a body and its events will take.
func probableBytes(r *http.Request) int64 { return event.MaxMemory(probableText(r)) }

// probableText guesses how long a body is that many objects come in.
func probableText(r *http.Request) int64 {
	size := min(max(r.ContentLength, 0), event.MaxBody)
	if r.Header.Get("Content-Encoding") != "" {
		size = min(16*size, event.MaxBody)
	}
	return size
}
