package pebble

import (
	"maps"
	"testing"

	"pgregory.net/rapid"

	"waybill"
)

// TestTotalsStayAsTheyWereTaken adds to totals and takes them, in any order. What
// was taken keeps showing what there was.
func TestTotalsStayAsTheyWereTaken(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type taken struct {
			glimpse
			want map[uint32]waybill.Counts
		}
		o := newOverlay(1)
		model := make(map[uint32]waybill.Counts)
		looks := []taken{{o.glimpse(&glance{channels: []waybill.ChannelNumber{1}, totals: true}), maps.Clone(model)}}
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			if rapid.Bool().Draw(t, "take") {
				g := o.glimpse(&glance{channels: []waybill.ChannelNumber{1}, totals: true})
				looks = append(looks, taken{g, maps.Clone(model)})
				continue
			}
			n := waybill.Counts{int64(rapid.IntRange(-1, 3).Draw(t, "count"))}
			segment := rapid.Uint32Range(0, 3).Draw(t, "segment") * uint32(len(totals{})) / 2
			o.addTotal(1, segment, &n)
			sum := model[segment]
			sum.Add(n)
			model[segment] = sum
		}
		for i, look := range looks {
			for segment := range model {
				if got := look.totals.get(segment); got != look.want[segment] {
					t.Errorf("look %d has %v of segment %d, want %v", i, got, segment, look.want[segment])
				}
			}
			if got := maps.Collect(look.totals.each()); !maps.Equal(got, look.want) {
				t.Errorf("look %d has %v in all, want %v", i, got, look.want)
			}
		}
	})
}
