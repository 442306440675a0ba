// Package traffic makes the reports that the stores are compared with, in the
// order in which they would arrive, and knows what the right answers are.
//
// # The traffic
//
// Messages are spread evenly over 365 days. Each is registered with its labels
// and then, without labels, reported as sent, delivered, read or failed: 3.2
// reports a message. Ten accounts share them, of which one has 85 %. An account
// has 20 senders, 200 templates, 10 countries and 3 languages, most of them used
// rarely (Zipf). 30 % of the messages belong to campaigns: 5000 messages with
// one sender and one template.
//
// Reports do not come in order. A delivery report arrives after some 5000 other
// messages, a reading after 60,000 (median). 5 % of the reports come twice, half
// of them soon and half after some 100,000 messages; a tenth of these tell a later
// time at first. 1.5 % of the registrations come after all other reports, 3 %
// of the readings before the delivery, and 2 % of them without one.
package traffic

import (
	"strings"
	"time"

	"waybill"
)

const (
	day  = 24 * 60 * 60
	days = 365

	// Start is when the first message begins: 2025-01-01 in Shanghai.
	Start waybill.Instant = 1735660800
)

// Now is the clock by which all reports are in the past, but not long ago.
func Now() time.Time { return (Start + (days+60)*day).Time() }

// EventsPerMessage is how many reports a message has on average.
const EventsPerMessage = 3.2

// A Traffic is the reports of a number of messages. Equal ones make equal reports.
type Traffic struct {
	Messages int
	Seed     uint64
}

// Channels are the channels of the traffic.
func Channels() []waybill.ChannelState {
	var all []waybill.ChannelState
	for n := range waybill.ChannelNumber(accounts) {
		all = append(all, waybill.ChannelState{Number: Main + n, Provider: waybill.ProviderWABA})
	}
	return all
}

// A Stream makes the reports of a Traffic, in the order of their arrival.
//
// The reports that a message will have are put into the slots in which they
// arrive when the message begins. A slot is as long as slotMessages messages; it
// is sent when all messages that begin in it have begun. Only what is under way
// takes memory, so that it hardly adds to that of an engine.
type Stream struct {
	traffic Traffic
	begun   uint32   // messages
	slots   []queue  // the reports of each
	slot    int      // the one that is sent next
	ready   uint32   // the first report of the slot that is being sent
	reports []report // number 0 is none
	unused  uint32   // the first of those that may be used again
}

const slotMessages = 64

// A queue is a chain of reports, by their numbers.
type queue struct{ first, last uint32 }

// A report is an event that is not written out yet.
type report struct {
	message uint32
	at      uint32 // seconds after Start
	next    uint32 // in its chain
	channel uint8
	status  waybill.Status
}

// Stream returns a new Stream of tr.
func (tr Traffic) Stream() *Stream {
	const tail = 1 << 20 // messages after the last one, in which the rest arrives
	return &Stream{traffic: tr, slots: make([]queue, (tr.Messages+tail)/slotMessages), reports: make([]report, 1)}
}

// Next fills events with the next reports and returns how many there were:
// less than len(events) at the end. It overwrites the events completely.
func (s *Stream) Next(events []waybill.Event) int {
	var texts strings.Builder
	texts.Grow(len(events) * (idBytes + recipientBytes))
	for n := range events {
		for s.ready == 0 {
			if !s.advance() {
				return n
			}
		}
		r := &s.reports[s.ready]
		s.write(&events[n], r, &texts)
		s.ready, s.unused, r.next = r.next, s.ready, s.unused
	}
	return len(events)
}

// advance makes the next slot ready. It returns false when there is none.
func (s *Stream) advance() bool {
	if s.slot == len(s.slots) {
		return false
	}
	for int(s.begun) < s.traffic.Messages && s.begun/slotMessages == uint32(s.slot) {
		m := s.traffic.message(s.begun)
		s.schedule(&m)
		s.begun++
	}
	s.ready = s.slots[s.slot].first
	s.slot++
	return true
}

