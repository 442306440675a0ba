package storetest

import (
	"slices"

	"pgregory.net/rapid"

	"waybill"
)

// segmentWords are the few IDs of segments in random histories.
var segmentWords = []string{"a", "b", "c"}

// putSegment puts a segment whose time may be that of another, or is assigned.
func (h *history) putSegment(t *rapid.T) {
	g := waybill.Segment{
		Channel:   rapid.SampledFrom(historyChannels).Draw(t, "channel"),
		ID:        rapid.SampledFrom(segmentWords).Draw(t, "segment"),
		Condition: rapid.SampledFrom([]string{"", "x", "y"}).Draw(t, "condition"),
		CreatedAt: rapid.SampledFrom([]int64{0, base, base, base + 1}).Draw(t, "created"),
		Source:    waybill.SegmentSource(rapid.IntRange(0, 1).Draw(t, "source")),
		Size:      int64(rapid.IntRange(0, 3).Draw(t, "size")),
	}
	stored, err := h.store.PutSegments(t.Context(), []waybill.Segment{g})
	if err == nil {
		g.CreatedAt = stored[0].CreatedAt // which the clock may have decided
	}
	if _, want := h.model.PutSegments(t.Context(), []waybill.Segment{g}); code(err) != code(want) {
		t.Errorf("PutSegments of %+v fails with %v, the model with %v", g, err, want)
	}
}

func (h *history) deleteSegment(t *rapid.T) {
	c := rapid.SampledFrom(historyChannels).Draw(t, "channel")
	id := rapid.SampledFrom(segmentWords).Draw(t, "segment")
	err, want := h.store.DeleteSegment(t.Context(), c, id), h.model.DeleteSegment(t.Context(), c, id)
	if code(err) != code(want) {
		t.Errorf("DeleteSegment fails with %v, the model with %v", err, want)
	}
}

func (h *history) putSnapshot(t *rapid.T) {
	n := waybill.Snapshot{
		Channel: rapid.SampledFrom(historyChannels).Draw(t, "channel"),
		Segment: rapid.SampledFrom(segmentWords).Draw(t, "segment"),
		At:      instants.Draw(t, "at"),
	}
	n.Counts[waybill.Sent] = int64(rapid.IntRange(0, 2).Draw(t, "sent"))
	batch := []waybill.Snapshot{n}
	err, want := h.store.PutSnapshots(t.Context(), batch), h.model.PutSnapshots(t.Context(), batch)
	if code(err) != code(want) {
		t.Errorf("PutSnapshots fails with %v, the model with %v", err, want)
	}
}

func (h *history) listSegments(t *rapid.T) {
	q := waybill.SegmentQuery{
		Channel:   rapid.SampledFrom(historyChannels).Draw(t, "channel"),
		Condition: rapid.SampledFrom([]string{"", "", "x", "y"}).Draw(t, "condition"),
		From:      rapid.SampledFrom([]int64{0, base + 1}).Draw(t, "from"),
		Before:    rapid.SampledFrom([]int64{0, base + 1}).Draw(t, "before"),
		Limit:     rapid.IntRange(1, 4).Draw(t, "limit"),
	}
	h.wantModelSegments(q)
}

// wantModelSegments compares a page of segments, and the snapshots of each, with
// those of the model.
func (h *history) wantModelSegments(q waybill.SegmentQuery) {
	want, err := h.model.Segments(h.Context(), q)
	if err != nil {
		h.Fatal(err)
	}
	if got := h.segments(q); !slices.Equal(got, want) {
		h.Errorf("segments of %+v are\n\t%+v, want\n\t%+v", q, got, want)
	}
	for _, r := range want {
		c, id := r.Segment.Channel, r.Segment.ID
		want, _ := h.model.Snapshots(h.Context(), c, id, waybill.EarliestEvent, waybill.MaxInstant)
		got, err := h.store.Snapshots(h.Context(), c, id, waybill.EarliestEvent, waybill.MaxInstant)
		if err != nil || !slices.Equal(got, want) {
			h.Errorf("snapshots of %s are\n\t%+v, %v, want\n\t%+v", id, got, err, want)
		}
	}
}
