package meta

import (
	"context"
	"slices"

	"waybill"
)

// The analytics of this file are asked as Meta's are, and have no data: nothing
// that is reported to Waybill tells what they count. docs/dialects/meta.md says
// of each why.
//
// https://developers.facebook.com/documentation/business-messaging/whatsapp/analytics/
var (
	conversationSeries = &seriesSpec{
		params: append(slices.Clone(spanArguments), "metric_types", "conversation_categories",
			"conversation_types", "conversation_directions", "dimensions"),
		shape: seriesShape(nil, "start", "end", "conversation", "phone_number", "country", "conversation_type",
			"conversation_direction", "conversation_category", "cost"),
		read: empty(checkConversations),
	}
	templateGroupSeries = &seriesSpec{
		params: []string{"start", "end", "granularity", "metric_types", "template_group_ids", "use_waba_timezone"},
		paged:  true,
		shape:  templateShape("template_group_id", "start", "end", "sent", "delivered", "read"),
		read:   empty(checkTemplateGroups),
	}
	groupSeries = &seriesSpec{
		params: []string{"start", "end", "granularity", "metric_types", "group_ids"},
		paged:  true,
		shape: seriesShape([]string{"granularity"},
			"group_id", "start", "end", "sent", "delivered", "read", "joined", "left"),
		read: empty(checkGroups),
	}
	callSeries = &seriesSpec{
		params: append(slices.Clone(spanArguments), "metric_types", "directions", "dimensions"),
		flat:   true,
		shape: seriesShape([]string{"granularity", "directions"},
			"start", "end", "phone_number", "direction", "country", "cost", "count", "average_duration"),
		read: empty(readCalls),
	}
	performanceSeries = &seriesSpec{
		params: []string{"name", "template_id"},
		paged:  true,
		read:   empty(func(*input, *node) (object, error) { return nil, nil }),
	}
)

// empty returns the reader of a series without data. read checks what was asked
// for and returns what stands before the points.
func empty(read func(*input, *node) (object, error)) func(*API, context.Context, *session, *node, *input) (*rows, error) {
	return func(_ *API, _ context.Context, _ *session, n *node, in *input) (*rows, error) {
		head, err := read(in, n)
		return &rows{head: head, none: true}, err
	}
}

func checkConversations(in *input, n *node) (object, error) {
	if _, err := parseSpan(&in.arguments, n.channel.Zone, seriesSpellings); err != nil {
		return nil, err
	}
	metrics, err := in.list("metric_types", oneOf("COST", "CONVERSATION", "UNKNOWN"))
	if err != nil {
		return nil, err
	}
	if err := in.check([]wordList{
		{"conversation_categories", append(slices.Clone(waybill.PricingCategories), "MARKETING_OPTIMIZED_DELIVERY", "UNKNOWN")},
		{"conversation_types", []string{"FREE_ENTRY_POINT", "FREE_TIER", "REGULAR", "UNKNOWN"}},
		{"conversation_directions", []string{"BUSINESS_INITIATED", "USER_INITIATED", "UNKNOWN"}},
		{"dimensions", []string{
			"CONVERSATION_CATEGORY", "CONVERSATION_DIRECTION", "CONVERSATION_TYPE", "COUNTRY", "PHONE", "UNKNOWN",
		}},
	}); err != nil {
		return nil, err
	}
	if slices.Equal(metrics, []string{"COST"}) {
		return nil, errNoCost("Conversations have no cost, since Meta charges by message: see pricing_analytics.")
	}
	return nil, nil
}

func checkTemplateGroups(in *input, n *node) (object, error) {
	if _, err := parseDays(&in.arguments, n.channel.Zone); err != nil {
		return nil, err
	}
	if err := in.ids("template_group_ids", 10); err != nil {
		return nil, err
	}
	return nil, in.check([]wordList{{"metric_types", []string{"COST", "CLICKED", "DELIVERED", "READ", "SENT"}}})
}

func checkGroups(in *input, n *node) (object, error) {
	if _, _, err := in.between(n.channel.Zone); err != nil {
		return nil, err
	}
	if in.has("granularity") { // which has a default here
		if _, _, err := in.granularity(dailySpelling); err != nil {
			return nil, err
		}
	}
	if err := in.ids("group_ids", 1); err != nil {
		return nil, err
	}
	if err := in.filled("metric_types"); err != nil {
		return nil, err
	}
	return nil, in.check([]wordList{{"metric_types", []string{
		"SENT", "DELIVERED", "READ", "PARTICIPANTS_JOINED", "PARTICIPANTS_LEFT",
	}}})
}

// readCalls reads back the directions that were asked for, as Meta does.
func readCalls(in *input, n *node) (object, error) {
	p, err := parseSpan(&in.arguments, n.channel.Zone, seriesSpellings)
	if err != nil {
		return nil, err
	}
	directions, err := in.list("directions", oneOf("USER_INITIATED", "BUSINESS_INITIATED"))
	if err != nil {
		return nil, err
	}
	head := object{{"granularity", p.granularityName}}
	switch len(directions) {
	case 0:
	case 1:
		head = append(head, member{"directions", directions[0]})
	default:
		head = append(head, member{"directions", directions})
	}
	return head, in.check([]wordList{
		{"metric_types", []string{"COUNT", "COST", "AVERAGE_DURATION"}},
		{"dimensions", []string{"PHONE", "DIRECTION", "COUNTRY"}},
	})
}

// A wordList is an argument that is a list of known words.
type wordList struct {
	name  string
	words []string
}

// check refuses lists with words that are not known.
func (in *input) check(lists []wordList) error {
	for _, l := range lists {
		if _, err := in.list(l.name, oneOf(l.words...)); err != nil {
			return err
		}
	}
	return nil
}

// filled refuses a list that is absent or empty.
func (in *input) filled(name string) error {
	list, err := in.words(name)
	if err == nil && len(list) == 0 {
		err = errParam("The parameter %s is required.", name)
	}
	return err
}

// ids refuses a list of IDs that is absent, empty or too long.
func (in *input) ids(name string, most int) error {
	if err := in.filled(name); err != nil {
		return err
	}
	if list, _ := in.words(name); len(list) > most { // it was read just now
		return errParam("Param %s must have at most %d elements - got %d", name, most, len(list))
	}
	return nil
}
