package waybill

import "time"

// An Instant is a time in whole seconds since 1970-01-01 UTC, rounded down.
// All times of messages, settings and queries are Instants.
type Instant int64

// Never is the absence of an Instant. No event can carry it: see EarliestEvent.
const Never Instant = 0

// InstantOf returns t rounded down to a whole second.
func InstantOf(t time.Time) Instant { return Instant(t.Unix()) }

// Time returns i as a time in UTC.
func (i Instant) Time() time.Time { return time.Unix(int64(i), 0).UTC() }

// earliest returns the smaller of a and b, where Never is the largest.
func earliest(a, b Instant) Instant {
	if a == Never || b != Never && b < a {
		return b
	}
	return a
}

// A Stage is a station in the life of a message.
type Stage uint8

// The stages. Playing a voice message counts as reading it.
const (
	Accepted  Stage = iota // the vendor took the message
	Sent                   // the vendor sent it on
	Delivered              // it reached the recipient's device
	Read                   // the recipient saw it
	Failed                 // it will not arrive

	NumStages = 5
)

// A Metric is something that is counted. The first metrics are the stages:
// Metric(Sent) counts the messages that reached Sent.
type Metric uint8

// The metrics that are no stages.
const (
	Clicked Metric = NumStages + iota // messages that were clicked at least once
	Clicks                            // all clicks

	NumMetrics = int(NumStages) + 2
)

var metricNames = [NumMetrics]string{
	"accepted", "sent", "delivered", "read", "failed", "clicked", "clicks",
}

func (m Metric) String() string { return metricNames[m] }

// A Kind is the sort of a message. It is concluded from what is known, not
// merged: see Message.Kind.
type Kind uint8

// The kinds.
const (
	KindSession  Kind = iota // outbound, not made from a template
	KindTemplate             // outbound, made from a template
	KindInbound              // received by us

	numKinds = 3
)

var kindNames = [numKinds]string{"session", "template", "inbound"}

func (k Kind) String() string { return kindNames[k] }
