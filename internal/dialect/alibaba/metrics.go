package alibaba

import (
	"cmp"
	"context"
	"errors"
	"math"
	"slices"
	"time"

	"waybill"
)

// These stand where a success has nothing to say.
const (
	codeOK = "OK"
	none   = "None"
)

// settleWithin bounds how long Enable waits for the marks of stored messages.
// They matter for the few that are dated at or after the enabling although they
// came before it.
const settleWithin = 2 * time.Second

// An enabled is the answer of EnableWhatsappROIMetric. The order of the keys in
// this and all other answers is that of the operation's example.
//
// https://www.alibabacloud.com/help/en/chatapp/developer-reference/api-cams-2020-06-06-enablewhatsapproimetric
type enabled struct {
	RequestID          string `json:"RequestId" xml:"RequestId"`
	Code               string
	Message            string
	AccessDeniedDetail string
}

// enable switches metrics on. That is durable when it returns, and what was
// switched on before keeps its instant.
func (a *API) enable(ctx context.Context, c *invocation) (any, error) {
	channels, err := c.channels()
	if err != nil {
		return nil, err
	}
	if len(channels) == 0 {
		return nil, errOwner // OK would say that something is on now
	}
	now := waybill.InstantOf(a.now())
	for i := range channels {
		if channels[i].MetricsEnabled != waybill.Never {
			continue
		}
		if _, err := a.directory.SetMetricsEnabled(ctx, channels[i].ID, now); err != nil {
			return nil, err
		}
	}
	if err := a.settle(ctx); err != nil {
		return nil, err
	}
	return enabled{c.id, codeOK, none, none}, nil
}

// settle waits until the store has marked all messages, for a while.
func (a *API) settle(ctx context.Context) error {
	bounded, cancel := context.WithTimeout(ctx, settleWithin)
	defer cancel()
	err := a.store.Settled(bounded)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		a.log.InfoContext(ctx, "alibaba: marks of messages are still being set")
		return nil
	}
	return err
}

// shown reports whether a channel has metrics to show: it was enabled, and the
// delay is over.
func (a *API) shown(c *waybill.Channel) bool {
	return c.MetricsEnabled != waybill.Never && !a.now().Before(c.MetricsEnabled.Time().Add(a.delay))
}

// A templateMetrics is the answer of GetChatappTemplateMetric.
//
// https://www.alibabacloud.com/help/en/chatapp/developer-reference/api-cams-2020-06-06-getchatapptemplatemetric
type templateMetrics struct {
	RequestID          string `json:"RequestId" xml:"RequestId"`
	Code               string
	Message            string
	Data               []templateRow
	AccessDeniedDetail string
}

type templateRow struct {
	TemplateCode   string
	Language       string
	SentCount      int32
	ReadCount      int32
	DeliveredCount int32
	Cliented       []clickRow
	Start          int64
	End            int64
}

type clickRow struct {
	Type          string
	ButtonContent string
	Count         int32
}

// templateMetric answers the series of one marketing template.
func (a *API) templateMetric(ctx context.Context, c *invocation) (any, error) {
	code, language := c.params.get("TemplateCode"), c.params.get("Language")
	if code == "" {
		return nil, errMissing("TemplateCode")
	}
	if kind := c.params.get("TemplateType"); kind != "" && kind != "WHATSAPP" {
		return nil, errInvalid("TemplateType")
	}
	s, err := parseSpan(c.params)
	if err != nil {
		return nil, err
	}
	channels, err := c.channels()
	if err != nil {
		return nil, err
	}
	if err := a.owned(ctx, c, channels, waybill.LabelTemplate, code); err != nil {
		return nil, err
	}
	series := templateSeries{span: s, code: code, rows: make(map[rowKey]*templatePoint)}
	if language != "" {
		series.only = &language
	}
	for i := range channels {
		if !a.shown(&channels[i]) {
			continue
		}
		if err := series.add(ctx, a.store, &channels[i], c.catalogOf(&channels[i])); err != nil {
			return nil, err
		}
	}
	return templateMetrics{c.id, codeOK, none, series.data(), none}, nil
}

