package pebble

import (
	"context"
	"maps"
	"slices"
	"strconv"

	engine "github.com/cockroachdb/pebble/v2"

	"waybill"
)

// Points implements waybill.Store.
func (s *Store) Points(ctx context.Context, q waybill.Query) ([]waybill.Point, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.leave()
	if err := q.Validate(); err != nil {
		return nil, err
	}
	it, err := s.db.NewIterWithContext(ctx, nil)
	if err != nil {
		return nil, s.readError(err)
	}
	defer it.Close()
	series := waybill.NewSeries(q)
	for i, c := range q.Channels {
		// The view comes after the iterator, so that it has all its words.
		_, v, ok := s.lookup(c)
		if !ok || slices.Contains(q.Channels[:i], c) {
			continue
		}
		if err := s.addChannel(ctx, it, newTally(series, &q, c, v)); err != nil {
			return nil, err
		}
	}
	return series.Points(), nil
}

// addChannel adds the cells of one channel to its tally.
func (s *Store) addChannel(ctx context.Context, it *engine.Iterator, t *tally) error {
	from, to := t.q.Quarters()
	err := s.scanRange(ctx, it,
		appendCellsKey(nil, t.channel, t.q.Basis, from),
		appendCellsKey(nil, t.channel, t.q.Basis, to),
		func(key, value []byte) error { return t.addList(quarterOf(key), value) })
	if err != nil {
		return err
	}
	return t.flush()
}

// A tally adds the cells of one channel, bucket by bucket, to a series. What the
// query asks of a tuple is decided once for each tuple.
type tally struct {
	series  *waybill.Series
	q       *waybill.Query
	channel waybill.ChannelNumber
	view    view

	byDetail bool
	filters  []filter
	texts    []string          // of the view, and the categories of the query
	category map[string]uint32 // numbers of those in texts
	groups   map[groupKey]int32
	keys     []groupKey
	groupOf  []int32 // by tuple ref; see undecided and dropped
	details  map[detailGroup]int32

	bucket  waybill.Bucket
	quarter waybill.Quarter  // of the bucket
	counts  []waybill.Counts // by group
	values  [][]string       // by group: what t.key returned, once asked
	touched []int32
}

const (
	undecided = 0 // groups start at 1
	dropped   = -1
)

// A groupKey holds what tells the groups of a query apart: numbers of texts, the
// kind, and the ref of the detail. What is not grouped by is 0.
type groupKey [waybill.NumLabels + 2]uint32

const (
	groupKind   = waybill.NumLabels
	groupDetail = waybill.NumLabels + 1
)

type detailGroup struct {
	group  int32
	detail uint32
}

// A filter is a filter of a query and its verdict on each text, once known.
type filter struct {
	by       waybill.Dimension
	values   map[string]bool
	verdicts []int8 // by number of text; 0 is unknown
}

func newTally(s *waybill.Series, q *waybill.Query, c waybill.ChannelNumber, v view) *tally {
	t := &tally{
		series: s, q: q, channel: c, view: v,
		byDetail: slices.Contains(q.GroupBy, waybill.DimDetail),
		texts:    v.texts[:len(v.texts):len(v.texts)],
		category: make(map[string]uint32),
		groups:   make(map[groupKey]int32),
		keys:     make([]groupKey, 1),
		groupOf:  make([]int32, len(v.tuples)),
		details:  make(map[detailGroup]int32),
		counts:   make([]waybill.Counts, 1),
		values:   make([][]string, 1),
	}
	for ref, category := range q.Categories {
		if ref.Channel == c {
			t.nameCategory(category)
		}
	}
	for _, f := range q.Where {
		values := make(map[string]bool, len(f.Values))
		for _, value := range f.Values {
			values[value] = true
		}
		t.filters = append(t.filters, filter{f.By, values, make([]int8, len(t.texts))})
	}
	return t
}

// nameCategory numbers a category that the query brings along. The view may have
// the same text under another number: the groups of the two meet in the series.
func (t *tally) nameCategory(category string) {
	if _, ok := t.category[category]; !ok && category != "" {
		t.category[category] = uint32(len(t.texts))
		t.texts = append(t.texts, category)
	}
}

// addList adds a list of cells, of a quarter not before the previous one.
func (t *tally) addList(at waybill.Quarter, list []byte) error {
	if b := t.series.BucketOf(at); b != t.bucket {
		if err := t.flush(); err != nil {
			return err
		}
		t.bucket, t.quarter = b, at
	}
	es := readEntries(list)
	for e := (entry{}); es.next(&e); {
		if !t.view.has(&e) {
			return errCells
		}
		if t.byDetail == (e.detail == 0) {
			continue
		}
		if g := t.group(&e); g != dropped {
			if t.counts[g] == (waybill.Counts{}) {
				t.touched = append(t.touched, g)
			}
			t.counts[g].Add(e.counts)
		}
	}
	return es.err()
}

