package rest

import (
	"context"

	"waybill"
	"waybill/internal/dialect"
)

// shownSegment is a segment as this API answers it.
type shownSegment struct {
	Channel      string `json:"channel" doc:"ID of the channel." example:"130119"`
	Segment      string `json:"segment" doc:"ID of the segment." example:"spring-1"`
	Campaign     string `json:"campaign" doc:"The campaign it is a send of." example:"spring"`
	Size         int64  `json:"size" doc:"How many people it is meant for." example:"1200"`
	Condition    string `json:"condition" doc:"How they were chosen, in the vendor's words." example:"FOLLOW_NO_PAYMENT"`
	Status       string `json:"status" doc:"How far the send is, in the vendor's words." example:"SEGMENT_COMPLETE"`
	TemplateData string `json:"template_data" doc:"What was sent, byte for byte." example:"{}"`
	CreateAt     int64  `json:"create_at" doc:"When it was made, in milliseconds since 1970. It never changes." example:"1763640000000"`
	Source       string `json:"source" enum:"ledger,snapshots" doc:"Where its counts come from. It never changes."`

	Counts Counts `json:"counts" doc:"All-time counts."`

	Pending *int64 `json:"pending,omitempty" doc:"How many were accepted and are neither sent nor failed; left out where the counts do not tell." example:"3"`

	CountedAt string `json:"counted_at,omitempty" format:"date-time" doc:"When the latest snapshot was taken, where there is one." example:"2025-11-20T12:00:00Z"`
}

// Counts are all-time counts of a segment, or those of a snapshot.
type Counts struct {
	Accepted  int64 `json:"accepted" doc:"Messages that the vendor took." example:"1200"`
	Sent      int64 `json:"sent" doc:"Messages that the vendor sent on." example:"1190"`
	Delivered int64 `json:"delivered" doc:"Messages that reached the device." example:"1100"`
	Read      int64 `json:"read" doc:"Messages that were read." example:"640"`
	Failed    int64 `json:"failed" doc:"Messages that will not arrive." example:"10"`
	Clicked   int64 `json:"clicked" doc:"Messages with at least one click." example:"80"`
	Clicks    int64 `json:"clicks" doc:"All clicks." example:"95"`
}

func newCounts(c waybill.Counts) Counts {
	return Counts{
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

// segmentPath is the path of a segment.
type segmentPath struct {
	channelPath
	Segment string `path:"id" doc:"ID of the segment." example:"spring-1"`
}

// segmentOf returns the segment that a path names.
func (a *API) segmentOf(ctx context.Context, c *call, p *segmentPath) (waybill.Channel, waybill.SegmentReport, error) {
	ch, err := a.channelOf(c, p.Channel)
	if err != nil {
		return ch, waybill.SegmentReport{}, err
	}
	report, err := a.opt.Store.Segment(ctx, ch.Number, p.Segment)
	return ch, report, p.explain(err)
}

// explain puts an unknown segment into the words of the call.
func (p *segmentPath) explain(err error) error {
	if err != nil && waybill.CodeOf(err) == waybill.NotFound {
		return waybill.Errorf(waybill.NotFound, "segment %s of channel %s is unknown", cut(p.Segment), cut(p.Channel))
	}
	return err
}

// putSegment makes a segment, or replaces what is said of it.
func (a *API) putSegment(ctx context.Context, c *call, p *segmentPath) (shown shownSegment, err error) {
	ch, err := a.channelOf(c, p.Channel)
	if err != nil {
		return shown, err
	}
	body, err := dialect.ReadInflated(c.Request, maxSegmentBytes, maxSegmentBytes)
	if err != nil {
		return shown, err
	}
	d, err := parseSegment(body, ch.Number, p.Segment, a.opt.Now())
	if err != nil {
		return shown, err
	}
	standing, err := a.opt.Store.Segment(ctx, ch.Number, d.ID)
	switch {
	case err == nil:
		err = d.follow(&standing.Segment)
	case waybill.CodeOf(err) == waybill.NotFound:
		err = nil
	}
	if err != nil {
		return shown, err
	}
	if _, err := a.opt.Store.PutSegments(ctx, []waybill.Segment{d.Segment}); err != nil {
		return shown, err
	}
	report, err := a.opt.Store.Segment(ctx, ch.Number, d.ID)
	if err != nil {
		return shown, p.explain(err)
	}
	return newShownSegment(&ch, &report), nil
}

// segment answers a segment with its counts.
func (a *API) segment(ctx context.Context, c *call, p *segmentPath) (shownSegment, error) {
	ch, report, err := a.segmentOf(ctx, c, p)
	if err != nil {
		return shownSegment{}, err
	}
	return newShownSegment(&ch, &report), nil
}

// deleteSegment removes a segment with its snapshots. Its messages stay.
func (a *API) deleteSegment(ctx context.Context, c *call, p *segmentPath) (nothing, error) {
	ch, err := a.channelOf(c, p.Channel)
	if err != nil {
		return nothing{}, err
	}
	return nothing{}, p.explain(a.opt.Store.DeleteSegment(ctx, ch.Number, p.Segment))
}

// segmentsParams ask for a page of segments.
type segmentsParams struct {
	channelPath
	Limit     int     `query:"limit" default:"100" min:"1" max:"1000" doc:"Length of the page. A group with one create_at is never split: the page grows past it."`
	Before    *moment `query:"before" doc:"Only segments made before this time, such as the next of the page before." example:"2025-11-20T12:00:00Z"`
	From      moment  `query:"from" doc:"Only segments made at this time or later." example:"2025-11-01T00:00:00Z"`
	Condition string  `query:"condition" doc:"Only segments with this condition." example:"FOLLOW_NO_PAYMENT"`
}

// query returns the question to the store.
func (p *segmentsParams) query(channel waybill.ChannelNumber) (waybill.SegmentQuery, error) {
	q := waybill.SegmentQuery{Channel: channel, Limit: p.Limit, From: int64(p.From), Condition: p.Condition}
	if p.Before != nil {
		q.Before = int64(*p.Before)
		if q.Before == 0 {
			return q, waybill.Errorf(waybill.Invalid, `before "0" leaves nothing`)
		}
	}
	return q, q.Validate()
}

// segmentPage is a page of the segments of a channel, the newest first.
type segmentPage struct {
	Segments []shownSegment `json:"segments" doc:"The newest first."`
	Next     int64          `json:"next,omitempty" doc:"To be passed as before; absent on the last page." example:"1763640000000"`
}

// segments answers a page.
func (a *API) segments(ctx context.Context, c *call, p *segmentsParams) (page segmentPage, err error) {
	ch, err := a.channelOf(c, p.Channel)
	if err != nil {
		return page, err
	}
	q, err := p.query(ch.Number)
	if err != nil {
		return page, err
	}
	reports, err := a.opt.Store.Segments(ctx, q)
	if err != nil {
		return page, err
	}
	page.Segments = make([]shownSegment, 0, len(reports))
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
