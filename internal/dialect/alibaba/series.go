package alibaba

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"waybill"
)

// A templateSeries collects the rows of one template from channels.
type templateSeries struct {
	span
	code string
	only *string // the language that is asked for; nil for all
	rows map[rowKey]*templatePoint
}

type templatePoint struct {
	counts waybill.Counts
	clicks map[waybill.Button]int64
}

// add adds what a channel has.
func (s *templateSeries) add(ctx context.Context, store waybill.Store, c *waybill.Channel, k *catalog) error {
	if err := s.addMessages(ctx, store, c, k); err != nil {
		return err
	}
	return s.addClicks(ctx, store, c, k)
}

// query returns what all queries about the channel have in common.
func (s *span) query(c *waybill.Channel, kinds ...waybill.Kind) waybill.Query {
	q := waybill.Query{
		Channels: []waybill.ChannelNumber{c.Number},
		From:     s.from, To: s.to, Granularity: s.granularity, Zone: c.Zone,
		Collected: true,
	}
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = k.String()
	}
	q.Where = []waybill.Filter{{By: waybill.DimKind, Values: names}}
	return q
}

// addMessages adds the sent, delivered and read messages of the template.
func (s *templateSeries) addMessages(
	ctx context.Context, store waybill.Store, c *waybill.Channel, k *catalog,
) error {
	q := s.query(c, waybill.KindTemplate)
	q.Categories = k.categories
	q.Where = append(q.Where,
		waybill.Filter{By: waybill.Dimension(waybill.LabelTemplate), Values: []string{s.code}},
		waybill.Filter{By: waybill.Dimension(waybill.LabelCategory), Values: []string{marketing}})
	q.GroupBy = []waybill.Dimension{waybill.Dimension(waybill.LabelLanguage)}
	points, err := store.Points(ctx, q)
	if err != nil {
		return err
	}
	for _, p := range points {
		sent, delivered, read := p.Counts[waybill.Sent], p.Counts[waybill.Delivered], p.Counts[waybill.Read]
		if sent == 0 && delivered == 0 && read == 0 {
			continue
		}
		if row := s.row(p.Bucket, k.language(s.code, p.Key[0])); row != nil {
			row.counts.Add(p.Counts)
		}
	}
	waybill.Recycle(points)
	return nil
}

// row returns the row of a bucket and language, nil if it is not asked for.
func (s *templateSeries) row(b waybill.Bucket, language string) *templatePoint {
	if s.only != nil && *s.only != language {
		return nil
	}
	key := rowKey{b, language}
	if s.rows[key] == nil {
		s.rows[key] = &templatePoint{clicks: make(map[waybill.Button]int64)}
	}
	return s.rows[key]
}

// addClicks adds the clicks on buttons of the template. A click that came as a
// message of its own is that of the template which the message names, or of the
// only one that has such a button.
func (s *templateSeries) addClicks(
	ctx context.Context, store waybill.Store, c *waybill.Channel, k *catalog,
) error {
	q := s.query(c, waybill.KindTemplate, waybill.KindInbound)
	q.Categories = k.categories
	q.Where = append(q.Where, waybill.Filter{
		By: waybill.Dimension(waybill.LabelTemplate), Values: []string{s.code, ""},
	})
	q.GroupBy = []waybill.Dimension{
		waybill.Dimension(waybill.LabelTemplate), waybill.Dimension(waybill.LabelLanguage),
		waybill.Dimension(waybill.LabelCategory), waybill.DimKind, waybill.DimDetail,
	}
	points, err := store.Points(ctx, q)
	if err != nil {
		return err
	}
	for _, p := range points {
		kind, text, _ := strings.Cut(p.Key[4], "\x00")
		kind = buttonType(kind)
		language, ok := s.clickLanguage(k, p.Key, waybill.Button{Type: kind, Text: text})
		if !ok || kind == "" || p.Counts[waybill.Clicks] == 0 {
			continue
		}
		if row := s.row(p.Bucket, language); row != nil {
			row.clicks[waybill.Button{Type: kind, Text: text}] += p.Counts[waybill.Clicks]
		}
	}
	waybill.Recycle(points)
	return nil
}

