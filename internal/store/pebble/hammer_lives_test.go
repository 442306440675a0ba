package pebble_test

import (
	"maps"
	"slices"
	"sort"

	"waybill"
	"waybill/internal/store/storetest"
)

// A life is what becomes of a message. Its ID is a label of it, too.
type life struct {
	channel waybill.ChannelNumber
	id      string
	part    waybill.Instant // in which partition it lies
	names   []nameOf

	events    []waybill.Event
	counted   int               // how many of them the sums have
	versions  []int             // those that have new reports of it
	histories []waybill.Message // at each of them, without the mark

	// What it counts in the marked queries, and whether the questions for pages find
	// it, by version and question, if it is collected.
	points [][][]waybill.Point
	found  [][]bool
}

const never = 1 << 30 // a version

// A nameOf is what is known of a message besides what is counted, at versions up to
// the last one at which it may be seen.
type nameOf struct {
	from, to      int
	id, recipient string
}

// A settingOf is one from a version on.
type settingOf struct {
	from    int
	enabled waybill.Instant
}

// report adds events to the lives that they are of, and what these then count to
// the sums.
func (s *hammerScript) report(version int, events []waybill.Event) {
	var order []*life
	for i := range events {
		e := &events[i]
		l := s.byID[e.Message]
		if l == nil {
			l = s.begin(version, e)
		}
		if !slices.Contains(order, l) {
			order = append(order, l)
		}
		if len(l.versions) == 0 {
			l.part = min(l.part, e.At/hammerPartition)
		}
		l.events = append(l.events, *e)
		if now := &l.names[len(l.names)-1]; now.id != "" && now.recipient == "" && e.Recipient != "" {
			now.to = version - 1
			l.names = append(l.names, nameOf{version, never, l.id, e.Recipient})
		}
	}
	for _, l := range order {
		s.note(l, version)
	}
}

func (s *hammerScript) begin(version int, e *waybill.Event) *life {
	l := &life{
		channel: e.Channel, id: e.Message, part: e.At / hammerPartition,
		names: []nameOf{{version, never, e.Message, ""}},
	}
	s.lives, s.byID[l.id] = append(s.lives, l), l
	if l.channel == hammerMass {
		s.mass = append(s.mass, l)
	}
	return l
}

// note asks a model that has only this message.
func (s *hammerScript) note(l *life, version int) {
	state := hammerChannels[l.channel-1]
	state.MetricsEnabled = waybill.Never
	before, after := storetest.NewModel(), storetest.NewModel()
	configure(s.t, before, state)
	configure(s.t, after, state)
	appendAll(s.t, after, l.events)
	if len(l.versions) > 0 {
		appendAll(s.t, before, l.events[:l.counted])
	}
	l.counted = len(l.events)
	for i := range hammerQueries {
		if l.channel != hammerMass {
			s.sums[i].add(s.points(before, hammerQuery(i)), -1)
			s.sums[i].add(s.points(after, hammerQuery(i)), +1)
		}
	}
	var points [][]waybill.Point
	for i := range hammerMarked {
		q := markedQuery(i)
		q.Collected = false
		points = append(points, s.points(after, q))
	}
	var found []bool
	for i := range hammerPages {
		q := pageQuery(i)
		q.Collected = false
		page, err := after.Messages(s.t.Context(), q)
		if err != nil {
			s.t.Fatal(err)
		}
		found = append(found, len(page.Messages) > 0)
	}
	l.versions = append(l.versions, version)
	l.histories = append(l.histories, storetest.Join(state, l.events))
	l.points, l.found = append(l.points, points), append(l.found, found)
}

func (s *hammerScript) points(m *storetest.Model, q waybill.Query) []waybill.Point {
	points, err := m.Points(s.t.Context(), q)
	if err != nil {
		s.t.Fatal(err)
	}
	return points
}

// at returns which of l.versions a version has, or -1 where it has no reports of l.
func (l *life) at(version int) int { return sort.SearchInts(l.versions, version+1) - 1 }

// kept reports whether the message is certainly not dropped by then.
func (l *life) kept(version int) bool {
	return l.part >= hammerHorizon(version)
}

// marks returns which marks a message may have at a version, if its mark was right
// at another one before: that of any setting since it was last right for certain. It
// is by a report, or when the marks of all that is kept had settled.
func (s *hammerScript) marks(l *life, version, right int) (on, off bool) {
	i := l.at(version)
	since := max(right, l.versions[i])
	for n := sort.SearchInts(s.settles, version+1) - 1; n >= 0 && s.settles[n] > since; n-- {
		if l.kept(s.settles[n]) {
			since = s.settles[n]
		}
	}
	settings := s.settings[l.channel]
	for n := s.settingAt(l.channel, since); n < len(settings) && settings[n].from <= version; n++ {
		if l.collected(i, settings[n].enabled) {
			on = true
		} else {
			off = true
		}
	}
	return on, off
}

func (l *life) collected(i int, enabled waybill.Instant) bool {
	first := l.histories[i].Earliest()
	return enabled != waybill.Never && first != waybill.Never && first >= enabled
}

// settingAt returns which of the settings of a channel a version has.
func (s *hammerScript) settingAt(c waybill.ChannelNumber, version int) int {
	return sort.Search(len(s.settings[c]), func(n int) bool { return s.settings[c][n].from > version }) - 1
}

// noteMark remembers that a mark is right, where the versions at which it was seen
// have one setting. It returns whether it is.
func (s *hammerScript) noteMark(w *witness, l *life, seen, least, most int, mark bool) bool {
	n := s.settingAt(l.channel, seen)
	right := mark == l.collected(l.at(seen), s.settings[l.channel][n].enabled)
	if right && n == s.settingAt(l.channel, least) && n == s.settingAt(l.channel, most) {
		w.right[l] = least
	}
	return right
}

// A sum is the points of some messages, by their places.
type sum map[pointPlace]waybill.Point

type pointPlace struct {
	start waybill.Instant
	key   [2]string
}

func (s sum) add(points []waybill.Point, sign int64) {
	for _, p := range points {
		place := pointPlace{start: p.Bucket.Start}
		copy(place.key[:], p.Key)
		of, ok := s[place]
		if !ok {
			of = waybill.Point{Bucket: p.Bucket, Key: p.Key}
		}
		for m := range of.Counts {
			of.Counts[m] += sign * p.Counts[m]
		}
		if s[place] = of; of.Counts == (waybill.Counts{}) {
			delete(s, place)
		}
	}
}

func (s sum) points() []waybill.Point {
	return slices.SortedFunc(maps.Values(s), func(a, b waybill.Point) int { return a.Compare(&b) })
}
