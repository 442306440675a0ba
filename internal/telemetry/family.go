package telemetry

import (
	"maps"
	"sync"
	"sync/atomic"
)

// labels are the values of up to three labels, in the order of their family.
type labels [3]string

const (
	// maxSeries is how many combinations of labels a family tells apart. It
	// is a backstop: a word that a caller can choose must not fill the
	// memory of whoever scrapes.
	maxSeries = 500

	maxLabelBytes = 64
	otherLabel    = "other"
	absentLabel   = "none"
)

// A family is a set of series that differ in their labels, made on first use.
// They are few and soon all made, so that finding one takes no lock.
type family[S any] struct {
	open func(labels) S

	mu     sync.Mutex // for who makes one
	series atomic.Pointer[map[labels]S]
}

func newFamily[S any](open func(labels) S) *family[S] {
	f := &family[S]{open: open}
	f.series.Store(&map[labels]S{})
	return f
}

// of returns the series of v. Once there are too many, all new ones are the same
// "other".
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
	if len(series) >= maxSeries {
		clean = labels{otherLabel, otherLabel, otherLabel}
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
