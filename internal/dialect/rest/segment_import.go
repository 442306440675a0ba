package rest

import (
	"cmp"
	"context"
	"slices"
	"time"

	"waybill"
	"waybill/internal/dialect"
	"waybill/internal/event"
	"waybill/internal/ndjson"
)

// Bounds of what is stored in one step, so that a large body does not keep the
// webhooks of others waiting.
const (
	maxPart      = 1000
	maxPartBytes = 1 << 20 // of text; the last one may pass it
)

// imported is the answer to a body of segments or snapshots.
type imported struct {
	Received int                `json:"received" doc:"Objects in the body, rejected ones too." example:"3"`
	Stored   int                `json:"stored" doc:"Those that stand now." example:"2"`
	Rejected []ndjson.Rejection `json:"rejected" doc:"By line, the first 1000."`
	Omitted  int                `json:"rejected_omitted,omitempty" doc:"How many more were rejected." example:"17"`
}

func (i *imported) reject(r ndjson.Rejection) {
	if len(i.Rejected) == ndjson.MaxRejected {
		i.Omitted++
		return
	}
	i.Rejected = append(i.Rejected, r)
}

// done returns the finished answer.
func (i *imported) done() imported {
	i.Stored = i.Received - len(i.Rejected) - i.Omitted
	i.Rejected = append([]ndjson.Rejection{}, i.Rejected...)
	return *i
}

// readObjects returns a body of objects, which is looked through once: what is
// broken such that nobody can tell where the next object begins stores nothing.
func readObjects(ctx context.Context, c *call, f *ndjson.Format) ([]byte, error) {
	if err := checkContentType(c.Header.Get("Content-Type")); err != nil {
		return nil, err
	}
	if err := dialect.Reserve(ctx, probableText(c.Request)); err != nil {
		return nil, err
	}
	body, err := dialect.ReadInflated(c.Request, maxCompressed, event.MaxBody)
	if err != nil {
		return nil, err
	}
	return body, f.Each(body, func(int, []byte) error { return nil })
}

// postSegments stores a body of segments, some with snapshots. What is wrong with
// one rejects it alone.
//
// A large body is stored in parts. Where that fails midway the answer is an
// error, and the first parts are stored nevertheless: the client sends the whole
// body again, which changes nothing twice.
func (a *API) postSegments(ctx context.Context, c *call, p *channelPath) (imported, error) {
	ch, err := a.channelOf(c, p.Channel)
	if err != nil {
		return imported{}, err
	}
	f := segmentLineFormat()
	body, err := readObjects(ctx, c, f)
	if err != nil {
		return imported{}, err
	}
	s := segmentImport{store: a.opt.Store, byID: make(map[string]*entry)}
	err = f.Each(body, func(line int, text []byte) error {
		s.answer.Received++
		if err := s.read(f, line, text, ch.Number, a.opt.Now()); err != nil {
			s.rejected = append(s.rejected, ndjson.Rejection{Line: line, Error: err.Error()})
		}
		if s.bytes += len(text); s.bytes < maxPartBytes && len(s.part)+len(s.rejected) < maxPart {
			return nil
		}
		return s.flush(ctx)
	})
	if err == nil {
		err = s.flush(ctx)
	}
	if err != nil {
		return imported{}, err
	}
	return s.answer.done(), nil
}

// A segmentImport stores segments in parts.
type segmentImport struct {
	store  waybill.SegmentStore
	answer imported

	part     []*entry
	byID     map[string]*entry  // of part
	bytes    int                // of the text of part
	rejected []ndjson.Rejection // of part
}

// An entry is one segment of a part.
type entry struct {
	draft
	lines     []int // a segment may be named again
	snapshots []waybill.Snapshot
	err       error // why it was not stored
}

// read adds the segment of a line to the part, or returns why that is none.
func (s *segmentImport) read(
	f *ndjson.Format, line int, text []byte, channel waybill.ChannelNumber, now time.Time,
) error {
	var w segmentLine
	if err := f.Decode(text, &w); err != nil {
		return err
	}
	d, snapshots, err := w.draft(channel, now)
	if err != nil {
		return err
	}
	return s.add(entry{draft: d, snapshots: snapshots, lines: []int{line}})
}