// clickLanguage returns the language of the template whose button was clicked,
// and whether it is the template asked for and marketing.
func (s *templateSeries) clickLanguage(k *catalog, key []string, b waybill.Button) (language string, ok bool) {
	code, language, category := key[0], key[1], key[2]
	if code == "" {
		if key[3] != waybill.KindInbound.String() || b.Type != quickReplyButton {
			return "", false
		}
		if code, language, ok = k.byReply(b.Text); !ok || code != s.code {
			return "", false
		}
		category = k.category(code, language)
	}
	return k.language(code, language), category == marketing
}

// data returns the rows in the order of an answer.
func (s *templateSeries) data() []templateRow {
	rows := make([]templateRow, 0, len(s.rows))
	for _, key := range sortedKeys(s.rows) {
		p := s.rows[key]
		rows = append(rows, templateRow{
			TemplateCode: s.code, Language: key.label,
			SentCount:      count(p.counts[waybill.Sent]),
			ReadCount:      count(p.counts[waybill.Read]),
			DeliveredCount: count(p.counts[waybill.Delivered]),
			Cliented:       clickRows(p.clicks),
			Start:          millis(key.bucket.Start), End: millis(key.bucket.End),
		})
	}
	return rows
}

// clickRows returns clicks by type and text.
func clickRows(clicks map[waybill.Button]int64) []clickRow {
	rows := make([]clickRow, 0, len(clicks))
	for b, n := range clicks {
		rows = append(rows, clickRow{b.Type, b.Text, count(n)})
	}
	slices.SortFunc(rows, func(x, y clickRow) int {
		return cmp.Or(strings.Compare(x.Type, y.Type), strings.Compare(x.ButtonContent, y.ButtonContent))
	})
	return rows
}

// A phoneSeries collects the rows of phone numbers from channels.
type phoneSeries struct {
	span
	number string // the one that is asked for; "" for all
	rows   map[rowKey]*waybill.Counts
}

// add adds what a channel has sent, from templates or not.
func (s *phoneSeries) add(ctx context.Context, store waybill.Store, c *waybill.Channel) error {
	q := s.query(c, waybill.KindTemplate, waybill.KindSession)
	if s.number != "" {
		q.Where = append(q.Where, waybill.Filter{
			By: waybill.Dimension(waybill.LabelSender), Values: []string{s.number, ""},
		})
	}
	q.GroupBy = []waybill.Dimension{waybill.Dimension(waybill.LabelSender)}
	points, err := store.Points(ctx, q)
	if err != nil {
		return err
	}
	for _, p := range points {
		number := senderOf(c, p.Key[0])
		if p.Counts[waybill.Sent] == 0 && p.Counts[waybill.Delivered] == 0 || s.number != "" && number != s.number {
			continue
		}
		key := rowKey{p.Bucket, number}
		if s.rows[key] == nil {
			s.rows[key] = new(waybill.Counts)
		}
		s.rows[key].Add(p.Counts)
	}
	waybill.Recycle(points)
	return nil
}

// senderOf returns the number that sent a message: the one it has, else the only
// one that the channel has.
func senderOf(c *waybill.Channel, label string) string {
	if label == "" && len(c.Senders) == 1 {
		return c.Senders[0]
	}
	return label
}

// data returns the rows in the order of an answer.
func (s *phoneSeries) data() []phoneRow {
	rows := make([]phoneRow, 0, len(s.rows))
	for _, key := range sortedKeys(s.rows) {
		counts := s.rows[key]
		rows = append(rows, phoneRow{
			DeliveredCount: count(counts[waybill.Delivered]),
			Start:          millis(key.bucket.Start),
			PhoneNumber:    key.label,
			End:            millis(key.bucket.End),
			Granularity:    s.name,
			SentCount:      count(counts[waybill.Sent]),
		})
	}
	return rows
}
