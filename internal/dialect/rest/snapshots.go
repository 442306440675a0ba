package rest

import (
	"context"

	"waybill"
	"waybill/internal/dialect"
	"waybill/internal/ndjson"
)

// shownSnapshot is a snapshot as this API answers it.
type shownSnapshot struct {
	At string `json:"at"`
	counts
}

// series is the history of a segment that is counted outside.
type series struct {
	Channel   string          `json:"channel"`
	Segment   string          `json:"segment"`
	Snapshots []shownSnapshot `json:"snapshots"` // by time
}

// snapshots answers the snapshots of a segment, those from one time to before
// another.
func (a *API) snapshots(ctx context.Context, c *call) (any, error) {
	ch, err := a.channelOf(c)
	if err != nil {
		return nil, err
	}
	values, err := dialect.Parameters(c.Request, "from", "to")
	if err != nil {
		return nil, err
	}
	from, err := dialect.Moment(values, "from", 0)
	if err != nil {
		return nil, err
	}
	to, err := dialect.Moment(values, "to", int64(waybill.MaxInstant)*1000)
	if err != nil {
		return nil, err
	}
	if to <= from {
		return nil, waybill.Errorf(waybill.Invalid, "the range ends at %d, not after its start %d", to, from)
	}
	found, err := a.opt.Store.Snapshots(ctx, ch.Number, c.values["id"], notBefore(from), notBefore(to))
	if err != nil {
		return nil, segmentError(c, err)
	}
	answer := series{Channel: ch.ID, Segment: c.values["id"], Snapshots: make([]shownSnapshot, 0, len(found))}
	for i := range found {
		answer.Snapshots = append(answer.Snapshots, shownSnapshot{instant(found[i].At), newCounts(found[i].Counts)})
	}
	return answer, nil
}

// notBefore returns the first instant that is not before a time in milliseconds.
func notBefore(ms int64) waybill.Instant { return waybill.Instant((ms + 999) / 1000) }

// postSnapshots keeps what was counted of a segment outside, in parts.
func (a *API) postSnapshots(ctx context.Context, c *call) (any, error) {
	if _, err := dialect.Parameters(c.Request); err != nil {
		return nil, err
	}
	ch, standing, err := a.segmentOf(ctx, c)
	if err != nil {
		return nil, err
	}
	if standing.Segment.Source != waybill.FromSnapshots {
		return nil, waybill.Errorf(waybill.Conflict, "the source of segment %s is %s, so it has no snapshots",
			cut(standing.Segment.ID), standing.Segment.Source)
	}
	f := snapshotFormat()
	body, err := readObjects(ctx, c, f)
	if err != nil {
		return nil, err
	}
	var answer imported
	var part []waybill.Snapshot
	keep := func() error {
		if len(part) == 0 {
			return nil
		}
		err := a.opt.Store.PutSnapshots(ctx, part)
		part = part[:0]
		return err
	}
	err = f.Each(body, func(line int, text []byte) error {
		answer.Received++
		n, err := parseSnapshot(f, text, ch.Number, standing.Segment.ID, a.opt.Now())
		if err != nil {
			answer.reject(ndjson.Rejection{Line: line, Error: err.Error()})
			return nil
		}
		if part = append(part, n); len(part) == maxPart {
			return keep()
		}
		return nil
	})
	if err == nil {
		err = keep()
	}
	if err != nil {
		return nil, segmentError(c, err)
	}
	return answer.done(), nil
}
