package rest

import (
	"bytes"
	"errors"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"waybill"
	"waybill/internal/ndjson"
	"waybill/internal/spelling"
)

// Bounds of segments and snapshots, in bytes of one object.
const (
	maxSegmentBytes  = 1 << 20 // template_data with escapes, and snapshots
	maxSnapshotBytes = 4 << 10
	maxSegmentDepth  = 16
)

// maxSegments is how many objects a body of segments or snapshots may have.
const maxSegments = 100_000

// A SegmentObject is a segment in Waybill's own format. Nothing is required.
type SegmentObject struct {
	Campaign     string  `json:"campaign,omitzero" doc:"The campaign it is a send of." example:"spring"`
	Size         count   `json:"size,omitzero" doc:"How many people it is meant for." example:"1200"`
	Condition    string  `json:"condition,omitzero" doc:"How they were chosen, in the vendor's words." example:"FOLLOW_NO_PAYMENT"`
	Status       string  `json:"status,omitzero" doc:"How far the send is, in the vendor's words." example:"SEGMENT_COMPLETE"`
	TemplateData content `json:"template_data,omitzero" doc:"What is sent: a string of at most 16 KiB, kept byte for byte." example:"{}"`
	CreateAt     millis  `json:"create_at,omitzero" doc:"When it was made, in milliseconds since 1970; assigned where it is absent. It never changes." example:"1763640000000"`
	Source       string  `json:"source,omitzero" enum:"ledger,snapshots" doc:"Where its counts come from: ledger, where it says nothing, or snapshots. It never changes."`
}

// A segmentLine is a segment among others, with its snapshots if it has any.
type segmentLine struct {
	Segment string `json:"segment" doc:"ID of the segment." example:"spring-1"`
	SegmentObject
	Snapshots jsontext.Value `json:"snapshots,omitzero" doc:"What was counted outside; then the source is snapshots."`
}

// A snapshotObject is what was counted of a segment outside.
type snapshotObject struct {
	At        ndjson.Time `json:"at" doc:"When it was counted." example:"\"2025-11-20T12:00:00Z\""`
	Accepted  count       `json:"accepted,omitzero" doc:"Messages that the vendor took." example:"1200"`
	Sent      count       `json:"sent,omitzero" doc:"Messages that the vendor sent on." example:"1190"`
	Delivered count       `json:"delivered,omitzero" doc:"Messages that reached the device." example:"1100"`
	Read      count       `json:"read,omitzero" doc:"Messages that were read." example:"640"`
	Failed    count       `json:"failed,omitzero" doc:"Messages that will not arrive." example:"10"`
	Clicked   count       `json:"clicked,omitzero" doc:"Messages with at least one click." example:"80"`
	Clicks    count       `json:"clicks,omitzero" doc:"All clicks." example:"95"`
}

func segmentFields(string) []string {
	return []string{"campaign", "size", "condition", "status", "template_data", "create_at", "source"}
}

func segmentLineFields(of string) []string {
	return append([]string{"segment", "snapshots"}, segmentFields(of)...)
}

func snapshotFields(string) []string {
	return []string{"at", "accepted", "sent", "delivered", "read", "failed", "clicked", "clicks"}
}

// segmentFormat is the format of one segment alone.
func segmentFormat() *ndjson.Format {
	return &ndjson.Format{
		Name: "segment", MaxObjects: 1, MaxBytes: maxSegmentBytes, MaxDepth: maxSegmentDepth, Fields: segmentFields,
	}
}

func segmentLineFormat() *ndjson.Format {
	return &ndjson.Format{
		Name: "segment", Hint: "a segment is one object on one line",
		MaxObjects: maxSegments, MaxBytes: maxSegmentBytes, MaxDepth: maxSegmentDepth, Fields: segmentLineFields,
	}
}

func snapshotFormat() *ndjson.Format {
	return &ndjson.Format{
		Name: "snapshot", Hint: "a snapshot is one object on one line",
		MaxObjects: maxSegments, MaxBytes: maxSnapshotBytes, MaxDepth: maxSegmentDepth, Fields: snapshotFields,
	}
}

// A draft is a segment as somebody wrote it.
type draft struct {
	waybill.Segment
	sourced bool // whether the source was said
}

// draft returns w in the terms of the domain.
func (w *SegmentObject) draft(channel waybill.ChannelNumber, id string, now time.Time) (draft, error) {
	d := draft{sourced: w.Source != "", Segment: waybill.Segment{
		Channel: channel, ID: id, Campaign: w.Campaign, Size: int64(w.Size), Condition: w.Condition,
		Status: w.Status, TemplateData: string(w.TemplateData), CreatedAt: int64(w.CreateAt),
	}}
	if d.sourced {
		var ok bool
		if d.Source, ok = waybill.ParseSegmentSource(w.Source); !ok {
			known := []string{waybill.FromLedger.String(), waybill.FromSnapshots.String()}
			return d, waybill.Errorf(waybill.Invalid, "source %s is not one of ledger, snapshots%s",
				cut(w.Source), spelling.Question(w.Source, known))
		}
	}
	return d, d.Validate(now)
}

// follow gives d the source of the segment that stands, where it says none, or
// returns a Conflict that says what would change that never does.
func (d *draft) follow(standing *waybill.Segment) error {
	if !d.sourced {
		d.Source = standing.Source
	}
	switch {
	case d.Source != standing.Source:
		return waybill.Errorf(waybill.Conflict, "the source of segment %s is %s and never changes, so it cannot become %s",
			cut(d.ID), standing.Source, d.Source)
	case d.CreatedAt != 0 && d.CreatedAt != standing.CreatedAt:
		return waybill.Errorf(waybill.Conflict, "create_at of segment %s is %d and never changes, so it cannot become %d",
			cut(d.ID), standing.CreatedAt, d.CreatedAt)
	}
	return nil
}

