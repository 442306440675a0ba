package momo

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"waybill"
	"waybill/internal/dialect"
	"waybill/internal/spelling"
)

// A reportRequest is the body of a report's call. The documentation has lost
// which fields are required, so none is.
type reportRequest struct {
	PageID    id      `json:"oa_id"`
	Range     string  `json:"report_time_range"`
	CreatedAt integer `json:"target_created_at"`
	Limit     integer `json:"limit"`
	Filter    struct {
		Type      string `json:"filter_type"`
		Condition string `json:"condition_id"`
	} `json:"filter"`
}

const (
	defaultLimit = 20
	defaultRange = "DAY_AGO_30"

	dayMillis = 24 * 60 * 60 * 1000
)

// rangeNames are the names of ranges, and rangeDays how far each reaches back.
// ALL is the last year.
var (
	rangeNames = []string{defaultRange, "DAY_AGO_60", "DAY_AGO_90", "ALL"}
	rangeDays  = []int{30, 60, 90, 365}
)

// filterCondition is the only type of filter.
const filterCondition = "CONDITION"

// conditions are the sets of customers that can be filtered by.
var conditions = []string{
	"PAYMENT_NO_FOLLOW", "FOLLOW_NO_PAYMENT",
	"NO_ACTIVITIES_14", "NO_ACTIVITIES_30", "NO_ACTIVITIES_90",
}

// A reportAnswer has its keys in the order of the documentation's example.
type reportAnswer struct {
	JSON    reportBody `json:"json"`
	Success bool       `json:"success"`
}

type reportBody struct {
	PageID     string        `json:"oa_id"`
	Range      int           `json:"range"`
	Unit       string        `json:"date_time_unit"`
	FilterType string        `json:"filter_type"`
	Data       []segmentItem `json:"data"`
}

type segmentItem struct {
	SegmentID    string         `json:"segment_id"`
	CampaignID   string         `json:"campaign_id"`
	Size         int64          `json:"segment_size"`
	TemplateData string         `json:"template_data"`
	Status       string         `json:"segment_status"`
	ConditionID  string         `json:"condition_id"`
	CreatedAt    int64          `json:"create_at"` // milliseconds since 1970
	Reports      segmentReports `json:"reports"`
}

// segmentReports count messages.
type segmentReports struct {
	Sending  int64 `json:"SENDING"` // all that were given to be sent
	Failed   int64 `json:"FAILED"`
	Sent     int64 `json:"SENT"`
	Received int64 `json:"RECEIVED"`
	Read     int64 `json:"READ"`
	Clicked  int64 `json:"CLICKED"`
}

// report answers a page of the segments that a business page has written to, the
// newest first.
//
// https://developers.momo.vn/v3/vi/docs/business-page/message/message-report/
func (a *API) report(ctx context.Context, r *http.Request, page *waybill.Channel) (any, error) {
	now := a.now()
	var body reportRequest
	if err := readBody(r, &body); err != nil {
		return nil, err
	}
	q, days, err := body.query(page.ID, now)
	if err != nil {
		return nil, err
	}
	q.Channel = page.Number
	q.From = now.UnixMilli() - int64(days)*dayMillis
	reports, err := a.store.Segments(ctx, q)
	if err != nil {
		return nil, err
	}
	dialect.SetLogAttr(ctx, slog.Int("segments", len(reports)))
	if err := dialect.Hold(ctx, pageBytes(reports)); err != nil {
		return nil, err
	}
	answer := reportAnswer{Success: true, JSON: reportBody{
		PageID: page.ID, Range: days, Unit: "DAY", FilterType: filterCondition,
		Data: make([]segmentItem, len(reports)),
	}}
	for i := range reports {
		answer.JSON.Data[i] = newSegmentItem(&reports[i])
	}
	return answer, nil
}

// pageBytes returns about the memory that an answer with the segments takes: the
// content twice, as it is and with the escapes of JSON.
func pageBytes(reports []waybill.SegmentReport) int64 {
	const each = 1 << 10
	size := int64(0)
	for i := range reports {
		size += each + 3*int64(len(reports[i].Segment.TemplateData))
	}
	return size
}

