package momo

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"waybill"
	"waybill/internal/dialect"
	"waybill/internal/event"
)

// maxItems bounds the segments of one answer.
const maxItems = waybill.MaxSegmentPage + waybill.MaxSegmentTies

// A savedAnswer is what MoMo's report has answered, a refusal included.
type savedAnswer struct {
	JSON *struct {
		PageID id    `json:"oa_id"`
		Data   items `json:"data"`
	} `json:"json"`
	Success     *bool  `json:"success"`
	Message     string `json:"message"`
	Description string `json:"description"`
}

// items are the segments of an answer. They are not held all at once as text: a
// short body could name very many.
type items struct {
	given bool
	list  []savedItem
	errs  map[int]error // of those that can't be read
}

// UnmarshalJSONFrom reads the array.
func (s *items) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	if k := d.PeekKind(); k != jsontext.KindBeginArray {
		return d.SkipValue() // tells below that there is no data
	}
	if _, err := d.ReadToken(); err != nil {
		return err
	}
	s.given, s.errs = true, make(map[int]error)
	for d.PeekKind() != jsontext.KindEndArray {
		text, err := d.ReadValue()
		if err != nil {
			return err
		}
		if len(s.list) == maxItems {
			return waybill.Errorf(waybill.TooLarge, "the answer has more than %d segments", maxItems)
		}
		var item savedItem
		if err := json.Unmarshal(text, &item); err != nil {
			s.errs[len(s.list)] = err
		}
		s.list = append(s.list, item)
	}
	_, err := d.ReadToken()
	return err
}

// A savedItem is a segment of a saved answer. Numbers may be texts.
type savedItem struct {
	SegmentID    id      `json:"segment_id"`
	CampaignID   id      `json:"campaign_id"`
	Size         integer `json:"segment_size"`
	TemplateData *string `json:"template_data"`
	Status       *string `json:"segment_status"`
	ConditionID  *string `json:"condition_id"`
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
	now := h.now()
	at, err := answeredAt(r, now)
	if err != nil {
		return nil, err
	}
	if err := dialect.CheckDepth(body, maxDepth); err != nil {
		return nil, err
	}
	if err := dialect.Hold(ctx, 2*int64(len(body))); err != nil {
		return nil, err
	}
	saved, err := readAnswer(body, c.ID)
	if err != nil {
		return nil, err
	}
	h.turn.Lock()
	defer h.turn.Unlock()
	k := keeper{store: h.store, channel: c, at: at, now: now, rejected: []event.Rejection{}}
	if err := k.keep(ctx, saved); err != nil {
		return nil, err
	}
	dialect.SetLogAttr(ctx, slog.Int("segments", len(saved.list)))
	return &event.Report{Received: len(saved.list), Rejected: k.rejected}, nil
}

// readAnswer returns the segments of an answer for the page. Whoever posts a
// refusal of MoMo's must hear of it, or would take it for a page without news.
func readAnswer(body []byte, page string) (*items, error) {
	var saved savedAnswer
	if err := json.Unmarshal(body, &saved); err != nil {
		return nil, answerError(err)
	}
	switch {
	case saved.Success != nil && !*saved.Success:
		return nil, waybill.Errorf(waybill.Invalid, "the answer is a refusal: %.200q %.200q", saved.Message, saved.Description)
	case saved.JSON == nil || !saved.JSON.Data.given:
		return nil, waybill.Errorf(waybill.Invalid, "the answer has no json.data: %.200q %.200q", saved.Message, saved.Description)
	case saved.JSON.PageID.value != "" && saved.JSON.PageID.value != page:
		return nil, waybill.Errorf(waybill.Invalid, "oa_id %.64q is not the page %s, whose secret is in the path", saved.JSON.PageID.value, page)
	}
	return &saved.JSON.Data, nil
}

// answerError puts an error of the decoder into words.
func answerError(err error) error {
	if e, ok := errors.AsType[*waybill.Error](err); ok {
		return e
	}
	return waybill.Errorf(waybill.Invalid, "the answer of a report can't be read: %v", bodyError(err))
}

// answeredAt returns the time of a saved answer.
func answeredAt(r *http.Request, now time.Time) (waybill.Instant, error) {
	query, err := dialect.Parameters(r, "at")
	if err != nil {
		return waybill.Never, err
	}
	ms, err := dialect.Moment(query, "at", now.UnixMilli())
	if err != nil {
		return waybill.Never, err
	}
	// Whatever has the time is wrong with all segments if that is.
	n := waybill.Snapshot{Channel: 1, Segment: "any", At: waybill.Instant(ms / 1000)}
	return n.At, n.Validate(now)
}
