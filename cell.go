package waybill

// A Quarter is a quarter of an hour, numbered since 1970-01-01 UTC. It is the
// smallest unit of time that is counted: the UTC offset of every zone in use is
// a multiple of it, so that every calendar unit of every zone is made of whole
// Quarters.
type Quarter int32

// QuarterSeconds is the length of a Quarter.
const QuarterSeconds = 15 * 60

// Quarter returns the Quarter that contains i.
func (i Instant) Quarter() Quarter {
	q := i / QuarterSeconds
	if i%QuarterSeconds < 0 {
		q--
	}
	return Quarter(q)
}

// Start returns the first Instant of q.
func (q Quarter) Start() Instant { return Instant(q) * QuarterSeconds }

// A Basis says in which bucket a message is counted.
type Basis uint8

// The bases.
const (
	// ByEvent counts each metric in the bucket of its own time.
	ByEvent Basis = iota
	// BySend counts every metric in the bucket in which the message was
	// sent, so that the rates of a period are the rates of its messages.
	BySend

	NumBases = 2
)

// A Tuple is what a message is counted under, apart from time and metric.
type Tuple struct {
	Values    [NumLabels]string // indexed by Label; empty is absent
	Kind      Kind
	Collected bool
}

// Tuple returns the tuple under which m counts.
func (m *Message) Tuple() Tuple {
	return Tuple{Values: m.Labels.Values(), Kind: m.Kind(), Collected: m.Collected}
}

// A Detail breaks a metric down: a failure by its error code, a click by its
// button. The zero Detail is the total over all.
type Detail struct {
	Code   string
	Button Button
}

// A Slot is one place in which a message counts once.
type Slot struct {
	Metric  Metric
	Detail  Detail
	Basis   Basis
	Quarter Quarter
}

// A Cell is a counter of one channel: how many messages (or clicks) stand in
// this slot under this tuple.
type Cell struct {
	Tuple Tuple
	Slot  Slot
}

// Contributions appends to slots the places in which m counts, each counting
// one, and returns the result. A slot can occur more than once: two clicks of a
// button in one Quarter. The result depends on m and p alone.
func (m *Message) Contributions(p Provider, slots []Slot) []Slot {
	sent := m.Reached(Sent)
	if sent == Never {
		sent = m.Earliest()
	}
	add := func(metric Metric, detail Detail, at Instant) {
		slots = append(slots,
			Slot{metric, detail, ByEvent, at.Quarter()},
			Slot{metric, detail, BySend, sent.Quarter()})
	}
	for s := Accepted; s <= Read; s++ {
		if at := m.Reached(s); at != Never {
			add(Metric(s), Detail{}, at)
		}
	}
	if m.CountsAsFailed(p) {
		add(Metric(Failed), Detail{}, m.At[Failed])
		if m.Failure.Code != "" {
			add(Metric(Failed), Detail{Code: m.Failure.Code}, m.At[Failed])
		}
	}
	m.clickContributions(add)
	return slots
}

func (m *Message) clickContributions(add func(Metric, Detail, Instant)) {
	if len(m.Clicks) == 0 {
		return
	}
	add(Clicked, Detail{}, m.FirstClick())
	for i, c := range m.Clicks {
		add(Clicks, Detail{}, c.At)
		if c.Button == (Button{}) {
			continue // the zero Detail is the total, which has it already
		}
		add(Clicks, Detail{Button: c.Button}, c.At)
		if m.firstOfButton(i) {
			add(Clicked, Detail{Button: c.Button}, c.At)
		}
	}
}

// firstOfButton reports whether click i is the earliest on its button.
func (m *Message) firstOfButton(i int) bool {
	c := m.Clicks[i]
	for j, d := range m.Clicks {
		if d.Button == c.Button && (d.At < c.At || d.At == c.At && j < i) {
			return false
		}
	}
	return true
}