// A phoneMetrics is the answer of GetChatappPhoneNumberMetric.
//
// https://www.alibabacloud.com/help/en/chatapp/developer-reference/api-cams-2020-06-06-getchatappphonenumbermetric
type phoneMetrics struct {
	AccessDeniedDetail string
	RequestID          string `json:"RequestId" xml:"RequestId"`
	Message            string
	Data               []phoneRow
	Code               string
}

type phoneRow struct {
	DeliveredCount int32
	Start          int64
	PhoneNumber    string
	End            int64
	Granularity    string
	SentCount      int32
}

// phoneMetric answers the series of business phone numbers.
func (a *API) phoneMetric(ctx context.Context, c *invocation) (any, error) {
	number, err := parseNumber(c.params)
	if err != nil {
		return nil, err
	}
	s, err := parseSpan(c.params)
	if err != nil {
		return nil, err
	}
	channels, err := c.channels()
	if err != nil {
		return nil, err
	}
	if number != "" {
		if err := a.owned(ctx, c, channels, waybill.LabelSender, number); err != nil {
			return nil, err
		}
	}
	series := phoneSeries{span: s, number: number, rows: make(map[rowKey]*waybill.Counts)}
	for i := range channels {
		if !a.shown(&channels[i]) {
			continue
		}
		if err := series.add(ctx, a.store, &channels[i]); err != nil {
			return nil, err
		}
	}
	return phoneMetrics{none, c.id, none, series.data(), codeOK}, nil
}

// parseNumber reads PhoneNumber, which is digits. A plus in front is forgiven; in
// a query that is not well encoded it arrives as a blank.
func parseNumber(ps params) (string, error) {
	text := ps.get("PhoneNumber")
	if text != "" && (text[0] == '+' || text[0] == ' ') {
		text = text[1:]
		if text == "" {
			return "", errInvalid("PhoneNumber")
		}
	}
	if text != waybill.Digits(text) {
		return "", errInvalid("PhoneNumber")
	}
	return text, nil
}

// owned fails unless one of the channels has the template or sender: in the
// directory, or in a message. One that exists elsewhere is answered like one that
// exists nowhere.
func (a *API) owned(
	ctx context.Context, c *invocation, channels []waybill.Channel, label waybill.Label, value string,
) error {
	for i := range channels {
		if label == waybill.LabelSender && slices.Contains(channels[i].Senders, value) ||
			label == waybill.LabelTemplate && c.catalogOf(&channels[i]).languages[value] != nil {
			return nil
		}
	}
	for i := range channels {
		seen, err := a.store.Values(ctx, channels[i].Number, label)
		if err != nil {
			return err
		}
		if _, ok := slices.BinarySearch(seen, value); ok {
			return nil
		}
	}
	return errOwner
}

// A rowKey tells the rows of an answer apart. Channels in different zones have
// different buckets; rows with the same bounds are one row.
type rowKey struct {
	bucket waybill.Bucket
	label  string // language or phone number
}

func (k rowKey) compare(l rowKey) int {
	return cmp.Or(
		cmp.Compare(k.bucket.Start, l.bucket.Start),
		cmp.Compare(k.label, l.label),
		cmp.Compare(k.bucket.End, l.bucket.End))
}

// sortedKeys returns the keys of rows in the order of an answer.
func sortedKeys[V any](rows map[rowKey]V) []rowKey {
	keys := make([]rowKey, 0, len(rows))
	for k := range rows {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, rowKey.compare)
	return keys
}

// count returns n as answers have it. The SDKs' type has 32 bits, and one number
// beyond makes them drop the whole answer.
func count(n int64) int32 { return int32(min(n, math.MaxInt32)) }

func millis(i waybill.Instant) int64 { return int64(i) * 1000 }
