package waybill

import (
	"cmp"
	"context"
	"strings"
	"time"
)

// A Segment is one send of a campaign to a set of customers. Messages belong to
// it by their label LabelSegment.
type Segment struct {
	Channel ChannelNumber
	ID      string // the value of the label

	Campaign     string
	Size         int64  // how many people it is meant for; 0 where nobody said
	Condition    string // which customers these are, in the vendor's words
	Status       string // in the vendor's words; empty where it follows from the counts
	TemplateData string // the content as the vendor has it, kept byte for byte

	// CreatedAt is when the segment was made, in milliseconds since 1970. It
	// orders the segments of a channel and never changes. Zero asks the store
	// to assign it.
	CreatedAt int64

	// Source says where the counts come from. It never changes, so that what
	// was counted twice is never added up.
	Source SegmentSource
}

// A SegmentSource says where the counts of a segment come from.
type SegmentSource uint8

// The sources.
const (
	FromLedger    SegmentSource = iota // from the messages that belong to it
	FromSnapshots                      // from counts that were reported from outside
)

var segmentSourceNames = [...]string{"ledger", "snapshots"}

func (s SegmentSource) String() string { return segmentSourceNames[s] }

// ParseSegmentSource returns the source with the given name.
func ParseSegmentSource(name string) (SegmentSource, bool) {
	for s, n := range segmentSourceNames {
		if n == name {
			return SegmentSource(s), true
		}
	}
	return 0, false
}

// Bounds of segments.
const (
	MaxTemplateData = 16 << 10 // bytes

	// MaxSegmentAhead is how far CreatedAt may lie ahead of our clock. All
	// segments that are made later come after it.
	MaxSegmentAhead = 10 * time.Minute

	MaxSegmentSize = 1<<53 - 1

	// MaxSegmentTies is how many segments of a channel may have the same
	// CreatedAt. A page is never cut between them.
	MaxSegmentTies = 1000

	// MaxSegmentPage bounds SegmentQuery.Limit.
	MaxSegmentPage = 1000

	// MaxSnapshots bounds the answer of Snapshots.
	MaxSnapshots = 10_000
)

// Validate returns an Invalid error that names the first thing wrong with s,
// with its value. now is the clock that bounds s.CreatedAt.
func (s *Segment) Validate(now time.Time) error {
	const earliest = int64(EarliestEvent) * 1000
	switch {
	case s.Channel == 0:
		return Errorf(Invalid, "channel is missing")
	case s.ID == "":
		return Errorf(Invalid, "segment is missing")
	case s.Size < 0 || s.Size > MaxSegmentSize:
		return Errorf(Invalid, "size %d is not between 0 and %d", s.Size, int64(MaxSegmentSize))
	case s.CreatedAt != 0 && s.CreatedAt < earliest:
		return Errorf(Invalid, "create_at %d is before 2015 (%d), in milliseconds", s.CreatedAt, earliest)
	case s.CreatedAt > now.Add(MaxSegmentAhead).UnixMilli():
		return Errorf(Invalid, "create_at %d is more than %s ahead of the clock", s.CreatedAt, MaxSegmentAhead)
	case int(s.Source) >= len(segmentSourceNames):
		return Errorf(Invalid, "source %d is unknown", s.Source)
	}
	if err := checkContent(s.TemplateData); err != nil {
		return err
	}
	for _, t := range []struct{ name, value string }{
		{"segment", s.ID},
		{"campaign", s.Campaign},
		{"condition", s.Condition},
		{"status", s.Status},
	} {
		if err := checkText(t.name, t.value, MaxLabel); err != nil {
			return err
		}
	}
	return nil
}

// checkContent bounds the content of a segment. Control characters, which JSON
// never has as such, would make an answer six times as long.
func checkContent(text string) error {
	control := func(r rune) bool { return r < ' ' && r != '\t' && r != '\n' && r != '\r' }
	if i := strings.IndexFunc(text, control); i >= 0 {
		return Errorf(Invalid, "template_data has the control character %q at byte %d", text[i], i)
	}
	return checkText("template_data", text, MaxTemplateData)
}

// Compare orders segments as they are listed: the newest first, of those with
// the same CreatedAt the largest ID first.
func (s *Segment) Compare(o *Segment) int {
	return cmp.Or(cmp.Compare(o.CreatedAt, s.CreatedAt), cmp.Compare(o.ID, s.ID))
}

// A Snapshot is what somebody outside counted of a segment by some time.
type Snapshot struct {
	Channel ChannelNumber
	Segment string
	At      Instant
	Counts  Counts
}