// draft returns w with its snapshots. Those who have snapshots and say no source
// mean snapshots.
func (w *segmentLine) draft(channel waybill.ChannelNumber, now time.Time) (draft, []waybill.Snapshot, error) {
	if w.Snapshots.Kind() == jsontext.KindNull {
		w.Snapshots = nil
	}
	if w.Source == "" && len(w.Snapshots) > 0 {
		w.Source = waybill.FromSnapshots.String()
	}
	d, err := w.SegmentObject.draft(channel, w.Segment, now)
	if err != nil || len(w.Snapshots) == 0 {
		return d, nil, err
	}
	if d.Source == waybill.FromLedger {
		return d, nil, waybill.Errorf(waybill.Invalid, "source ledger contradicts snapshots: the counts come from one of the two")
	}
	snapshots, err := w.snapshots(channel, now)
	return d, snapshots, err
}

// snapshots reads the array of snapshots of w.
func (w *segmentLine) snapshots(channel waybill.ChannelNumber, now time.Time) ([]waybill.Snapshot, error) {
	if w.Snapshots.Kind() != jsontext.KindBeginArray {
		return nil, waybill.Errorf(waybill.Invalid, "%s, not an array", ndjson.Describe("snapshots", w.Snapshots))
	}
	var snapshots []waybill.Snapshot
	f := snapshotFormat()
	err := f.Each(w.Snapshots, func(place int, text []byte) error {
		if place > waybill.MaxSnapshots {
			return waybill.Errorf(waybill.Invalid, "there are more than %d snapshots in one segment", waybill.MaxSnapshots)
		}
		n, err := parseSnapshot(f, text, channel, w.Segment, now)
		if err != nil {
			return waybill.Errorf(waybill.Invalid, "snapshot %d: %v", place, err)
		}
		snapshots = append(snapshots, n)
		return nil
	})
	return snapshots, err
}

func parseSnapshot(
	f *ndjson.Format, text []byte, channel waybill.ChannelNumber, segment string, now time.Time,
) (waybill.Snapshot, error) {
	var w snapshotObject
	if err := f.Decode(text, &w); err != nil {
		return waybill.Snapshot{}, err
	}
	n := waybill.Snapshot{Channel: channel, Segment: segment, At: w.At.Instant}
	for m, value := range []count{w.Accepted, w.Sent, w.Delivered, w.Read, w.Failed, w.Clicked, w.Clicks} {
		n.Counts[m] = int64(value)
	}
	return n, n.Validate(now)
}

// A count is a number of people or messages.
type count int64

// UnmarshalJSONFrom reads a count. What is no integer of 64 bits is told by its
// name, all other bounds are the domain's.
func (n *count) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	v, err := d.ReadValue()
	if err != nil {
		return err
	}
	name := d.StackPointer().LastToken()
	switch v.Kind() {
	case jsontext.KindNull:
		return nil
	case jsontext.KindNumber:
	default:
		return waybill.Errorf(waybill.Invalid, "%s, not an integer", ndjson.Describe(name, v))
	}
	parsed, err := strconv.ParseInt(string(v), 10, 64)
	switch {
	case errors.Is(err, strconv.ErrRange):
		return waybill.Errorf(waybill.Invalid, "%s %.40s is not between 0 and %d", name, v, int64(waybill.MaxSegmentSize))
	case err != nil:
		return waybill.Errorf(waybill.Invalid, "%s %.40s is not an integer", name, v)
	}
	*n = count(parsed)
	return nil
}

// A millis is a time in milliseconds since 1970, 0 where it is absent.
type millis int64

// UnmarshalJSONFrom reads a time.
func (m *millis) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	v, err := d.ReadValue()
	if err != nil {
		return err
	}
	name := d.StackPointer().LastToken()
	switch v.Kind() {
	case jsontext.KindNull:
		return nil
	case jsontext.KindNumber:
		ms, err := ndjson.Millis(name, string(v), "integer milliseconds since 1970")
		*m = millis(ms)
		return err
	}
	return waybill.Errorf(waybill.Invalid, "%s, not integer milliseconds since 1970", ndjson.Describe(name, v))
}

// A content is a text that is passed on as it is. It is often JSON, and would
// not be the same bytes if it came as that.
type content string

// UnmarshalJSONFrom reads a text.
func (c *content) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	v, err := d.ReadValue()
	if err != nil {
		return err
	}
	switch v.Kind() {
	case jsontext.KindNull:
		return nil
	case jsontext.KindString:
		text, err := jsontext.AppendUnquote(nil, v)
		*c = content(text)
		return err
	}
	return waybill.Errorf(waybill.Invalid, "%s, but must be a string, which is kept byte for byte: put the JSON in quotes",
		ndjson.Describe(d.StackPointer().LastToken(), v))
}

// parseSegment reads the body of a segment alone.
func parseSegment(body []byte, channel waybill.ChannelNumber, id string, now time.Time) (draft, error) {
	var w SegmentObject
	if len(bytes.TrimSpace(body)) == 0 {
		return draft{}, waybill.Errorf(waybill.Invalid, "the body is empty")
	}
	if err := segmentFormat().Decode(body, &w); err != nil {
		return draft{}, err
	}
	return w.draft(channel, id, now)
}
