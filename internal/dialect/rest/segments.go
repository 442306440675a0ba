package rest

import (
	"context"
	"strconv"

	"waybill"
	"waybill/internal/dialect"
)

// shownSegment is a segment as this API answers it.
type shownSegment struct {
	Channel      string `json:"channel"`
	Segment      string `json:"segment"`
	Campaign     string `json:"campaign"`
	Size         int64  `json:"size"`
	Condition    string `json:"condition"`
	Status       string `json:"status"`
	TemplateData string `json:"template_data"`
	CreateAt     int64  `json:"create_at"`
	Source       string `json:"source"`

	Counts counts `json:"counts"`

	// Pending is how many were accepted and are neither sent nor failed.
	// It is left out where the counts do not tell it.
	Pending *int64 `json:"pending,omitempty"`

	// CountedAt is the time of the latest snapshot, of those that have any.
	CountedAt string `json:"counted_at,omitempty"`
}

type counts struct {
	Accepted  int64 `json:"accepted"`
	Sent      int64 `json:"sent"`
	Delivered int64 `json:"delivered"`
	Read      int64 `json:"read"`
	Failed    int64 `json:"failed"`
	Clicked   int64 `json:"clicked"`
	Clicks    int64 `json:"clicks"`
}

func newCounts(c waybill.Counts) counts {
	return counts{
		Accepted: c[waybill.Accepted], Sent: c[waybill.Sent], Delivered: c[waybill.Delivered], Read: c[waybill.Read],
		Failed: c[waybill.Failed], Clicked: c[waybill.Clicked], Clicks: c[waybill.Clicks],
	}
}

func newShownSegment(ch *waybill.Channel, r *waybill.SegmentReport) shownSegment {
	g := &r.Segment
	return shownSegment{
		Channel: ch.ID, Segment: g.ID, Campaign: g.Campaign, Size: g.Size, Condition: g.Condition, Status: g.Status,
		TemplateData: g.TemplateData, CreateAt: g.CreatedAt, Source: g.Source.String(),
		Counts: newCounts(r.Counts), Pending: pending(ch.Provider, r.Counts), CountedAt: instant(r.At),
	}
}

// pending returns how many messages are under way. Only where a message never
// counts as sent and as failed do the counts tell it; and what was counted
// outside may contradict itself.
func pending(p waybill.Provider, c waybill.Counts) *int64 {
	n := c[waybill.Accepted] - c[waybill.Sent] - c[waybill.Failed]
	if p != waybill.ProviderMomo || n < 0 {
		return nil
	}
	return &n
}

// channelOf returns the channel that the path names. One that the token does not
// reach is answered like one that does not exist.
func (a *API) channelOf(c *call) (waybill.Channel, error) {
	ch, ok := a.opt.Directory.View().Channel(c.values["channel"])
	if !ok || !c.token.Reaches(&ch) {
		return waybill.Channel{}, waybill.Errorf(waybill.NotFound, "channel %s is unknown", cut(c.values["channel"]))
	}
	return ch, nil
}

// segmentOf returns the segment that the path names.
func (a *API) segmentOf(ctx context.Context, c *call) (waybill.Channel, waybill.SegmentReport, error) {
	ch, err := a.channelOf(c)
	if err != nil {
		return ch, waybill.SegmentReport{}, err
	}
	report, err := a.opt.Store.Segment(ctx, ch.Number, c.values["id"])
	return ch, report, segmentError(c, err)
}

// segmentError puts an unknown segment into the words of the call.
func segmentError(c *call, err error) error {
	if err != nil && waybill.CodeOf(err) == waybill.NotFound {
		return waybill.Errorf(waybill.NotFound, "segment %s of channel %s is unknown", cut(c.values["id"]), cut(c.values["channel"]))
	}
	return err
}

