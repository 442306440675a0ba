package pebble_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"waybill"
)

// Two channels have a stream of few messages whose reports come late and move what
// they count, the third a mass of messages, so that a pass takes several commits.
const (
	hammerMass   waybill.ChannelNumber = 3
	hammerOldest                       = "b0" // of the mass

	hammerKeep = 3 * hammerPartition
	hammerLoad = 1000 // messages of the mass in 28 days

	hammerPartition = 28 * day
)

var hammerChannels = []waybill.ChannelState{
	{Number: 1, Provider: waybill.ProviderWABA, MetricsEnabled: start},
	{Number: 2, Provider: waybill.ProviderMomo, MetricsEnabled: start},
	{Number: hammerMass, Provider: waybill.ProviderChatapp, MetricsEnabled: start},
}

// hammerTime is when the messages of a step begin, hammerClock what the clock says
// when a version is made.
func hammerTime(step int) waybill.Instant     { return start + waybill.Instant(step)*day }
func hammerClock(version int) waybill.Instant { return hammerTime(version) }

// hammerHorizon is the first partition that is certainly kept at a version.
func hammerHorizon(version int) waybill.Instant {
	return (hammerClock(version) - hammerKeep) / hammerPartition
}

// A hammerStep is one of events, settings and the wait for all marks. After it an
// erasure may begin, which goes on during the next steps.
type hammerStep struct {
	events   []waybill.Event
	settings []waybill.ChannelState
	settle   bool

	erase       string // recipient
	least, most int    // how many messages are erased
	join        bool   // whether an erasure must be over before this step
}

// A hammerScript is the steps, and what they make of each message.
type hammerScript struct {
	t        *testing.T
	rand     *rand.Rand
	steps    []hammerStep
	lives    []*life
	byID     map[string]*life
	settings map[waybill.ChannelNumber][]settingOf
	settles  []int // versions
	mass     []*life
	massive  int             // how many messages the mass has, with those of the step
	loaded   waybill.Instant // up to when
	flips    int             // steps until the marks have settled after some changes of all
	erasing  int             // steps until the erasure is over
	sums     []sum
	answers  [][]string // by query and version
}

func newScript(t *testing.T) *hammerScript {
	s := &hammerScript{
		t: t, rand: rand.New(rand.NewPCG(11, 12)), byID: make(map[string]*life),
		settings: make(map[waybill.ChannelNumber][]settingOf),
		sums:     make([]sum, len(hammerQueries)), answers: make([][]string, len(hammerQueries)),
		loaded: start - 3*hammerPartition,
	}
	for _, c := range hammerChannels {
		s.settings[c.Number] = []settingOf{{0, c.MetricsEnabled}}
	}
	for i := range s.sums {
		s.sums[i] = make(sum)
	}
	s.answer()
	return s
}

// write adds step n. The last one waits for the marks.
func (s *hammerScript) write(n int, last bool) {
	step := hammerStep{}
	if s.erasing > 0 {
		s.erasing--
		step.join = s.erasing == 0 || last
	}
	kind := s.rand.IntN(20)
	if n > 1 && kind == 0 && s.flips == 0 {
		s.flips = 4 // and the last one waits
	}
	settle := s.flips == 1 || n > 1 && kind == 1 || last
	s.flips = max(s.flips-1, 0)
	switch {
	case !last && hammerHorizon(n+2) != hammerHorizon(n+1): // the next step drops what is in memory then
		step.events = s.lastReports(n, hammerHorizon(n+2))
	case settle || hammerHorizon(n+1) != hammerHorizon(n):
		step.settle = true
		s.settles = append(s.settles, n+1)
	case s.flips > 0:
		step.settings = s.flip(n + 1)
	case n > 1 && kind < 6:
		step.settings = s.newSettings(n)
		s.flips = s.rand.IntN(2) // the next step waits, or not
	default:
		step.events = s.batch(n)
	}
	s.report(n+1, step.events)
	// None while something is dropped: it would fold what a reader could find too late.
	if calm := hammerHorizon(n-3) == hammerHorizon(n+6); calm && s.erasing == 0 && n > 1 && !last && s.rand.IntN(5) == 0 {
		s.eraseAfter(&step, n+1)
	}
	s.steps = append(s.steps, step)
	s.answer()
}

// lastReports are of messages that are dropped next.
func (s *hammerScript) lastReports(n int, horizon waybill.Instant) (events []waybill.Event) {
	for _, i := range s.rand.Perm(len(s.mass)) {
		if l := s.mass[i]; l.kept(n+1) && l.part < horizon && len(events) < 10 {
			events = append(events, waybill.Event{
				Channel: hammerMass, Message: l.id, Status: waybill.StatusRead, At: hammerTime(n),
			})
		}
	}
	return events
}

