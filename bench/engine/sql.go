package engine

import (
	"fmt"
	"strings"

	"waybill"
)

// schema takes the type of keys and what the engine says of the storage of states
// and of cells.
// Stages are seconds since 1970, 0 where nothing reported them.
const schema = `
CREATE TABLE IF NOT EXISTS states (
	key %[1]s PRIMARY KEY, channel INTEGER NOT NULL, ref INTEGER NOT NULL,
	accepted INTEGER NOT NULL, sent INTEGER NOT NULL, delivered INTEGER NOT NULL,
	read INTEGER NOT NULL, failed INTEGER NOT NULL
)%[2]s;
CREATE TABLE IF NOT EXISTS cells (
	channel INTEGER, quarter INTEGER, ref INTEGER,
	accepted INTEGER NOT NULL, sent INTEGER NOT NULL, delivered INTEGER NOT NULL,
	read INTEGER NOT NULL, failed INTEGER NOT NULL,
	PRIMARY KEY (channel, quarter, ref)
)%[3]s;
CREATE TABLE IF NOT EXISTS tuples (
	ref INTEGER PRIMARY KEY, channel INTEGER NOT NULL, sender TEXT NOT NULL, template TEXT NOT NULL,
	language TEXT NOT NULL, country TEXT NOT NULL, category TEXT NOT NULL, campaign TEXT NOT NULL
);
`

// stored are the labels that tables of tuples have, in the order of the columns.
var stored = []waybill.Label{
	waybill.LabelSender, waybill.LabelTemplate, waybill.LabelLanguage,
	waybill.LabelCountry, waybill.LabelCategory, waybill.LabelCampaign,
}

const columnsOfTuples = "ref, channel, sender, template, language, country, category, campaign"

const columnsOfStates = "key, channel, ref, accepted, sent, delivered, read, failed"

// What follows the rows of an INSERT.
const (
	stateUpsert = ` ON CONFLICT (key) DO UPDATE SET ref = excluded.ref, accepted = excluded.accepted,
		sent = excluded.sent, delivered = excluded.delivered, read = excluded.read, failed = excluded.failed`

	cellUpsert = ` ON CONFLICT (channel, quarter, ref) DO UPDATE SET
		accepted = cells.accepted + excluded.accepted, sent = cells.sent + excluded.sent,
		delivered = cells.delivered + excluded.delivered, read = cells.read + excluded.read,
		failed = cells.failed + excluded.failed`
)

// query returns the statement that answers s, in rows of bucket, group and
// counts. The template of s is its only parameter, named as given.
func (s *series) query(parameter string) string {
	group, where := "''", ""
	if s.group != nil {
		group = "t." + s.group.String()
	}
	if s.template != "" {
		where = " AND t.template = " + parameter
	}
	var q strings.Builder
	fmt.Fprintf(&q, `SELECT (c.quarter - %d) / %d AS bucket, %s AS name,
		sum(c.accepted), sum(c.sent), sum(c.delivered), sum(c.read), sum(c.failed)
		FROM cells c JOIN tuples t ON t.ref = c.ref
		WHERE c.channel = %d AND c.quarter >= %d AND c.quarter < %d%s
		GROUP BY bucket, name ORDER BY bucket, name`,
		s.from, s.width, group, s.channel, s.from, s.to, where)
	return q.String()
}

func (s *series) parameters() []any {
	if s.template == "" {
		return nil
	}
	return []any{s.template}
}

// recentMessages is how many states the SQL engines keep in memory, or up to
// twice as many: most reports are about one of them.
const recentMessages = 500_000

// readPoints reads the rows of a query.
func (s *series) readPoints(next func() bool, scan func(dest ...any) error) ([]waybill.Point, error) {
	var points []waybill.Point
	for next() {
		var bucket int64
		var name string
		var c counts
		if err := scan(&bucket, &name, &c[0], &c[1], &c[2], &c[3], &c[4]); err != nil {
			return nil, err
		}
		if c != (counts{}) {
			points = append(points, s.point(bucket, name, c))
		}
	}
	return points, nil
}

// readTuples reads rows of columnsOfTuples.
func readTuples(next func() bool, scan func(dest ...any) error) (map[tuple]uint32, error) {
	refs := make(map[tuple]uint32)
	for next() {
		var ref uint32
		var t tuple
		dest := []any{&ref, &t.channel}
		for _, l := range stored {
			dest = append(dest, &t.values[l])
		}
		if err := scan(dest...); err != nil {
			return nil, err
		}
		refs[t] = ref
	}
	return refs, nil
}

// readStates reads rows of columnsOfStates into the states of their keys.
func readStates(next func() bool, scan func(dest ...any) error, states map[int64]*state) error {
	for next() {
		var key int64
		var s state
		if err := scan(&key, &s.channel, &s.ref, &s.at[0], &s.at[1], &s.at[2], &s.at[3], &s.at[4]); err != nil {
			return err
		}
		*states[key] = s
	}
	return nil
}
