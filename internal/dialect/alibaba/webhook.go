package alibaba

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"waybill"
	"waybill/internal/dialect"
	"waybill/internal/directory"
	"waybill/internal/ingest"
	"waybill/internal/telemetry"
)

const (
	receiptsPath = "/webhooks/" + dialectName + "/"

	// maxReceiptBytes bounds one push. The vendor names no bound; a report has
	// less than a kilobyte, but for the text of a message.
	maxReceiptBytes = 8 << 20
)

// receipts take what the vendor pushes over HTTP: reports on messages, received
// messages and reviews of templates. The vendor signs nothing, so the path has a
// secret, which belongs to one channel, and only that channel is written.
//
// https://www.alibabacloud.com/help/en/chatapp/developer-reference/configure-message-receipts
type receipts struct {
	directory *directory.Directory
	recorder  *ingest.Recorder
	log       *slog.Logger
	metrics   *telemetry.Metrics
	now       func() time.Time
	rejects   rate.Sometimes // tells the log, where any tenant could fill it
}

// receiptsSecret returns the secret in the path of a webhook, however its slashes
// are doubled, and whether it is a webhook's path at all.
func receiptsSecret(path string) (secret string, ok bool) {
	parts := strings.FieldsFunc(path, func(r rune) bool { return r == '/' })
	if len(parts) == 0 || parts[0] != "webhooks" {
		return "", false
	}
	if len(parts) == 3 {
		secret = parts[2]
	}
	return secret, true
}

// An acknowledgement is what the vendor wants to read.
type acknowledgement struct {
	Code    int    `json:"code"`
	Message string `json:"msg"`
}

func (h *receipts) serve(w http.ResponseWriter, r *http.Request, secret string) {
	dialect.SetLogAttr(r.Context(), slog.String("operation", "receipts"))
	err := h.receive(r, secret)
	if err == nil {
		dialect.WriteJSON(w, http.StatusOK, acknowledgement{0, "success"})
		return
	}
	status, told := dialect.Unrecorded(r.Context(), h.log, w.Header(), err)
	dialect.SetLogAttr(r.Context(), slog.String("err", told))
	dialect.WriteJSON(w, status, acknowledgement{status, told})
}

// receive takes one push. It returns nil when all that it reports is durable.
func (h *receipts) receive(r *http.Request, secret string) error {
	if r.Method != http.MethodPost {
		return dialect.ErrNotPost
	}
	channel, ok := h.directory.View().ChannelByWebhook(secret)
	if !ok || secret == "" || otherProvider(channel) {
		return waybill.Errorf(waybill.Denied, "the secret in the path is no channel's")
	}
	ctx := r.Context()
	dialect.Trust(ctx)
	dialect.SetLogAttr(ctx, slog.String("account", channel.Account), slog.String("channel", channel.ID))
	body, err := dialect.ReadBody(r, maxReceiptBytes)
	if err != nil {
		return err
	}
	b, err := decodeReceipts(body, &channel, waybill.InstantOf(h.now()))
	if err != nil {
		return err
	}
	dialect.SetLogAttr(ctx, slog.Int("events", len(b.events)))
	h.count(&b)
	_, err = h.record(ctx, channel.Account, &b)
	return err
}

// count counts what became of the reports; recorded events are counted by record.
func (h *receipts) count(b *batch) {
	for outcome, n := range map[string]int{
		"malformed":      b.malformed,
		"unknown_status": b.unknownStatus,
		"ignored":        b.ignored,
		"foreign":        b.foreign,
	} {
		h.metrics.Events(dialectName, outcome, n)
	}
}

// record makes the batch durable: the events in one commit, in the turn of the
// account that they are of.
func (h *receipts) record(ctx context.Context, account string, b *batch) (ingest.Receipt, error) {
	if len(b.facts) > 0 {
		if err := h.directory.Learn(ctx, b.facts); err != nil {
			return ingest.Receipt{}, fmt.Errorf("learn templates: %w", err)
		}
	}
	if len(b.events) == 0 {
		return ingest.Receipt{}, nil
	}
	receipt, err := h.recorder.RecordFor(ctx, dialectName+"/"+account, b.events)
	if err != nil {
		return receipt, fmt.Errorf("record %d events: %w", len(b.events), err)
	}
	receipt.Count(h.metrics, dialectName, len(b.events), 0)
	if len(receipt.Rejected) > 0 {
		h.rejects.Do(func() {
			h.log.WarnContext(ctx, "alibaba: events of receipts rejected",
				"events", len(receipt.Rejected), "first", receipt.Rejected[0].Err)
		})
	}
	return receipt, nil
}
