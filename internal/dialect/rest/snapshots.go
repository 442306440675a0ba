package rest

import (
	"context"

	"waybill"
	"waybill/internal/ndjson"
)

// shownSnapshot is a snapshot as this API answers it.
type shownSnapshot struct {
	At string `json:"at" format:"date-time" doc:"When it was counted." example:"2025-11-20T12:00:00Z"`
	Counts
}

// snapshotSeries is the history of a segment that is counted outside.
type snapshotSeries struct {
	Channel   string          `json:"channel" doc:"ID of the channel." example:"130119"`
	Segment   string          `json:"segment" doc:"ID of the segment." example:"winter-1"`
	Snapshots []shownSnapshot `json:"snapshots" doc:"By time."`
}

type snapshotsParams struct {
	segmentPath
	From moment  `query:"from" doc:"The first time." example:"2025-11-20T00:00:00Z"`
	To   *moment `query:"to" doc:"The first time that is left out." example:"2025-11-21T00:00:00Z"`
}

// snapshots answers the snapshots of a segment, those from one time to before
// another.
func (a *API) snapshots(ctx context.Context, c *call, p *snapshotsParams) (answer snapshotSeries, err error) {
	ch, err := a.channelOf(c, p.Channel)
	if err != nil {
		return answer, err
	}
	from, to := int64(p.From), int64(waybill.MaxInstant)*1000
	if p.To != nil {
		to = int64(*p.To)
	}
	if to <= from {
		return answer, waybill.Errorf(waybill.Invalid, "the range ends at %d, not after its start %d", to, from)
	}
	found, err := a.opt.Store.Snapshots(ctx, ch.Number, p.Segment, notBefore(from), notBefore(to))
	if err != nil {
		return answer, p.explain(err)
	}
	answer = snapshotSeries{Channel: ch.ID, Segment: p.Segment, Snapshots: make([]shownSnapshot, 0, len(found))}
	for i := range found {
		answer.Snapshots = append(answer.Snapshots, shownSnapshot{instant(found[i].At), newCounts(found[i].Counts)})
	}
	return answer, nil
}

// notBefore returns the first instant that is not before a time in milliseconds.
func notBefore(ms int64) waybill.Instant { return waybill.Instant((ms + 999) / 1000) }

// postSnapshots keeps what was counted of a segment outside, in parts.
func (a *API) postSnapshots(ctx context.Context, c *call, p *segmentPath) (answer imported, err error) {
	ch, standing, err := a.segmentOf(ctx, c, p)
	if err != nil {
		return answer, err
	}
	if standing.Segment.Source != waybill.FromSnapshots {
		return answer, waybill.Errorf(waybill.Conflict, "the source of segment %s is %s, so it has no snapshots",
			cut(standing.Segment.ID), standing.Segment.Source)
	}
	f := snapshotFormat()
	body, err := readObjects(ctx, c, f)
	if err != nil {
		return answer, err
	}
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
		return answer, p.explain(err)
	}
	return answer.done(), nil
}
