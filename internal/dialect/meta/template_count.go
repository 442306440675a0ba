package meta

import (
	"cmp"
	"slices"
	"strings"

	"waybill"
)

// A templateCount collects the points of templates.
type templateCount struct {
	names templateNames
	asked map[string]bool // IDs; empty means all
	lite  bool
	days  map[templateDay]*templateSum
}

type templateDay struct {
	day waybill.Bucket
	id  string
}

type templateSum struct {
	counts waybill.Counts
	clicks map[waybill.Button]clickSum
	cost   money
}

// A clickSum is how often a button was clicked, and on how many messages.
type clickSum struct{ all, unique int64 }

func newTemplateCount(s *session, n *node, p templateParams) *templateCount {
	c := &templateCount{
		names: newTemplateNames(s.view.Templates(n.channel.ID)), lite: p.lite,
		asked: make(map[string]bool), days: make(map[templateDay]*templateSum),
	}
	for _, id := range p.ids {
		c.asked[id] = true
	}
	return c
}

// values returns the values that the template of a message can have for it to be
// one of those asked for: their IDs and names.
func (c *templateCount) values() []string {
	var values []string
	for id := range c.asked {
		values = append(values, id)
	}
	for name, list := range c.names.byName {
		if slices.ContainsFunc(list, func(t waybill.Template) bool { return c.asked[t.Code] }) {
			values = append(values, name)
		}
	}
	return values
}

// sum returns where a point counts, nil where it doesn't: its key begins with
// template, language and pricing category.
func (c *templateCount) sum(p *waybill.Point) *templateSum {
	template, language, category := p.Key[0], p.Key[1], p.Key[2]
	if template == "" || c.lite != (category == liteCategory) {
		return nil
	}
	id := c.names.id(template, language)
	if len(c.asked) > 0 && !c.asked[id] {
		return nil
	}
	key := templateDay{p.Bucket, id}
	sum := c.days[key]
	if sum == nil {
		sum = &templateSum{clicks: make(map[waybill.Button]clickSum)}
		c.days[key] = sum
	}
	return sum
}

// add adds points of a part of the range in which prices are the same. With a
// rate card their keys end with pricing type, country and tier.
func (c *templateCount) add(list []waybill.Point, card *rateCard, at waybill.Instant) {
	for i := range list {
		p := &list[i]
		sum := c.sum(p)
		if sum == nil {
			continue
		}
		sum.counts.Add(p.Counts)
		if card != nil {
			sum.cost.add(card, priced{category: p.Key[2], kind: p.Key[3], country: p.Key[4], tier: p.Key[5]},
				p.Counts[waybill.Delivered], at)
		}
	}
}

// addClicks adds points by detail, whose keys end with it.
func (c *templateCount) addClicks(list []waybill.Point) {
	for i := range list {
		p := &list[i]
		kind, text, isButton := strings.Cut(p.Key[3], "\x00")
		if !isButton {
			continue // the code of a failure
		}
		if sum := c.sum(p); sum != nil {
			b := waybill.Button{Type: kind, Text: text}
			clicks := sum.clicks[b]
			clicks.all += p.Counts[waybill.Clicks]
			clicks.unique += p.Counts[waybill.Clicked]
			sum.clicks[b] = clicks
		}
	}
}

// rows returns the points in which something counts that was asked for.
func (c *templateCount) rows(p templateParams) []row {
	var list []row
	for key, sum := range c.days {
		values, any := sum.values(p)
		if !any {
			continue
		}
		point := object{
			{"template_id", key.id}, {"start", int64(key.day.Start)}, {"end", int64(key.day.End)},
		}
		list = append(list, row{rowKey(key.day.Start, key.id), append(point, values...)})
	}
	slices.SortFunc(list, func(a, b row) int { return strings.Compare(a.key, b.key) })
	return list
}

