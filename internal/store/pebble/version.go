package pebble

import (
	"context"

	engine "github.com/cockroachdb/pebble/v2"

	"waybill"
)

// A version is the store as it is at one moment: an iterator of the engine, which
// sees all that is folded, and what is not folded yet.
//
// The moment is one at which nobody publishes a commit, so that a reader sees all
// of a commit or nothing of it. The fold of a generation may end between a look at
// its overlay and the making of the iterator. So the fold writes the number of its
// generation with the counters, and a reader that finds it leaves that overlay out.
type version struct {
	s        *Store
	it       *engine.Iterator
	overlays []glimpse
	views    map[waybill.ChannelNumber]view // of the channels that are configured
	texts    []string
}

// A glimpse is what a version has of an overlay.
type glimpse struct {
	generation uint64
	days       map[place][]delta
	totals     *totals // of one channel
}

// A glance says what of the overlays a version is to have.
type glance struct {
	channels []waybill.ChannelNumber
	all      bool // the dictionaries of all channels
	totals   bool // those of the first channel
	basis    waybill.Basis
	from, to uint32 // days, half-open
}

// look returns a version, which the caller closes.
func (s *Store) look(ctx context.Context, g glance) (*version, error) {
	v := &version{s: s, views: make(map[waybill.ChannelNumber]view, len(g.channels))}
	if err := v.glance(ctx, &g); err != nil {
		return nil, s.readError(err)
	}
	v.texts = s.texts.all()
	f, err := v.fold()
	if err != nil {
		v.close()
		return nil, err
	}
	for len(v.overlays) > 0 && v.overlays[0].generation <= f.generation {
		v.overlays = v.overlays[1:]
	}
	return v, nil
}

func (v *version) glance(ctx context.Context, g *glance) (err error) {
	s := v.s
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.previous != nil && s.previous.overlay != nil {
		v.overlays = append(v.overlays, s.previous.overlay.glimpse(g))
	}
	v.overlays = append(v.overlays, s.overlay.glimpse(g))
	for _, c := range g.channels {
		if ch := s.channels[c]; ch != nil {
			v.views[c] = ch.view
		}
	}
	if g.all {
		for c, ch := range s.channels {
			v.views[c] = ch.view
		}
	}
	v.it, err = s.db.NewIterWithContext(ctx, nil)
	return err
}

func (o *overlay) glimpse(g *glance) glimpse {
	out := glimpse{generation: o.generation}
	if g.totals {
		if t := o.totals[g.channels[0]]; t != nil {
			taken := *t
			out.totals = &taken
			o.looks.Add(1)
		}
		return out
	}
	out.days = make(map[place][]delta)
	for _, c := range g.channels {
		for _, l := range o.visible[c] {
			if l.basis == g.basis && l.day >= g.from && l.day < g.to {
				out.days[l.place] = l.visible
			}
		}
	}
	return out
}

func (v *version) close() { v.it.Close() }

// with returns v with another iterator, which sees the same.
func (v *version) with(it *engine.Iterator) *version {
	clone := *v
	clone.it = it
	return &clone
}

// get returns the value of a key, nil where there is none. It is good until the
// next call.
func (v *version) get(key []byte) ([]byte, error) {
	v.it.SetBounds(key, append(key[:len(key):len(key)], 0))
	if !v.it.First() {
		return nil, v.s.readError(v.it.Error())
	}
	value, err := v.it.ValueAndErr()
	return value, v.s.readError(err)
}

// fold returns up to where v is folded.
func (v *version) fold() (fold, error) {
	value, err := v.get([]byte{spaceFacts, factFolded})
	if err != nil || value == nil {
		return fold{}, err
	}
	return decodeFold(value)
}

// unfolded returns what is not folded of the all-time counts of a segment.
func (v *version) unfolded(segment string) (sum waybill.Counts) {
	if n, ok := v.s.texts.lookup(segment); ok {
		for i := range v.overlays {
			sum.Add(v.overlays[i].totals.get(n))
		}
	}
	return sum
}
