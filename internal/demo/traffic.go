package demo

import (
	"cmp"
	"iter"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"waybill"
)

// batchEvents is the length of a batch of events.
const batchEvents = 5000

// Events returns the traffic in batches, in the order in which it arrives: some
// of it late, out of order and more than once. number tells the number of the
// channel with the given ID; where it is 0, the traffic of the channel is left
// out. The batches are the caller's.
func (b *Business) Events(number func(channelID string) waybill.ChannelNumber) iter.Seq[[]waybill.Event] {
	return func(yield func([]waybill.Event) bool) {
		out := &batcher{yield: yield, numbers: make(map[*line]waybill.ChannelNumber)}
		for _, l := range b.lines {
			out.numbers[l] = number(l.id)
		}
		q := &queue{now: b.options.Now.UnixMilli()}
		for _, p := range b.plan() {
			if out.numbers[p.line] == 0 {
				continue
			}
			if !out.put(q.take(int64(p.day.bucket.Start) * second)) {
				return
			}
			g := &generator{b: b, line: p.line, day: p.day, queue: q, clocks: make(map[clockKey]*clock)}
			g.run()
		}
		if out.put(q.take(math.MaxInt64)) {
			out.flush()
		}
	}
}

// A part is one day of one line.
type part struct {
	line *line
	day  day
}

// plan returns the days of all lines by their beginning.
func (b *Business) plan() []part {
	var parts []part
	now := waybill.InstantOf(b.options.Now)
	for _, l := range b.lines {
		for d := l.first; d.bucket.Start <= now; d = d.next(l.zone) {
			parts = append(parts, part{l, d})
		}
	}
	slices.SortStableFunc(parts, func(a, b part) int {
		return cmp.Compare(a.day.bucket.Start, b.day.bucket.Start)
	})
	return parts
}

// A batcher turns reports into batches of events.
type batcher struct {
	yield   func([]waybill.Event) bool
	numbers map[*line]waybill.ChannelNumber
	batch   []waybill.Event
}

// put adds reports and reports whether the caller wants more.
func (o *batcher) put(reports []report) bool {
	for i := range reports {
		if o.batch == nil {
			o.batch = make([]waybill.Event, 0, batchEvents)
		}
		o.batch = append(o.batch, reports[i].event(o.numbers[reports[i].m.line]))
		if len(o.batch) == batchEvents && !o.flush() {
			return false
		}
	}
	return true
}

func (o *batcher) flush() bool {
	batch := o.batch
	o.batch = nil
	return len(batch) == 0 || o.yield(batch)
}

// A generator makes one day of one line.
type generator struct {
	b      *Business
	line   *line
	day    day
	queue  *queue
	clocks map[clockKey]*clock
}

type clockKey struct {
	zone    *time.Location
	profile *profile
}

func (g *generator) run() {
	for i := range g.line.flows {
		g.flow(&g.line.flows[i])
	}
	if g.line.campaigns != nil {
		for _, c := range g.line.campaigns(g.b, g.day) {
			g.campaign(&c)
		}
	}
	g.talks()
	g.segment()
}

func (g *generator) clock(c *country, p *profile) *clock {
	key := clockKey{c.zone, p}
	if g.clocks[key] == nil {
		g.clocks[key] = newClock(g.day, c.zone, p)
	}
	return g.clocks[key]
}

// flow makes the messages of a flow.
func (g *generator) flow(f *flow) {
	r := g.b.chance("flow", g.line.name, f.template, g.day.number)
	t := g.line.template(f.template)
	for range count(r, f.volume(g.day, g.line, g.b)) {
		to := g.b.countries[f.audience.pick(r)]
		at := g.clock(to, f.hours).draw(r)
		g.live(r, g.message(r, t, to.person(r)), at)
	}
}

// message returns a new message to a person.
func (g *generator) message(r *rand.Rand, t *template, to person) *message {
	m := &message{line: g.line, person: to, template: t, sender: g.line.sender(to.country)}
	m.id = g.messageID(r, to.number, false)
	if t != nil {
		m.language = t.language(to.country)
		m.late = g.line.provider != waybill.ProviderMomo && r.Float64() < .01
	}
	return m
}

// messageID returns an ID as the vendor makes them.
func (g *generator) messageID(r *rand.Rand, number string, inbound bool) string {
	switch g.line.provider {
	case waybill.ProviderWABA:
		return whatsappID(r, number, inbound)
	case waybill.ProviderChatapp:
		return g.day.date().Format("200601") + string(serial(r, "0123456789", 18))
	}
	return string(serial(r, "0123456789abcdef", 24))
}

// tell sends a report on its way. Most arrive within a second, some are tried
// again minutes later, and one in twenty comes twice.
func (g *generator) tell(r *rand.Rand, m *message, p report) {
	p.m, p.bare = m, p.bare || m.late
	p.arrives = p.at + lognormal(r, .5, .7)
	if r.Float64() < .02 {
		p.arrives += 20*second + lognormal(r, 150, 1)
	}
	g.queue.add(p)
	if r.Float64() < .05 {
		p.arrives += second + min(lognormal(r, 60, 2), 24*hour)
		g.queue.add(p)
	}
}