// flush adds the counts of the bucket to the series.
func (t *tally) flush() error {
	slices.Sort(t.touched)
	for _, g := range slices.Compact(t.touched) {
		if t.counts[g] == (waybill.Counts{}) {
			continue
		}
		if err := t.series.Add(t.quarter, t.key(g), t.counts[g]); err != nil {
			return err
		}
		t.counts[g] = waybill.Counts{}
	}
	t.touched = t.touched[:0]
	return nil
}

// group returns the group in which e counts, or dropped.
func (t *tally) group(e *entry) int32 {
	g := t.groupOf[e.tuple]
	if g == undecided {
		g = t.decide(e.tuple)
		t.groupOf[e.tuple] = g
	}
	if g == dropped || !t.byDetail {
		return g
	}
	k := detailGroup{g, e.detail}
	d, ok := t.details[k]
	if !ok {
		key := t.keys[g]
		key[groupDetail] = e.detail
		d = t.numberOf(key)
		t.details[k] = d
	}
	return d
}

func (t *tally) decide(ref uint32) int32 {
	tup := t.view.tuples[ref]
	if t.q.Collected && !tup.collected {
		return dropped
	}
	if template := tup.values[waybill.LabelTemplate]; template != 0 && tup.values[waybill.LabelCategory] == 0 {
		tup.values[waybill.LabelCategory] = t.category[t.q.CategoryOf(waybill.TemplateRef{
			Channel: t.channel, Template: t.texts[template], Language: t.texts[tup.values[waybill.LabelLanguage]],
		})]
	}
	for i := range t.filters {
		if !t.filters[i].passes(t.texts, &tup) {
			return dropped
		}
	}
	var key groupKey
	for _, d := range t.q.GroupBy {
		switch {
		case d < waybill.NumLabels:
			key[d] = tup.values[d]
		case d == waybill.DimKind:
			key[groupKind] = uint32(tup.kind)
		}
	}
	return t.numberOf(key)
}

func (f *filter) passes(texts []string, tup *tuple) bool {
	if f.by == waybill.DimKind {
		return f.values[tup.kind.String()]
	}
	n := tup.values[f.by]
	if f.verdicts[n] == 0 {
		f.verdicts[n] = -1
		if f.values[texts[n]] {
			f.verdicts[n] = 1
		}
	}
	return f.verdicts[n] > 0
}

func (t *tally) numberOf(key groupKey) int32 {
	g, ok := t.groups[key]
	if !ok {
		g = int32(len(t.keys))
		t.groups[key] = g
		t.keys = append(t.keys, key)
		t.counts = append(t.counts, waybill.Counts{})
		t.values = append(t.values, nil)
	}
	return g
}

// key returns the values of the dimensions of group g.
func (t *tally) key(g int32) []string {
	if t.values[g] != nil {
		return t.values[g]
	}
	key := make([]string, len(t.q.GroupBy))
	for i, d := range t.q.GroupBy {
		switch d {
		case waybill.DimKind:
			key[i] = waybill.Kind(t.keys[g][groupKind]).String()
		case waybill.DimChannel:
			key[i] = strconv.FormatUint(uint64(t.channel), 10)
		case waybill.DimDetail:
			key[i] = detailKey(t.view.details[t.keys[g][groupDetail]])
		default:
			key[i] = t.texts[t.keys[g][d]]
		}
	}
	t.values[g] = key
	return key
}

func detailKey(d waybill.Detail) string {
	if d.Code != "" {
		return d.Code
	}
	return d.Button.Type + "\x00" + d.Button.Text
}

// Values implements waybill.Store.
func (s *Store) Values(
	ctx context.Context, c waybill.ChannelNumber, l waybill.Label,
) ([]string, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.leave()
	if l >= waybill.NumLabels {
		return nil, waybill.Errorf(waybill.Invalid, "label %d is unknown", l)
	}
	_, v, _ := s.lookup(c)
	seen := make(map[uint32]bool)
	for i := range v.tuples {
		seen[v.tuples[i].values[l]] = true
	}
	delete(seen, 0) // absent
	values := make([]string, 0, len(seen))
	for n := range maps.Keys(seen) {
		values = append(values, v.texts[n])
	}
	slices.Sort(values)
	return values, nil
}
