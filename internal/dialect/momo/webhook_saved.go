package momo

import (
	"bytes"
	"context"
	"fmt"

	"waybill"
	"waybill/internal/dialect"
)

// RecordSaved records the body of a webhook of a page that was saved when it came:
// activities, or events of Waybill's own. Answers of MoMo's report are none: they
// have to be posted with the time that they are of. It fails with NotFound where
// there is no such page, and with Invalid for what is no webhook.
func (a *API) RecordSaved(ctx context.Context, pageID string, body []byte) (dialect.Saved, error) {
	h := a.webhook
	page, ok := h.directory.View().Channel(pageID)
	if !ok || page.Provider != waybill.ProviderMomo {
		return dialect.Saved{}, waybill.Errorf(waybill.NotFound, "there is no page %.100q of MoMo's", pageID)
	}
	body = bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))
	switch kindOf(body) {
	case answers:
		return dialect.Saved{}, waybill.Errorf(waybill.Invalid,
			"it is an answer of MoMo's report, which is posted to the webhook of the page with the time that it is of: ?at=")
	case activities:
		return h.activities(ctx, &page, body)
	}
	report, err := h.events(ctx, &page, body)
	if err != nil {
		return dialect.Saved{}, err
	}
	s := dialect.Saved{Events: report.Received - len(report.Rejected) - report.Omitted, TooLate: report.TooLate}
	if report.Changed != nil {
		s.Changed = *report.Changed
	}
	for _, r := range report.Rejected {
		s.Left = append(s.Left, fmt.Sprintf("event %d: %s", r.Line, r.Error))
	}
	s.Leave(report.Omitted, "rejected besides")
	return s, nil
}