// add adds an entry. Where the part has its segment already, the later one
// stands, but for what never changes: there they must agree.
func (s *segmentImport) add(e entry) error {
	old, known := s.byID[e.ID]
	if !known {
		s.byID[e.ID] = &e
		s.part = append(s.part, &e)
		return nil
	}
	switch {
	case e.sourced && old.sourced && e.Source != old.Source:
		return waybill.Errorf(waybill.Conflict, "segment %s has the source %s on line %d", cut(e.ID), old.Source, old.lines[0])
	case e.CreatedAt != 0 && old.CreatedAt != 0 && e.CreatedAt != old.CreatedAt:
		return waybill.Errorf(waybill.Conflict, "segment %s has the create_at %d on line %d", cut(e.ID), old.CreatedAt, old.lines[0])
	}
	if !e.sourced {
		e.Source, e.sourced = old.Source, old.sourced
	}
	e.CreatedAt = cmp.Or(e.CreatedAt, old.CreatedAt)
	e.lines, e.snapshots = append(old.lines, e.lines...), append(old.snapshots, e.snapshots...)
	*old = e
	return nil
}

// flush stores the part and begins the next.
func (s *segmentImport) flush(ctx context.Context) error {
	if err := s.put(ctx, slices.Clone(s.part)); err != nil {
		return err
	}
	if err := s.putSnapshots(ctx); err != nil {
		return err
	}
	for _, e := range s.part {
		if e.err == nil {
			continue
		}
		for _, line := range e.lines {
			s.rejected = append(s.rejected, ndjson.Rejection{Line: line, Error: e.err.Error()})
		}
	}
	slices.SortFunc(s.rejected, func(x, y ndjson.Rejection) int { return cmp.Compare(x.Line, y.Line) })
	for _, r := range s.rejected {
		s.answer.reject(r)
	}
	s.part, s.rejected, s.bytes = s.part[:0], s.rejected[:0], 0
	clear(s.byID)
	return nil
}

// put stores entries in one step where possible, else without those that
// contradict what stands.
func (s *segmentImport) put(ctx context.Context, entries []*entry) error {
	err := s.putAll(ctx, entries)
	if err != nil && waybill.CodeOf(err) == waybill.Conflict {
		if entries, err = s.follow(ctx, entries); err != nil {
			return err
		}
		err = s.putAll(ctx, entries)
	}
	return s.split(ctx, entries, err)
}

func (s *segmentImport) putAll(ctx context.Context, entries []*entry) error {
	if len(entries) == 0 {
		return nil
	}
	segments := make([]waybill.Segment, 0, len(entries))
	var latest []waybill.Snapshot // so that nobody sees a new segment without counts
	for _, e := range entries {
		segments = append(segments, e.Segment)
		if len(e.snapshots) > 0 {
			latest = append(latest, slices.MaxFunc(e.snapshots, func(a, b waybill.Snapshot) int {
				return cmp.Compare(a.At, b.At)
			}))
		}
	}
	_, err := s.store.PutSegments(ctx, segments, latest...)
	return err
}

// follow returns the entries that agree with what stands.
func (s *segmentImport) follow(ctx context.Context, entries []*entry) ([]*entry, error) {
	var agreeing []*entry
	for _, e := range entries {
		standing, err := s.store.Segment(ctx, e.Channel, e.ID)
		switch {
		case err == nil:
			e.err = e.draft.follow(&standing.Segment)
		case waybill.CodeOf(err) != waybill.NotFound:
			return nil, err
		}
		if e.err == nil {
			agreeing = append(agreeing, e)
		}
	}
	return agreeing, nil
}

// split stores in halves what could not be stored at once because of err, until
// it is known which entries were the reason.
func (s *segmentImport) split(ctx context.Context, entries []*entry, err error) error {
	switch {
	case err == nil || !dialect.Refused(err):
		return err
	case len(entries) == 1:
		entries[0].err = err
		return nil
	}
	// Too many of one time are a reason. They stay together, and few halves
	// have them.
	slices.SortStableFunc(entries, func(x, y *entry) int { return cmp.Compare(x.CreatedAt, y.CreatedAt) })
	middle := len(entries) / 2
	for _, half := range [][]*entry{entries[:middle], entries[middle:]} {
		if err := s.split(ctx, half, s.putAll(ctx, half)); err != nil {
			return err
		}
	}
	return nil
}

// putSnapshots stores all snapshots of the entries that are stored with their latest
// one. One is refused only where somebody has just deleted its segment.
func (s *segmentImport) putSnapshots(ctx context.Context) error {
	var snapshots []waybill.Snapshot
	for _, e := range s.part {
		if e.err == nil && len(e.snapshots) > 1 {
			snapshots = append(snapshots, e.snapshots...)
		}
	}
	for step := range slices.Chunk(snapshots, maxPart) {
		err := s.store.PutSnapshots(ctx, step)
		switch {
		case err == nil:
			continue
		case !dialect.Refused(err):
			return err
		}
		for i, n := range step {
			if err := s.store.PutSnapshots(ctx, step[i:i+1]); err != nil && !dialect.Refused(err) {
				return err
			} else if err != nil {
				s.byID[n.Segment].err = err
			}
		}
	}
	return nil
}
