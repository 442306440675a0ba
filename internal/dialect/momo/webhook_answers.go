package momo

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"waybill"
	"waybill/internal/dialect"
	"waybill/internal/event"
)

// A savedAnswer is what MoMo's report has answered.
type savedAnswer struct {
	JSON struct {
		PageID id               `json:"oa_id"`
		Data   []jsontext.Value `json:"data"`
	} `json:"json"`
}

// A savedItem is a segment of a saved answer. Numbers may be strings.
type savedItem struct {
	SegmentID    id      `json:"segment_id"`
	CampaignID   id      `json:"campaign_id"`
	Size         integer `json:"segment_size"`
	TemplateData string  `json:"template_data"`
	Status       string  `json:"segment_status"`
	ConditionID  string  `json:"condition_id"`
	CreatedAt    integer `json:"create_at"`
	Reports      struct {
		Sending  integer `json:"SENDING"`
		Failed   integer `json:"FAILED"`
		Sent     integer `json:"SENT"`
		Received integer `json:"RECEIVED"`
		Read     integer `json:"READ"`
		Clicked  integer `json:"CLICKED"`
	} `json:"reports"`
}

// answers keeps the segments of a saved answer with their counts as of now, or
// of the time that the query gives as at. So a report that is fetched again and
// again becomes a history.
func (h *webhook) answers(
	ctx context.Context, r *http.Request, c *waybill.Channel, body []byte,
) (*event.Report, error) {
	at, err := answeredAt(r, h.now())
	if err != nil {
		return nil, err
	}
	if err := dialect.CheckDepth(body, maxDepth); err != nil {
		return nil, err
	}
	var saved savedAnswer
	if err := json.Unmarshal(body, &saved); err != nil {
		return nil, waybill.Errorf(waybill.Invalid, "the body is no answer of a report: %.300v", err)
	}
	if p := saved.JSON.PageID.value; p != "" && p != c.ID {
		return nil, waybill.Errorf(waybill.Invalid, "oa_id %.64q is not the page %s, whose secret is in the path", p, c.ID)
	}
	if len(saved.JSON.Data) > waybill.MaxSegmentPage+waybill.MaxSegmentTies {
		return nil, waybill.Errorf(waybill.TooLarge, "the answer has %d segments, more than %d",
			len(saved.JSON.Data), waybill.MaxSegmentPage+waybill.MaxSegmentTies)
	}
	k := keeper{store: h.store, channel: c, at: at, now: h.now(), rejected: []event.Rejection{}}
	if err := k.keep(ctx, saved.JSON.Data); err != nil {
		return nil, fmt.Errorf("keep %d segments: %w", len(saved.JSON.Data), err)
	}
	dialect.SetLogAttr(ctx, slog.Int("segments", len(saved.JSON.Data)))
	return &event.Report{Received: len(saved.JSON.Data), Rejected: k.rejected}, nil
}

// answeredAt returns the time of a saved answer.
func answeredAt(r *http.Request, now time.Time) (waybill.Instant, error) {
	text := r.URL.Query().Get("at")
	if text == "" {
		return waybill.InstantOf(now), nil
	}
	if ms, err := strconv.ParseInt(text, 10, 64); err == nil {
		return waybill.Instant(ms / 1000), nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return waybill.Never, waybill.Errorf(waybill.Invalid, "at %.40q is neither RFC 3339 nor integer milliseconds", text)
	}
	return waybill.InstantOf(t), nil
}

// A keeper stores the segments of one answer. What is wrong with one rejects it
// alone. A segment that is counted from its messages is left as it is.
type keeper struct {
	store    waybill.Store
	channel  *waybill.Channel
	at       waybill.Instant // of the answer
	now      time.Time
	rejected []event.Rejection
}

// A keptItem is a segment of an answer, by its number in it.
type keptItem struct {
	line     int
	segment  waybill.Segment
	snapshot waybill.Snapshot
}

