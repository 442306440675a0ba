// Package waybill is the domain of a ledger of message delivery: what a message
// is, how the reports about it are joined, in which counters it counts, and
// what a store of such histories promises.
//
// The unit is the message, not the event. Vendors repeat their webhooks, delay
// them and send them out of order, so a Message keeps for each stage the
// earliest time that was ever reported. Merging two histories is a join
// (commutative, associative, idempotent): order and repetition cannot matter.
// A counter is the sum of the contributions of all messages.
//
// The package imports only the standard library and knows no vendor, no wire
// format and no storage engine.
package waybill

import "slices"

// A Message is all that is known of one message. The zero Message is a message
// of which nothing is known; it is the neutral element of Merge.
type Message struct {
	// At holds the earliest reported time of each stage, Never where no
	// report came. It does not hold what a later stage implies: see Reached.
	At [NumStages]Instant

	// Failure says why the message failed; it belongs to At[Failed].
	Failure Failure

	// Labels describe the message. Each merges on its own.
	Labels Labels

	// Clicks holds at most MaxClicks clicks, ordered by ID, each ID once.
	Clicks []Click

	// Inbound is set once the message is known to be received by us.
	Inbound bool

	// Templated is set once a report said outright that the message was made
	// from a template. A template or category label says so as well.
	Templated bool

	// Collected is the mark that the store sets by Mark. Merge leaves it alone.
	Collected bool
}

// A Failure is the reason of a failed message in the vendor's words.
type Failure struct {
	Code  string // such as "131026"; empty where the vendor gave none
	Title string
}

// Merge joins o into m: afterwards m knows everything that either knew. Merge
// does not change o and shares no memory with it that either may write.
func (m *Message) Merge(o Message) {
	m.mergeFailure(o)
	for s := range m.At {
		if Stage(s) != Failed {
			m.At[s] = earliest(m.At[s], o.At[s])
		}
	}
	for l := range m.Labels {
		if o.Labels[l].beats(m.Labels[l]) {
			m.Labels[l] = o.Labels[l]
		}
	}
	m.Clicks = mergeClicks(m.Clicks, o.Clicks)
	m.Inbound = m.Inbound || o.Inbound
	m.Templated = m.Templated || o.Templated
}

// mergeFailure keeps the smallest failure by time, code and title. An empty code
// or title comes last: of two in the same second the one with it says more.
func (m *Message) mergeFailure(o Message) {
	switch {
	case o.At[Failed] == Never:
		return
	case m.At[Failed] == Never || o.At[Failed] < m.At[Failed]:
	case o.At[Failed] > m.At[Failed] || !o.Failure.before(m.Failure):
		return
	}
	m.At[Failed], m.Failure = o.At[Failed], o.Failure
}

func (f Failure) before(g Failure) bool {
	if f.Code != g.Code {
		return emptyLast(f.Code, g.Code)
	}
	return emptyLast(f.Title, g.Title)
}

// emptyLast reports whether a comes before b, where the empty text is the largest.
func emptyLast(a, b string) bool { return a != "" && (b == "" || a < b) }

// Reached returns when m reached s, counting what later stages imply: a message
// that was read has been delivered, sent and accepted, at the time of the
// reading until an earlier report comes. A click implies delivery but not
// reading, since receipts can be off. A failure implies acceptance. Never means
// that nothing shows that m reached s.
func (m *Message) Reached(s Stage) Instant {
	at := m.At[s]
	switch s {
	case Accepted:
		return earliest(at, earliest(m.At[Failed], m.Reached(Sent)))
	case Sent:
		return earliest(at, m.Reached(Delivered))
	case Delivered:
		return earliest(earliest(at, m.At[Read]), m.FirstClick())
	}
	return at
}

// CountsAsFailed reports whether m counts as failed on a channel of p: a success
// stands over a failure. MoMo calls a message successful once it is sent, the
// others once it is delivered, since one device of several may have failed.
func (m *Message) CountsAsFailed(p Provider) bool {
	success := Delivered
	if p == ProviderMomo {
		success = Sent
	}
	return m.At[Failed] != Never && m.Reached(success) == Never
}

// FirstClick returns the time of the earliest click, or Never.
func (m *Message) FirstClick() Instant {
	first := Never
	for _, c := range m.Clicks {
		first = earliest(first, c.At)
	}
	return first
}

// Earliest returns the earliest known time of m, or Never for a zero Message.
func (m *Message) Earliest() Instant { return m.Reached(Accepted) }

// Kind returns what sort of message m is, by the evidence so far.
func (m *Message) Kind() Kind {
	switch {
	case m.Inbound:
		return KindInbound
	case m.Templated, m.Labels[LabelTemplate].Value != "", m.Labels[LabelCategory].Value != "":
		return KindTemplate
	}
	return KindSession
}

// Mark sets Collected: whether nothing of m is known to have happened before
// metrics were enabled. A channel whose metrics are not enabled, told by Never,
// collects nothing.
func (m *Message) Mark(enabled Instant) {
	m.Collected = enabled != Never && m.Earliest() >= enabled
}

// Equal reports whether m and o hold the same history and mark.
func (m *Message) Equal(o *Message) bool {
	return m.At == o.At && m.Failure == o.Failure && m.Labels == o.Labels &&
		m.Inbound == o.Inbound && m.Templated == o.Templated && m.Collected == o.Collected &&
		slices.Equal(m.Clicks, o.Clicks)
}