// putSegment makes a segment, or replaces what is said of it.
func (a *API) putSegment(ctx context.Context, c *call) (any, error) {
	if _, err := dialect.Parameters(c.Request); err != nil {
		return nil, err
	}
	ch, err := a.channelOf(c)
	if err != nil {
		return nil, err
	}
	body, err := dialect.ReadInflated(c.Request, maxSegmentBytes, maxSegmentBytes)
	if err != nil {
		return nil, err
	}
	d, err := parseSegment(body, ch.Number, c.values["id"], a.opt.Now())
	if err != nil {
		return nil, err
	}
	standing, err := a.opt.Store.Segment(ctx, ch.Number, d.ID)
	switch {
	case err == nil:
		err = d.follow(&standing.Segment)
	case waybill.CodeOf(err) == waybill.NotFound:
		err = nil
	}
	if err != nil {
		return nil, err
	}
	if _, err := a.opt.Store.PutSegments(ctx, []waybill.Segment{d.Segment}); err != nil {
		return nil, err
	}
	report, err := a.opt.Store.Segment(ctx, ch.Number, d.ID)
	if err != nil {
		return nil, segmentError(c, err)
	}
	return newShownSegment(&ch, &report), nil
}

// segment answers a segment with its counts.
func (a *API) segment(ctx context.Context, c *call) (any, error) {
	if _, err := dialect.Parameters(c.Request); err != nil {
		return nil, err
	}
	ch, report, err := a.segmentOf(ctx, c)
	if err != nil {
		return nil, err
	}
	return newShownSegment(&ch, &report), nil
}

// deleteSegment removes a segment with its snapshots. Its messages stay.
func (a *API) deleteSegment(ctx context.Context, c *call) (any, error) {
	if _, err := dialect.Parameters(c.Request); err != nil {
		return nil, err
	}
	ch, err := a.channelOf(c)
	if err != nil {
		return nil, err
	}
	return nil, segmentError(c, a.opt.Store.DeleteSegment(ctx, ch.Number, c.values["id"]))
}

// defaultSegmentPage is the length of a page that names none.
const defaultSegmentPage = 100

// segmentPage is a page of the segments of a channel, the newest first.
type segmentPage struct {
	Segments []shownSegment `json:"segments"`
	Next     int64          `json:"next,omitempty"` // to be passed as before; absent on the last page
}

// segments answers a page.
func (a *API) segments(ctx context.Context, c *call) (any, error) {
	ch, err := a.channelOf(c)
	if err != nil {
		return nil, err
	}
	q, err := segmentQuery(c)
	if err != nil {
		return nil, err
	}
	q.Channel = ch.Number
	reports, err := a.opt.Store.Segments(ctx, q)
	if err != nil {
		return nil, err
	}
	page := segmentPage{Segments: make([]shownSegment, 0, len(reports))}
	for i := range reports {
		page.Segments = append(page.Segments, newShownSegment(&ch, &reports[i]))
	}
	if len(reports) < q.Limit {
		return page, nil
	}
	last := reports[len(reports)-1].Segment.CreatedAt
	q.Before, q.Limit = last, 1
	if reports, err = a.opt.Store.Segments(ctx, q); len(reports) > 0 {
		page.Next = last
	}
	return page, err
}

func segmentQuery(c *call) (waybill.SegmentQuery, error) {
	q := waybill.SegmentQuery{Limit: defaultSegmentPage}
	values, err := dialect.Parameters(c.Request, "limit", "before", "from", "condition")
	if err != nil {
		return q, err
	}
	if q.From, err = dialect.Moment(values, "from", 0); err != nil {
		return q, err
	}
	if q.Before, err = dialect.Moment(values, "before", 0); err != nil {
		return q, err
	}
	if q.Before == 0 && values.Has("before") {
		return q, waybill.Errorf(waybill.Invalid, "before %s leaves nothing", cut(values.Get("before")))
	}
	if values.Has("limit") {
		text := values.Get("limit")
		if q.Limit, err = strconv.Atoi(text); err != nil {
			return q, waybill.Errorf(waybill.Invalid, "limit %s is not an integer between 1 and %d", cut(text), waybill.MaxSegmentPage)
		}
	}
	q.Condition = values.Get("condition")
	return q, q.Validate()
}
