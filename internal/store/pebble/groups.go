package pebble

import (
	"slices"
	"strconv"

	"waybill"
)

// groups are what a query breaks its counts down to. A group is told by numbers of
// texts, so that the same group of several channels is one.
type groups struct {
	q        *waybill.Query
	byDetail bool
	texts    []string          // of the version, and the categories of the query
	category map[string]uint32 // numbers of those
	numbers  map[groupKey]int32
	keys     []groupKey
	values   [][]string // by group: the key of its points

	inOrder groupOrder // stale where it has too few
}

// A groupKey holds what tells the groups of a query apart. What is not grouped by
// is 0.
type groupKey [waybill.NumLabels + 5]uint32

const (
	groupKind    = waybill.NumLabels
	groupChannel = waybill.NumLabels + 1
	groupDetail  = waybill.NumLabels + 2 // three numbers
)

const (
	undecided = 0 // groups start at 1
	dropped   = -1
)

func newGroups(q *waybill.Query, v *version) *groups {
	gs := &groups{
		q: q, byDetail: slices.Contains(q.GroupBy, waybill.DimDetail),
		texts: v.texts[:len(v.texts):len(v.texts)], category: make(map[string]uint32),
		numbers: make(map[groupKey]int32), keys: make([]groupKey, 1), values: make([][]string, 1),
	}
	for _, category := range q.Categories {
		if _, ok := gs.category[category]; ok || category == "" {
			continue
		}
		n, ok := v.s.texts.lookup(category)
		if !ok || uint64(n) >= uint64(len(v.texts)) {
			n = uint32(len(gs.texts))
			gs.texts = append(gs.texts, category)
		}
		gs.category[category] = n
	}
	return gs
}

// A groupOrder has groups in the order of their keys. It never changes.
type groupOrder struct {
	order  []int32
	rank   []int32    // by group: its place in order
	values [][]string // by group: the key of its points
}

// order returns all groups that are known.
func (gs *groups) order() groupOrder {
	if o := &gs.inOrder; len(o.values) < len(gs.values) {
		o.values = gs.values
		o.order, o.rank = make([]int32, len(gs.values)-1), make([]int32, len(gs.values))
		for i := range o.order {
			o.order[i] = int32(i + 1)
		}
		slices.SortFunc(o.order, func(x, y int32) int { return slices.Compare(o.values[x], o.values[y]) })
		for i, g := range o.order {
			o.rank[g] = int32(i)
		}
	}
	return gs.inOrder
}

// A grouping finds the group of each tuple of a channel. What the query asks of a
// tuple is decided once.
type grouping struct {
	*groups
	channel waybill.ChannelNumber
	view    view
	filters []filter
	groupOf []int32 // by ref; see undecided and dropped
	details map[detailGroup]int32
	scratch *scratch
}

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

// of returns the grouping of a channel, which lasts until the next one.
func (gs *groups) of(c waybill.ChannelNumber, v view, mem *scratch) *grouping {
	g := &grouping{
		groups: gs, channel: c, view: v,
		groupOf: mem.undecided(len(v.tuples)),
		details: make(map[detailGroup]int32),
		scratch: mem,
	}
	for _, f := range gs.q.Where {
		values := make(map[string]bool, len(f.Values))
		for _, value := range f.Values {
			values[value] = true
		}
		g.filters = append(g.filters, filter{f.By, values, make([]int8, len(g.texts))})
	}
	return g
}

// group returns the group in which a cell counts, or dropped.
func (g *grouping) group(ref, detail uint32) int32 {
	if n := g.groupOf[ref]; n != undecided && !g.byDetail && detail == 0 {
		return n
	}
	return g.find(ref, detail)
}

func (g *grouping) find(ref, detail uint32) int32 {
	if g.byDetail == (detail == 0) {
		return dropped
	}
	n := g.groupOf[ref]
	if n == undecided {
		n = g.decide(ref)
		g.groupOf[ref] = n
		g.scratch.decided = append(g.scratch.decided, ref)
	}
	if n == dropped || !g.byDetail {
		return n
	}
	k := detailGroup{n, detail}
	d, ok := g.details[k]
	if !ok {
		key, of := g.keys[n], g.view.details[detail]
		key[groupDetail], key[groupDetail+1], key[groupDetail+2] = of.code, of.button, of.text
		d = g.number(key)
		g.details[k] = d
	}
	return d
}

func (g *grouping) decide(ref uint32) int32 {
	t := g.view.tuples[ref]
	if g.q.Collected && !t.collected() {
		return dropped
	}
	if template := t.values[waybill.LabelTemplate]; template != 0 && t.values[waybill.LabelCategory] == 0 {
		t.values[waybill.LabelCategory] = g.category[g.q.CategoryOf(waybill.TemplateRef{
			Channel: g.channel, Template: g.texts[template], Language: g.texts[t.values[waybill.LabelLanguage]],
		})]
	}
	kind := g.view.tuples[ref].kind() // which a category of the query does not change
	for i := range g.filters {
		if !g.filters[i].passes(g.texts, &t, kind) {
			return dropped
		}
	}
	var key groupKey
	for _, d := range g.q.GroupBy {
		switch {
		case d < waybill.NumLabels:
			key[d] = t.values[d]
		case d == waybill.DimKind:
			key[groupKind] = uint32(kind)
		case d == waybill.DimChannel:
			key[groupChannel] = uint32(g.channel)
		}
	}
	return g.number(key)
}

func (f *filter) passes(texts []string, t *tuple, kind waybill.Kind) bool {
	if f.by == waybill.DimKind {
		return f.values[kind.String()]
	}
	n := t.values[f.by]
	if f.verdicts[n] == 0 {
		f.verdicts[n] = -1
		if f.values[texts[n]] {
			f.verdicts[n] = 1
		}
	}
	return f.verdicts[n] > 0
}

func (g *grouping) number(key groupKey) int32 {
	n, ok := g.numbers[key]
	if !ok {
		n = int32(len(g.keys))
		g.numbers[key] = n
		g.keys = append(g.keys, key)
		g.values = append(g.values, g.pointKey(&key))
	}
	return n
}

// pointKey returns the values of the dimensions of a group.
func (g *grouping) pointKey(k *groupKey) []string {
	key := make([]string, len(g.q.GroupBy))
	for i, d := range g.q.GroupBy {
		switch d {
		case waybill.DimKind:
			key[i] = waybill.Kind(k[groupKind]).String()
		case waybill.DimChannel:
			key[i] = strconv.FormatUint(uint64(k[groupChannel]), 10)
		case waybill.DimDetail:
			of := detail{k[groupDetail], k[groupDetail+1], k[groupDetail+2]}
			key[i] = of.detail(g.texts).Key()
		default:
			key[i] = g.texts[k[d]]
		}
	}
	return key
}
