package telemetry

import (
	"maps"
	"sync"
	"sync/atomic"
)

// labels are the values of up to three labels, in the order of their family.
type labels [3]string

const (
	maxLabelBytes = 64
	// maxRest is how many series of the rest there are, at most.
	maxRest = 30

	otherLabel  = "other"
	absentLabel = "none"
)

// A family is a set of series that differ in their labels, made on first use.
// They are few and soon all made, so that finding one takes no lock.
type family[S any] struct {
	open func(labels) S

	// limit is how many combinations of labels are told apart. A word that a
	// caller can choose must not fill the memory of whoever scrapes.
	limit int

	// rest returns the labels under which those count that come too late.
	rest func(labels) labels

	mu     sync.Mutex // for who makes one
	series atomic.Pointer[map[labels]S]
}

func newFamily[S any](limit int, rest func(labels) labels, open func(labels) S) *family[S] {
	f := &family[S]{open: open, limit: limit, rest: rest}
	f.series.Store(&map[labels]S{})
	return f
}

// of returns the series of v. Once there are too many, new ones are those of rest;
// and where even these are many, one for all.
func (f *family[S]) of(v labels) S {
	for i, s := range v {
		if s == "" {
			v[i] = absentLabel
		}
	}
	if s, ok := (*f.series.Load())[v]; ok {
		return s
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	series := *f.series.Load()
	clean := v.clean()
	if s, ok := series[clean]; ok {
		return s
	}
	if len(series) >= f.limit {
		clean = f.rest(clean)
		if len(series) >= f.limit+maxRest {
			clean = labels{otherLabel, otherLabel, otherLabel}
		}
		if s, ok := series[clean]; ok {
			return s
		}
	}
	s := f.open(clean)
	series = maps.Clone(series)
	series[clean] = s
	f.series.Store(&series)
	return s
}

// clean returns v with every value fit for a label.
func (v labels) clean() labels {
	for i, s := range v {
		v[i] = cleanLabel(s)
	}
	return v
}

func cleanLabel(s string) string {
	if len(s) > maxLabelBytes {
		return otherLabel
	}
	for _, c := range []byte(s) {
		if c < ' ' || c > '~' || c == '"' || c == '\\' {
			return otherLabel
		}
	}
	return s
}
