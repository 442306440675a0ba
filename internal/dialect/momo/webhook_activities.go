package momo

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"waybill"
	"waybill/internal/dialect"
)

// maxActivities bounds the events of one body.
const maxActivities = 10_000

// An activity is what a person did on a page. Unknown fields mean nothing: the
// vendor counts its retries in one.
type activity struct {
	UserID    id             `json:"userId"`
	PageID    id             `json:"businessPageId"`
	Activity  string         `json:"activity"` // VIEW, CLICK_ON_CTA, SUBSCRIBE, ...
	Timestamp integer        `json:"timestamp"`
	RequestID id             `json:"requestId"`
	Extra     jsontext.Value `json:"extraData"`

	// Of an event of Waybill's own, which has no place here.
	Message jsontext.Value `json:"message"`
	Status  jsontext.Value `json:"status"`
}

// activities records what people did on a page. What is wrong with one leaves
// the others alone and is counted: the vendor would send it again just like that.
func (h *webhook) activities(ctx context.Context, c *waybill.Channel, body []byte) (dialect.Saved, error) {
	if err := dialect.CheckDepth(body, maxDepth); err != nil {
		return dialect.Saved{}, err
	}
	if err := dialect.Hold(ctx, 2*int64(len(body))); err != nil {
		return dialect.Saved{}, err
	}
	var list []waybill.Event
	foreign, malformed := 0, 0
	err := eachValue(body, func(text []byte) error {
		if len(list)+foreign+malformed == maxActivities {
			return waybill.Errorf(waybill.TooLarge, "the body has more than %d events", maxActivities)
		}
		var a activity
		err := json.Unmarshal(text, &a)
		switch {
		case err == nil && a.Message != nil && a.Status != nil:
			return waybill.Errorf(waybill.Invalid, "object %d is an event of Waybill's own among activities: post them apart",
				len(list)+foreign+malformed+1)
		case err == nil && a.PageID.value != "" && a.PageID.value != c.ID:
			foreign++
			return nil
		case err == nil:
			var e waybill.Event
			if e, err = a.event(c); err == nil {
				list = append(list, e)
				return nil
			}
		}
		malformed++
		return nil
	})
	if err != nil {
		return dialect.Saved{}, err
	}
	h.metrics.Events(dialectName, "foreign", foreign)
	h.metrics.Events(dialectName, "malformed", malformed)
	done, err := h.record(ctx, c, list)
	s := dialect.Saved{Events: len(list) - len(done.Rejected), Changed: done.Changed, TooLate: done.TooLate}
	s.Leave(foreign, "about another page")
	s.Leave(malformed, "malformed")
	for _, r := range done.Rejected {
		s.Left = append(s.Left, r.Err.Error())
	}
	return s, err
}

// eachValue gives every JSON value of a body to take, those of an array one by
// one.
func eachValue(body []byte, take func(text []byte) error) error {
	d := jsontext.NewDecoder(bytes.NewBuffer(body), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	for {
		if k := d.PeekKind(); k == jsontext.KindBeginArray && d.StackDepth() == 0 || k == jsontext.KindEndArray {
			if _, err := d.ReadToken(); err != nil {
				return brokenBody(err)
			}
			continue
		}
		text, err := d.ReadValue()
		switch {
		case errors.Is(err, io.EOF) && d.StackDepth() == 0:
			return nil
		case err != nil:
			return brokenBody(err)
		}
		if err := take(text); err != nil {
			return err
		}
	}
}

func brokenBody(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return waybill.Errorf(waybill.Invalid, "the JSON ends early")
	}
	if s, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		return waybill.Errorf(waybill.Invalid, "the body is no JSON at byte %d: %.200v", s.ByteOffset, s.Err)
	}
	return err
}

// messagePrefix begins the IDs of the messages that activities are kept as.
const messagePrefix = "momo-activity:"

// event returns a as something that a person sent to the page: a received
// message with one click, whose button has the activity as its type.
func (a *activity) event(c *waybill.Channel) (waybill.Event, error) {
	at, err := a.instant()
	if err != nil {
		return waybill.Event{}, err
	}
	identity, err := a.identity(at)
	if err != nil {
		return waybill.Event{}, err
	}
	e := waybill.Event{
		Channel: c.Number, Message: messagePrefix + identity, Status: waybill.StatusClicked, At: at,
		Recipient: a.UserID.value, Inbound: true, Click: "1",
		Button: waybill.Button{Type: a.Activity, Text: a.detail()},
	}
	e.Labels.Set(waybill.LabelSender, c.ID, waybill.RankVendor)
	return e, nil
}

// instant returns the time of a. The vendor speaks of milliseconds and shows
// seconds; seconds stay below 10^11 until the year 5138.
func (a *activity) instant() (waybill.Instant, error) {
	switch at := a.Timestamp.value; {
	case at <= 0:
		return waybill.Never, waybill.Errorf(waybill.Invalid, "timestamp %d is no time", at)
	case at < 1e11:
		return waybill.Instant(at), nil
	default:
		return waybill.Instant(at / 1000), nil
	}
}

// identity tells a from all other activities, and is the same whenever the vendor
// sends a again. The ID of the request alone may be the time in seconds, which
// others share.
func (a *activity) identity(at waybill.Instant) (string, error) {
	extra := a.Extra.Clone()
	if len(extra) > 0 {
		if err := extra.Canonicalize(); err != nil {
			return "", waybill.Errorf(waybill.Invalid, "extraData: %v", err)
		}
	}
	if bytes.Equal(extra, []byte("{}")) || extra.Kind() == jsontext.KindNull {
		extra = nil
	}
	sum := sha256.New()
	for _, part := range []string{
		a.PageID.value, a.UserID.value, a.Activity, a.RequestID.value, at.Time().String(), string(extra),
	} {
		sum.Write(binary.AppendUvarint(nil, uint64(len(part))))
		sum.Write([]byte(part))
	}
	return hex.EncodeToString(sum.Sum(nil)[:16]), nil
}

// detail returns what the activity was about: the button of a click, the screen
// of a view.
func (a *activity) detail() string {
	var extra struct {
		Button string `json:"buttonName"`
		Screen string `json:"screenName"`
	}
	if json.Unmarshal(a.Extra, &extra) != nil {
		return ""
	}
	if extra.Button != "" {
		return extra.Button
	}
	return extra.Screen
}
