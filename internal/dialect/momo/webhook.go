package momo

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/time/rate"

	"waybill"
	"waybill/internal/dialect"
	"waybill/internal/directory"
	"waybill/internal/event"
	"waybill/internal/ingest"
	"waybill/internal/telemetry"
)

const (
	webhookPath = "/webhooks/" + dialectName + "/"

	// maxWebhookBytes bounds one body. An event of a page has less than a
	// kilobyte; a saved report has up to 16 for each segment.
	maxWebhookBytes = 8 << 20
)

// A webhook takes what is told about a page: by MoMo, the activities of people
// on it; by whoever knows more, deliveries as events of Waybill's own, and what
// MoMo's own report has answered. MoMo documents no signature, so the path has a
// secret, which belongs to one channel, and only that channel is written.
//
// https://developers.momo.vn/v3/vi/docs/business-page/user-activities/response-user-activities-register/
type webhook struct {
	directory *directory.Directory
	store     waybill.Store
	recorder  *ingest.Recorder
	log       *slog.Logger
	metrics   *telemetry.Metrics
	now       func() time.Time
	rejects   rate.Sometimes // tells the log, where any tenant could fill it

	// turn is held while an answer is kept: what it says depends on what stands.
	turn sync.Mutex
}

// A receipt is the answer to a webhook. MoMo gets an empty object; the others
// get what they can act on.
type receipt struct {
	*event.Report
	Error string `json:"error,omitempty"`
}

// ServeHTTP answers once all that a body says is durable.
func (h *webhook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	dialect.SetLogAttr(r.Context(), slog.String("operation", "webhook")) // until it is known what is in it
	report, err := h.receive(r)
	if err == nil {
		dialect.WriteJSON(w, http.StatusOK, receipt{Report: report})
		return
	}
	status, told := dialect.Unrecorded(r.Context(), h.log, w.Header(), err)
	dialect.SetLogAttr(r.Context(), slog.String("err", told))
	dialect.WriteJSON(w, status, receipt{Error: told})
}

// receive takes one body. The report is nil for events of the page.
func (h *webhook) receive(r *http.Request) (*event.Report, error) {
	ctx := r.Context()
	if r.Method != http.MethodPost {
		return nil, dialect.ErrNotPost
	}
	secret, _ := strings.CutPrefix(callPath(r), strings.Trim(webhookPath, "/")+"/")
	channel, ok := h.directory.View().ChannelByWebhook(secret)
	if !ok || secret == "" || channel.Provider != waybill.ProviderMomo {
		return nil, waybill.Errorf(waybill.Denied, "the secret in the path is no page's")
	}
	dialect.Trust(ctx)
	dialect.SetLogAttr(ctx, slog.String("account", channel.Account), slog.String("channel", channel.ID))
	body, err := dialect.ReadInflated(r, maxWebhookBytes, maxWebhookBytes)
	if err != nil {
		return nil, err
	}
	body = bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")) // some editors put a mark before UTF-8
	kind := kindOf(body)
	dialect.SetLogAttr(ctx, slog.String("operation", kind.operation()))
	switch kind {
	case activities:
		_, err := h.activities(ctx, &channel, body)
		return nil, err
	case answers:
		return h.answers(ctx, r, &channel, body)
	}
	return h.events(ctx, &channel, body)
}

// A bodyKind is what is in a body.
type bodyKind uint8

const (
	events     bodyKind = iota // Waybill's own
	activities                 // what MoMo tells of a page
	answers                    // what MoMo's report has answered
)

func (k bodyKind) operation() string {
	return [...]string{"events", "activities", "answers"}[k]
}

// kindOf looks at the names in the first object of a body. What is of no kind, or
// of two, is read as events of our own, which say best what is wrong with it.
func kindOf(body []byte) bodyKind {
	d := jsontext.NewDecoder(bytes.NewBuffer(body), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if d.PeekKind() == jsontext.KindBeginArray {
		_, _ = d.ReadToken() // an array that is none is found below
	}
	if t, err := d.ReadToken(); err != nil || t.Kind() != jsontext.KindBeginObject {
		return events
	}
	kind, own := events, 0
	for {
		name, err := d.ReadToken()
		if err != nil || name.Kind() != jsontext.KindString {
			break
		}
		switch name.String() {
		case "activity":
			kind = activities
		case "json":
			return answers
		case "message", "status":
			own++
		}
		if d.SkipValue() != nil {
			break
		}
	}
	if own == 2 && kind == activities {
		return events
	}
	return kind
}

// events records deliveries in Waybill's own format. The secret says which
// channel they are of; one that names another is rejected.
func (h *webhook) events(ctx context.Context, c *waybill.Channel, body []byte) (*event.Report, error) {
	if err := dialect.Hold(ctx, event.Memory(body)); err != nil {
		return nil, err
	}
	batch, err := event.Parse(body, func(id string) (waybill.ChannelNumber, error) {
		if id != "" && id != c.ID {
			return 0, waybill.Errorf(waybill.Invalid, "channel %.100q is not %s, whose secret is in the path", id, c.ID)
		}
		return c.Number, nil
	})
	if err != nil {
		return nil, err
	}
	done, err := h.record(ctx, c, batch.Events)
	if err != nil {
		return nil, err
	}
	for _, r := range done.Rejected {
		batch.Reject(r.Index, r.Err)
	}
	h.metrics.Events(dialectName, "malformed", batch.Rejected()-len(done.Rejected))
	report := batch.Report()
	if done.Known {
		report.Changed, report.TooLate = &done.Changed, done.TooLate
	}
	return &report, nil
}

// record makes events durable, in the turn of the account that they are of.
func (h *webhook) record(ctx context.Context, c *waybill.Channel, list []waybill.Event) (ingest.Receipt, error) {
	dialect.SetLogAttr(ctx, slog.Int("events", len(list)))
	done, err := h.recorder.RecordParts(ctx, dialectName+"/"+c.Account, list)
	if err != nil {
		return done, fmt.Errorf("record %d events: %w", len(list), err)
	}
	done.Count(h.metrics, dialectName, len(list), 0)
	if len(done.Rejected) > 0 {
		h.rejects.Do(func() {
			h.log.WarnContext(ctx, "momo: events rejected",
				"channel", c.ID, "events", len(done.Rejected), "first", done.Rejected[0].Err)
		})
	}
	return done, nil
}