// Validate returns an Invalid error that names the first thing wrong with s,
// with its value. now is the clock that bounds s.At.
func (s *Snapshot) Validate(now time.Time) error {
	switch {
	case s.Channel == 0:
		return Errorf(Invalid, "channel is missing")
	case s.Segment == "":
		return Errorf(Invalid, "segment is missing")
	}
	if err := checkText("segment", s.Segment, MaxLabel); err != nil {
		return err
	}
	if err := checkTime(s.At, now); err != nil {
		return err
	}
	for m, n := range s.Counts {
		if n < 0 || n > MaxSegmentSize {
			return Errorf(Invalid, "%s %d is not between 0 and %d", Metric(m), n, int64(MaxSegmentSize))
		}
	}
	return nil
}

// Supersedes reports whether s stands over o where only one of them is kept: it
// is later, or of the same time and larger in the first metric in which they
// differ. So it does not matter in which order they come.
func (s *Snapshot) Supersedes(o *Snapshot) bool {
	if s.At != o.At {
		return s.At > o.At
	}
	for m := range s.Counts {
		if s.Counts[m] != o.Counts[m] {
			return s.Counts[m] > o.Counts[m]
		}
	}
	return false
}

// SegmentCounts returns the segment in which m counts and what it adds to the
// all-time counts of that segment: one for each slot of Contributions in the
// total of a metric. What was received by us is in no segment, which is told by
// an empty ID.
func (m *Message) SegmentCounts(p Provider) (id string, counts Counts) {
	id = m.Labels[LabelSegment].Value
	if id == "" || m.Kind() == KindInbound {
		return "", Counts{}
	}
	for _, slot := range m.Contributions(p, nil) {
		if slot.Basis == ByEvent && slot.Detail == (Detail{}) {
			counts[slot.Metric]++
		}
	}
	return id, counts
}

// A SegmentQuery asks for a page of the segments of a channel, the newest first.
type SegmentQuery struct {
	Channel ChannelNumber

	// From and Before bound CreatedAt, in milliseconds: the first is
	// included, the second is not. A Before of zero is no bound.
	From, Before int64

	Condition string // only segments of this condition; empty is any

	// Limit is the length of the page. It grows past it until no further
	// segment has the CreatedAt of its last one, so that the next page can
	// begin before that.
	Limit int
}

// Validate returns an Invalid error that says what is wrong with q.
func (q *SegmentQuery) Validate() error {
	switch {
	case q.Limit < 1 || q.Limit > MaxSegmentPage:
		return Errorf(Invalid, "limit %d is not between 1 and %d", q.Limit, MaxSegmentPage)
	case q.From < 0 || q.Before < 0:
		return Errorf(Invalid, "the range %d to %d begins before 1970", q.From, q.Before)
	}
	return nil
}

// A SegmentReport is a segment with its counts.
type SegmentReport struct {
	Segment Segment

	// Counts are the all-time counts of the messages of the segment, or those
	// of its latest snapshot, as its Source says.
	Counts Counts

	// At is the time of that snapshot; Never where there is none.
	At Instant
}

// A SegmentStore keeps segments and their counts. What it answers is of one
// moment: never a part of a call that changes something.
type SegmentStore interface {
	// PutSegments stores segments, or replaces those with the same ID, in one
	// atomic and durable step, and returns them as they are stored. A new one
	// without CreatedAt gets the time of the clock, or the next millisecond
	// after the latest CreatedAt of its channel if that is later: it is the
	// only one with that CreatedAt, and the newest. One that exists keeps what
	// it has.
	//
	// It fails with Invalid where a segment is not valid, its channel is not
	// configured or one is named twice, with Conflict where CreatedAt or Source
	// would change, and with TooLarge where more than MaxSegmentTies would
	// share a CreatedAt.
	//
	// Snapshots are stored in the same step, as by PutSnapshots, so that nobody
	// sees a new segment without its counts. They may be of the segments.
	PutSegments(ctx context.Context, segments []Segment, snapshots ...Snapshot) ([]Segment, error)

	// DeleteSegment removes a segment with its snapshots, or fails with
	// NotFound. Its messages stay, and count in it again once there is a
	// segment of that ID.
	DeleteSegment(ctx context.Context, channel ChannelNumber, id string) error

	// PutSnapshots stores what was counted outside, in one atomic and durable
	// step. Of the snapshots of a segment within one Quarter that one stays
	// which supersedes the others. It fails with Invalid where one is not valid,
	// with NotFound where there is no such segment, and with Conflict where the
	// counts of the segment come from the ledger.
	PutSnapshots(ctx context.Context, snapshots []Snapshot) error

	// Segment returns one segment with its counts, or NotFound.
	Segment(ctx context.Context, channel ChannelNumber, id string) (SegmentReport, error)

	// Segments answers q, in the order of Segment.Compare.
	Segments(ctx context.Context, q SegmentQuery) ([]SegmentReport, error)

	// Snapshots returns the snapshots of a segment from one instant to before
	// another, in the order of their times. More than MaxSnapshots fail with
	// TooLarge.
	Snapshots(ctx context.Context, channel ChannelNumber, id string, from, to Instant) ([]Snapshot, error)
}