// values returns the metrics that were asked for, and whether there is any that
// is not zero.
func (s *templateSum) values(p templateParams) (values object, any bool) {
	for _, m := range []struct {
		metric, name string
		count        int64
	}{
		{metricSent, "sent", s.counts[waybill.Sent]},
		{metricDelivered, "delivered", s.counts[waybill.Delivered]},
		{metricRead, "read", s.counts[waybill.Read]},
	} {
		if p.wants(m.metric) {
			values = append(values, member{m.name, m.count})
			any = any || m.count > 0
		}
	}
	if clicked := s.clicked(); p.wants(metricClicked) && len(clicked) > 0 {
		values, any = append(values, member{"clicked", clicked}), true
	}
	if cost := s.costs(); len(cost) > 0 {
		values, any = append(values, member{"cost", cost}), true
	}
	return values, any
}

// The buttons as Meta counts them. Of a link it counts the clicks and, beside
// them, those who clicked; a source that knows only the latter may say so.
const (
	quickReply   = "quick_reply_button"
	urlButton    = "url_button"
	uniqueButton = "unique_url_button"
)

var buttonOrder = []string{quickReply, urlButton, uniqueButton}

// A click is one element of the clicks of a point.
type click struct {
	kind, content string
	count         int64
}

// clicked returns the clicks by button. Buttons of other types, such as those
// that call a number, are not among those that Meta counts.
func (s *templateSum) clicked() []object {
	var list []click
	unique := make(map[string]int64)
	for b, n := range s.clicks {
		switch b.Type {
		case quickReply, urlButton:
			list = append(list, click{b.Type, b.Text, n.all})
		}
		if b.Type == urlButton || b.Type == uniqueButton {
			unique[b.Text] += n.unique
		}
	}
	for text, n := range unique {
		list = append(list, click{uniqueButton, text, n})
	}
	list = slices.DeleteFunc(list, func(c click) bool { return c.count == 0 })
	slices.SortFunc(list, func(a, b click) int {
		return cmp.Or(
			cmp.Compare(slices.Index(buttonOrder, a.kind), slices.Index(buttonOrder, b.kind)),
			strings.Compare(a.content, b.content))
	})
	told := make([]object, len(list))
	for i, c := range list {
		told[i] = object{{"type", c.kind}, {"button_content", c.content}, {"count", c.count}}
	}
	return told
}

// linkClicks returns the clicks on links.
func (s *templateSum) linkClicks() int64 {
	var all, unique int64
	for b, n := range s.clicks {
		switch b.Type {
		case urlButton:
			all += n.all
		case uniqueButton:
			unique += n.unique
		}
	}
	if all == 0 {
		return unique
	}
	return all
}

// costs returns what a point has cost, nothing where that is not known.
func (s *templateSum) costs() []object {
	spent, ok := s.cost.known()
	if !ok {
		return nil
	}
	cost := func(kind string, micros int64) object { return object{{"type", kind}, {"value", decimal(micros)}} }
	list := []object{cost("amount_spent", spent)}
	if delivered := s.counts[waybill.Delivered]; delivered > 0 {
		list = append(list, cost("cost_per_delivered", perUnit(spent, delivered)))
	}
	if clicks := s.linkClicks(); clicks > 0 {
		list = append(list, cost("cost_per_url_button_click", perUnit(spent, clicks)))
	}
	return list
}

// templateNames find the ID of a template, where all that a message says of it is
// its name and language, which is what the sender knows.
type templateNames struct {
	codes  map[string]bool
	byName map[string][]waybill.Template
}

func newTemplateNames(list []waybill.Template) templateNames {
	n := templateNames{make(map[string]bool), make(map[string][]waybill.Template)}
	for _, t := range list {
		n.codes[t.Code] = true
		if t.Name != "" {
			n.byName[t.Name] = append(n.byName[t.Name], t)
		}
	}
	return n
}

// id returns the ID of the template of a message, which is what the message says
// where that is no name that the registry knows.
func (n templateNames) id(template, language string) string {
	list := n.byName[template]
	if n.codes[template] || len(list) == 0 {
		return template
	}
	for _, t := range list {
		if t.Language == language {
			return t.Code
		}
	}
	if len(list) == 1 {
		return list[0].Code
	}
	return template
}