// schedule puts the reports of m where they arrive. Within a slot they arrive in
// the order in which they are put there.
func (s *Stream) schedule(m *message) {
	r := &m.random
	begin := float64(m.number)
	registration, last := begin, begin
	put := func(status waybill.Status, stage waybill.Stage, arrival float64) {
		if m.at[stage] != waybill.Never {
			last = max(last, s.put(m, status, m.at[stage], arrival))
		}
	}
	late := r.chance(lateShare)
	if !late {
		put(waybill.StatusAccepted, waybill.Accepted, registration)
	}
	put(waybill.StatusSent, waybill.Sent, begin+r.exp(2))
	put(waybill.StatusFailed, waybill.Failed, begin+r.exp(1000))
	delivered := begin + r.exp(5000)
	read := delivered + r.logNormal(60_000, 1)
	if r.chance(earlyShare) {
		read = delivered
	}
	put(waybill.StatusRead, waybill.Read, read)
	put(waybill.StatusDelivered, waybill.Delivered, delivered)
	if late {
		put(waybill.StatusAccepted, waybill.Accepted, last+r.exp(50))
	}
}

// put schedules a report and, now and then, its repetition. It returns when the
// last of them arrives.
func (s *Stream) put(m *message, status waybill.Status, at waybill.Instant, arrival float64) float64 {
	r := &m.random
	if !r.chance(doubleShare) {
		s.putOne(m, status, at, arrival)
		return arrival
	}
	first := at
	if r.chance(moreShare) {
		first += 1 + waybill.Instant(r.below(600))
	}
	s.putOne(m, status, first, arrival)
	if r.chance(1 << 15) {
		arrival += r.exp(50)
	} else {
		arrival += r.exp(100_000)
	}
	s.putOne(m, status, at, arrival)
	return arrival
}

func (s *Stream) putOne(m *message, status waybill.Status, at waybill.Instant, arrival float64) {
	number := s.unused
	if number == 0 {
		number = uint32(len(s.reports))
		s.reports = append(s.reports, report{})
	}
	r := &s.reports[number]
	s.unused = r.next
	*r = report{m.number, uint32(at - Start), 0, uint8(m.channel), status}
	q := &s.slots[min(int(arrival)/slotMessages, len(s.slots)-1)]
	if q.first == 0 {
		q.first = number
	} else {
		s.reports[q.last].next = number
	}
	q.last = number
}

// The texts of an event. IDs look like those of WhatsApp: what tells them apart
// stands between what many share.
const (
	idPrefix = "wamid.HBgNNjI4MTIwMDAwMDAwFQIAERgS"
	idSuffix = "AA"

	idBytes        = 60
	recipientBytes = 13
)

// write writes r out, its texts at the end of those of other events.
func (s *Stream) write(e *waybill.Event, r *report, texts *strings.Builder) {
	from := texts.Len()
	unique := seeded(s.traffic.Seed+1, uint64(r.message))
	texts.WriteString(idPrefix)
	writeHex(texts, unique.next(), 16)
	writeHex(texts, unique.next(), idBytes-len(idPrefix)-len(idSuffix)-16)
	texts.WriteString(idSuffix)
	texts.WriteString("62812")
	writeDigits(texts, r.message)
	all := texts.String()
	*e = waybill.Event{
		Channel: waybill.ChannelNumber(r.channel), Status: r.status, At: Start + waybill.Instant(r.at),
		Message: all[from : from+idBytes], Recipient: all[from+idBytes:],
	}
	switch r.status {
	case waybill.StatusAccepted:
		m := s.traffic.message(r.message)
		m.label(&e.Labels)
	case waybill.StatusFailed:
		e.Failure.Code = failureCodes[r.message%uint32(len(failureCodes))]
	}
}

func writeHex(texts *strings.Builder, n uint64, digits int) {
	for range digits {
		texts.WriteByte("0123456789abcdef"[n>>60])
		n <<= 4
	}
}

// writeDigits writes the last eight decimal digits of n.
func writeDigits(texts *strings.Builder, n uint32) {
	for unit := uint32(10_000_000); unit > 0; unit /= 10 {
		texts.WriteByte('0' + byte(n/unit%10))
	}
}