// flip changes the marks of all messages. Where it comes again at once, a pass has to
// begin anew.
func (s *hammerScript) flip(version int) (changed []waybill.ChannelState) {
	for _, c := range hammerChannels {
		settings := s.settings[c.Number]
		if c.MetricsEnabled = start - 300*day; settings[len(settings)-1].enabled == c.MetricsEnabled {
			c.MetricsEnabled = waybill.Never
		}
		changed = append(changed, c)
		s.settings[c.Number] = append(settings, settingOf{version, c.MetricsEnabled})
	}
	return changed
}

// newSettings changes that of a channel, or of all.
func (s *hammerScript) newSettings(n int) (changed []waybill.ChannelState) {
	one := s.rand.IntN(len(hammerChannels) + 1)
	for i, c := range hammerChannels {
		if i != one && one < len(hammerChannels) {
			continue
		}
		switch s.rand.IntN(4) {
		case 0:
			c.MetricsEnabled = waybill.Never
		case 1:
			c.MetricsEnabled = start - 300*day
		default:
			c.MetricsEnabled = hammerTime(n) - waybill.Instant(s.rand.IntN(100))*day
		}
		changed = append(changed, c)
		s.settings[c.Number] = append(s.settings[c.Number], settingOf{n + 1, c.MetricsEnabled})
	}
	return changed
}

// batch reports of messages of the stream of the last days. Some get a campaign that
// moves all that they count. A few reports are of the mass, which grows at times.
func (s *hammerScript) batch(n int) []waybill.Event {
	events := make([]waybill.Event, 6)
	for i := range events {
		message := max(0, n*3-s.rand.IntN(18))
		e := streamEvent(s.rand, message)
		e.Message = fmt.Sprint(message)
		e.At = hammerTime(message/3) + waybill.Instant(s.rand.IntN(40_000))
		e.Labels.Set(waybill.LabelSegment, fmt.Sprint(message%4), waybill.RankVendor)
		e.Labels.Set(waybill.LabelTier, e.Message, waybill.RankVendor)
		if s.rand.IntN(2) == 0 {
			e.Recipient = fmt.Sprint("a", message/4)
		}
		events[i] = e
	}
	if n > 0 {
		for range 3 {
			events = append(events, s.lateReport(n))
		}
	}
	for hammerTime(n) >= s.loaded+hammerPartition {
		events = append(events, s.load(s.loaded)...)
		s.loaded += hammerPartition
	}
	return events
}

// load returns the first reports of messages of 28 days.
func (s *hammerScript) load(from waybill.Instant) []waybill.Event {
	events := make([]waybill.Event, hammerLoad)
	for i := range events {
		k := s.massive + i
		e := waybill.Event{
			Channel: hammerMass, Message: fmt.Sprint("b", k), Recipient: fmt.Sprint("r", k/5),
			Status: waybill.Status(s.rand.IntN(int(waybill.StatusRead) + 1)),
			At:     from + waybill.Instant(i)*hammerPartition/hammerLoad,
		}
		for _, l := range []waybill.Label{waybill.LabelSender, waybill.LabelTemplate, waybill.LabelTier} {
			e.Labels.Set(l, e.Message, waybill.RankVendor)
		}
		events[i] = e
	}
	s.massive += len(events)
	return events
}

// lateReport is of a message of the mass that is not dropped yet.
func (s *hammerScript) lateReport(n int) waybill.Event {
	l := s.mass[s.rand.IntN(len(s.mass))]
	for l.events[0].At < hammerTime(n)-80*day {
		l = s.mass[s.rand.IntN(len(s.mass))]
	}
	e := streamEvent(s.rand, 0)
	e.Channel, e.Message, e.Recipient, e.Labels = l.channel, l.id, "late", waybill.Labels{}
	e.At = min(hammerTime(n), l.events[0].At+waybill.Instant(s.rand.IntN(3*day)))
	return e
}

// eraseAfter begins to erase a recipient of messages of which no new ones come, when
// a version is made.
func (s *hammerScript) eraseAfter(step *hammerStep, version int) {
	const during = 3 // steps
	l := s.lives[s.rand.IntN(len(s.lives))]
	now := l.names[len(l.names)-1]
	if now.recipient == "" || l.channel != hammerMass && l.versions[0] > version-20 {
		return
	}
	step.erase, s.erasing = now.recipient, during
	for _, l := range s.lives {
		old := &l.names[len(l.names)-1]
		if old.recipient != step.erase {
			continue
		}
		step.most++
		if l.kept(version + during) {
			step.least++
		}
		old.to = version + during - 1
		l.names = append(l.names, nameOf{from: version, to: never})
	}
}
