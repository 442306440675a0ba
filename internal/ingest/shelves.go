package ingest

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"waybill"
)

// A place is what Parking remembers of a body: all but its bytes.
type place struct {
	under    string // the prefix of its key
	sequence uint64
	received waybill.Instant
	bytes    int64
}

func (p place) key() string { return fmt.Sprintf("%s%016x", p.under, p.sequence) }

func (p place) dialect() string {
	dialect, _, _ := strings.Cut(strings.TrimPrefix(p.under, parkedPrefix), "/")
	return dialect
}

// A shelf holds the places of one prefix, ordered by sequence.
type shelf struct {
	places []place
	bytes  int64
}

// shelves is what is parked, and by whom. Its sums are right even where two
// remove the same body.
type shelves struct {
	bytes int64
	by    map[string]*shelf // by prefix
	of    map[string]int64  // bytes by signer account, as parent has it
}

// add takes places with ascending sequences.
func (s *shelves) add(p place) {
	if s.by[p.under] == nil {
		s.by[p.under] = new(shelf)
	}
	own := s.by[p.under]
	own.places = append(own.places, p)
	own.bytes += p.bytes
	s.of[parent(p.under)] += p.bytes
	s.bytes += p.bytes
}

// remove reports whether p was there.
func (s *shelves) remove(p place) bool {
	own := s.by[p.under]
	if own == nil {
		return false
	}
	i, found := slices.BinarySearchFunc(own.places, p.sequence, func(p place, sequence uint64) int {
		return cmp.Compare(p.sequence, sequence)
	})
	if !found {
		return false
	}
	bytes := own.places[i].bytes
	own.places = slices.Delete(own.places, i, i+1)
	own.bytes -= bytes
	s.bytes -= bytes
	if len(own.places) == 0 {
		delete(s.by, p.under)
	}
	account := parent(p.under)
	if s.of[account] -= bytes; s.of[account] == 0 {
		delete(s.of, account)
	}
	return true
}

// before returns the places of bodies that were received before horizon.
func (s *shelves) before(horizon waybill.Instant) []place {
	var old []place
	for _, under := range slices.Sorted(maps.Keys(s.by)) {
		for _, p := range s.by[under].places {
			if p.received < horizon {
				old = append(old, p)
			}
		}
	}
	return old
}
