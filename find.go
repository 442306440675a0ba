package waybill

import (
	"context"
	"slices"
)

// MaxMessagePage bounds MessageQuery.Limit.
const MaxMessagePage = 1000

// A MessageQuery asks for the messages behind a number: those that count in a
// metric, within a time, as a Query with the same fields counts them.
type MessageQuery struct {
	Channel  ChannelNumber
	Metric   Metric
	From, To Instant // widened to whole quarters, as those of a Query
	Basis    Basis

	Where      []Filter // all must hold
	Collected  bool     // only messages that carry the collected mark
	Categories map[TemplateRef]string

	// Detail keeps the messages that count under one detail: the key that
	// DimDetail has in a Point. Empty keeps all.
	Detail string

	Limit int    // the length of the page
	After string // the Next of the page before; empty for the first
}

// Query returns the query whose sum over all points is the number of messages that
// q finds, or of clicks where the metric is Clicks.
func (q *MessageQuery) Query() Query {
	counted := Query{
		Channels: []ChannelNumber{q.Channel}, From: q.From, To: q.To, Basis: q.Basis,
		Where: q.Where, Collected: q.Collected, Categories: q.Categories,
	}
	if q.Detail != "" {
		counted.GroupBy = []Dimension{DimDetail}
	}
	return counted
}

// Validate returns an Invalid error that says what is wrong with q.
func (q *MessageQuery) Validate() error {
	counted := q.Query()
	switch {
	case int(q.Metric) >= NumMetrics:
		return Errorf(Invalid, "metric %d is unknown", q.Metric)
	case q.Limit < 1 || q.Limit > MaxMessagePage:
		return Errorf(Invalid, "limit %d is not between 1 and %d", q.Limit, MaxMessagePage)
	}
	return counted.Validate()
}

// Passes reports whether the messages of a tuple pass the filters of q.
func (q *Query) Passes(c ChannelNumber, t Tuple) bool {
	if q.Collected && !t.Collected {
		return false
	}
	if template := t.Values[LabelTemplate]; template != "" && t.Values[LabelCategory] == "" {
		t.Values[LabelCategory] = q.CategoryOf(TemplateRef{
			Channel: c, Template: template, Language: t.Values[LabelLanguage],
		})
	}
	for _, f := range q.Where {
		value := t.Kind.String()
		if f.By != DimKind {
			value = t.Values[f.By]
		}
		if !slices.Contains(f.Values, value) {
			return false
		}
	}
	return true
}

// Counts reports whether m counts in q.
func (q *MessageQuery) Counts(p Provider, m *Message) bool {
	counted := q.Query()
	if !counted.Passes(q.Channel, m.Tuple()) {
		return false
	}
	from, to := counted.Quarters()
	return slices.ContainsFunc(m.Contributions(p, nil), func(s Slot) bool {
		return s.Metric == q.Metric && s.Basis == q.Basis && s.Quarter >= from && s.Quarter < to &&
			s.Detail.Key() == q.Detail
	})
}

// Key returns the key that d has under DimDetail, empty for the total over all.
func (d Detail) Key() string {
	switch {
	case d == (Detail{}):
		return ""
	case d.Code != "":
		return d.Code
	}
	return d.Button.Type + "\x00" + d.Button.Text
}

// A FoundMessage is a message behind a number.
type FoundMessage struct {
	ID        string // empty where the store does not keep IDs, or it was erased
	Recipient string // likewise
	Message   Message
}

// A MessagePage is a part of the answer to a MessageQuery.
type MessagePage struct {
	Messages []FoundMessage
	Next     string // After of the next page; empty at the end
}

// A MessageStore opens counts into the messages that they are made of. Messages
// that are older than the store keeps histories still count, but are not found.
type MessageStore interface {
	// Recipient returns whom the message of an ID went to, as its first report
	// that named somebody said: empty where none did, recipients are not kept
	// or it was erased. It fails with NotFound where there is no such message.
	Recipient(ctx context.Context, channel ChannelNumber, id string) (string, error)

	// Messages returns a page of the messages that count in q, each once, in no
	// particular order. A message whose history changes between two pages may
	// be missing, but no page has a message that an earlier one had. A query or
	// an After that is not valid fails with Invalid.
	Messages(ctx context.Context, q MessageQuery) (MessagePage, error)

	// Erase forgets the IDs of all messages of all channels that went to a
	// recipient, and the recipient, for good; the messages count on. It returns
	// how many there were. What is reported later of a new message to the same
	// recipient is kept anew.
	Erase(ctx context.Context, recipient string) (int, error)
}