func (k *keeper) reject(line int, err error) {
	k.rejected = append(k.rejected, event.Rejection{Line: line, Error: err.Error()})
}

func (k *keeper) keep(ctx context.Context, data []jsontext.Value) error {
	var items, newer []keptItem
	for i, text := range data {
		item, err := k.read(text)
		if err != nil {
			k.reject(i+1, err)
			continue
		}
		item.line = i + 1
		known, err := k.store.Segment(ctx, k.channel.Number, item.segment.ID)
		if err != nil && waybill.CodeOf(err) != waybill.NotFound {
			return err
		}
		if known.At > k.at { // a later answer says what the segment is
			items = append(items, item)
		} else {
			newer = append(newer, item)
		}
	}
	newer, err := k.put(newer, func(items []keptItem) error {
		segments := make([]waybill.Segment, len(items))
		for i := range items {
			segments[i] = items[i].segment
		}
		_, err := k.store.PutSegments(ctx, segments)
		return err
	})
	if err != nil {
		return err
	}
	_, err = k.put(append(items, newer...), func(items []keptItem) error {
		snapshots := make([]waybill.Snapshot, len(items))
		for i := range items {
			snapshots[i] = items[i].snapshot
		}
		return k.store.PutSnapshots(ctx, snapshots)
	})
	slices.SortFunc(k.rejected, func(a, b event.Rejection) int { return cmp.Compare(a.Line, b.Line) })
	return err
}

// put stores items in one step, or one by one where the store refuses some, and
// returns those that it took.
func (k *keeper) put(items []keptItem, store func([]keptItem) error) (taken []keptItem, err error) {
	if len(items) == 0 {
		return nil, nil
	}
	if err := store(items); err == nil || !refused(err) {
		return items, err
	}
	for i := range items {
		switch err := store(items[i : i+1]); {
		case err == nil:
			taken = append(taken, items[i])
		case refused(err):
			k.reject(items[i].line, err)
		default:
			return nil, err
		}
	}
	return taken, nil
}

// refused reports whether a store has an error for what it was given.
func refused(err error) bool {
	switch waybill.CodeOf(err) {
	case waybill.Invalid, waybill.Conflict, waybill.TooLarge, waybill.NotFound:
		return true
	}
	return false
}

// read takes a segment of an answer apart.
func (k *keeper) read(text jsontext.Value) (keptItem, error) {
	var s savedItem
	if err := json.Unmarshal(text, &s); err != nil {
		return keptItem{}, waybill.Errorf(waybill.Invalid, "the segment can't be read: %.300v", err)
	}
	if s.CreatedAt.value == 0 {
		return keptItem{}, waybill.Errorf(waybill.Invalid, "segment %.64q has no create_at", s.SegmentID.value)
	}
	item := keptItem{
		segment: waybill.Segment{
			Channel: k.channel.Number, ID: s.SegmentID.value, Campaign: s.CampaignID.value,
			Size: s.Size.value, Condition: s.ConditionID, Status: s.Status,
			TemplateData: s.TemplateData, CreatedAt: s.CreatedAt.value, Source: waybill.FromSnapshots,
		},
		snapshot: waybill.Snapshot{Channel: k.channel.Number, Segment: s.SegmentID.value, At: k.at},
	}
	for metric, n := range map[waybill.Metric]integer{
		waybill.Metric(waybill.Accepted):  s.Reports.Sending,
		waybill.Metric(waybill.Failed):    s.Reports.Failed,
		waybill.Metric(waybill.Sent):      s.Reports.Sent,
		waybill.Metric(waybill.Delivered): s.Reports.Received,
		waybill.Metric(waybill.Read):      s.Reports.Read,
		waybill.Clicked:                   s.Reports.Clicked,
	} {
		item.snapshot.Counts[metric] = n.value
	}
	// A segment whose counts are refused must not be kept without them.
	return item, item.snapshot.Validate(k.now)
}