// query returns what the body asks for, without its channel and its begin, and
// how many days it reaches back.
func (b *reportRequest) query(page string, now time.Time) (q waybill.SegmentQuery, days int, err error) {
	if b.PageID.value != "" && b.PageID.value != page {
		return q, 0, errInvalid(text{
			vi: "oa_id %.64q không phải là trang %s của đường dẫn", en: "oa_id %.64q is not the page %s of the path",
		}, b.PageID.value, page)
	}
	if b.Range == "" {
		b.Range = defaultRange
	}
	span := slices.Index(rangeNames, b.Range)
	switch {
	case span < 0:
		return q, 0, errNoneOf("report_time_range", b.Range, rangeNames)
	case b.Filter.Type != "" && b.Filter.Type != filterCondition:
		return q, 0, errNoneOf("filter.filter_type", b.Filter.Type, []string{filterCondition})
	case b.Filter.Condition != "" && !slices.Contains(conditions, b.Filter.Condition):
		return q, 0, errNoneOf("filter.condition_id", b.Filter.Condition, conditions)
	}
	q = waybill.SegmentQuery{Condition: b.Filter.Condition, Limit: defaultLimit}
	if q.Before, err = b.cursor(now); err != nil {
		return q, 0, err
	}
	if b.Limit.given {
		if b.Limit.value < 1 || b.Limit.value > waybill.MaxSegmentPage {
			return q, 0, errInvalid(text{
				"limit %d không nằm trong khoảng từ 1 đến %d", "limit %d is not between 1 and %d",
			}, b.Limit.value, waybill.MaxSegmentPage)
		}
		q.Limit = int(b.Limit.value)
	}
	return q, rangeDays[span], nil
}

// cursor returns before which create_at the page begins; 0 is the newest, and so
// is a time to come.
func (b *reportRequest) cursor(now time.Time) (int64, error) {
	const name = "target_created_at"
	switch at := b.CreatedAt.value; {
	case at < 0:
		return 0, errInvalid(text{"%s %d là số âm", "%s %d is negative"}, name, at)
	case at >= 1e9 && at < 1e10: // seconds from 2001 to 2286
		return 0, errInvalid(text{
			"%s %d có vẻ là giây, phải là mili giây", "%s %d looks like seconds, it must be milliseconds",
		}, name, at)
	case at > now.UnixMilli():
		return 0, nil
	default:
		return at, nil
	}
}

// errNoneOf is a value that is not one of those that are known.
func errNoneOf(name, value string, known []string) error {
	list := strings.Join(known, ", ")
	if guess := spelling.Closest(value, known); guess != "" {
		return errInvalid(text{
			"%s %.64q không thuộc %s; ý bạn là %s?", "%s %.64q is not one of %s; did you mean %s?",
		}, name, value, list, guess)
	}
	return errInvalid(text{"%s %.64q không thuộc %s", "%s %.64q is not one of %s"}, name, value, list)
}

func newSegmentItem(r *waybill.SegmentReport) segmentItem {
	g, c := &r.Segment, &r.Counts
	item := segmentItem{
		SegmentID: g.ID, CampaignID: g.Campaign, TemplateData: g.TemplateData,
		Status: g.Status, ConditionID: g.Condition, CreatedAt: g.CreatedAt,
		// Nobody was written to who was not meant: a size that says less is
		// not known or wrong.
		Size: max(g.Size, c[waybill.Accepted]),
		Reports: segmentReports{
			Sending: c[waybill.Accepted], Failed: c[waybill.Failed], Sent: c[waybill.Sent],
			Received: c[waybill.Delivered], Read: c[waybill.Read], Clicked: c[waybill.Clicked],
		},
	}
	if item.Status == "" {
		item.Status = item.status()
	}
	return item
}

// The statuses of a segment. The vendor documents the last but one alone; the
// others are named after it.
const (
	statusPending  = "SEGMENT_PENDING"  // nothing is sent or failed yet
	statusSending  = "SEGMENT_SENDING"  // some is
	statusComplete = "SEGMENT_COMPLETE" // all is
	statusFailed   = "SEGMENT_FAILED"   // all failed
)

// status returns how far the sending of a segment is.
func (i *segmentItem) status() string {
	switch dispatched := i.Reports.Sent + i.Reports.Failed; {
	case dispatched == 0:
		return statusPending
	case dispatched < i.Size:
		return statusSending
	case i.Reports.Sent == 0:
		return statusFailed
	}
	return statusComplete
}
