package meta

import (
	"context"
	"slices"
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
		read: empty(false, func(in *input, n *node) error {
			if _, err := parseSpan(&in.arguments, n.channel.Zone, seriesSpellings); err != nil {
				return err
			}
			return in.check([]wordList{
				{"metric_types", []string{"COST", "CONVERSATION", "UNKNOWN"}},
				{"conversation_categories", []string{
					"AUTHENTICATION", "AUTHENTICATION_INTERNATIONAL", "MARKETING", "MARKETING_LITE",
					"MARKETING_OPTIMIZED_DELIVERY", "SERVICE", "UTILITY", "UNKNOWN",
				}},
				{"conversation_types", []string{"FREE_ENTRY_POINT", "FREE_TIER", "REGULAR", "UNKNOWN"}},
				{"conversation_directions", []string{"BUSINESS_INITIATED", "USER_INITIATED", "UNKNOWN"}},
				{"dimensions", []string{
					"CONVERSATION_CATEGORY", "CONVERSATION_DIRECTION", "CONVERSATION_TYPE", "COUNTRY", "PHONE", "UNKNOWN",
				}},
			})
		}),
	}
	templateGroupSeries = &seriesSpec{
		params: []string{"start", "end", "granularity", "metric_types", "template_group_ids", "use_waba_timezone"},
		paged:  true,
		read: empty(false, func(in *input, n *node) error {
			if _, err := parseDays(&in.arguments, n.channel.Zone); err != nil {
				return err
			}
			if err := in.ids("template_group_ids", 10); err != nil {
				return err
			}
			return in.check([]wordList{{"metric_types", []string{"COST", "CLICKED", "DELIVERED", "READ", "SENT"}}})
		}),
	}
	groupSeries = &seriesSpec{
		params: []string{"start", "end", "granularity", "metric_types", "group_ids"},
		paged:  true,
		read: empty(false, func(in *input, n *node) error {
			if err := in.groupSpan(n); err != nil {
				return err
			}
			if err := in.filled("metric_types"); err != nil {
				return err
			}
			return in.check([]wordList{{"metric_types", []string{
				"SENT", "DELIVERED", "READ", "PARTICIPANTS_JOINED", "PARTICIPANTS_LEFT",
			}}})
		}),
	}
	callSeries = &seriesSpec{
		params: append(slices.Clone(spanArguments), "metric_types", "directions", "dimensions"),
		read: empty(true, func(in *input, n *node) error {
			if _, err := parseSpan(&in.arguments, n.channel.Zone, seriesSpellings); err != nil {
				return err
			}
			return in.check([]wordList{
				{"metric_types", []string{"COUNT", "COST", "AVERAGE_DURATION"}},
				{"directions", []string{"USER_INITIATED", "BUSINESS_INITIATED"}},
				{"dimensions", []string{"PHONE", "DIRECTION", "COUNTRY"}},
			})
		}),
	}
	performanceSeries = &seriesSpec{
		params: []string{"name", "template_id"},
		paged:  true,
		read:   empty(false, func(*input, *node) error { return nil }),
	}
)

// empty returns the reader of a series without data, which checks what it was
// asked for. A flat one has its granularity beside the points where it is read as
// a field.
func empty(flat bool, check func(*input, *node) error) func(*API, context.Context, *session, *node, *input) (*rows, error) {
	return func(_ *API, _ context.Context, _ *session, n *node, in *input) (*rows, error) {
		if err := check(in, n); err != nil {
			return nil, err
		}
		r := &rows{none: true, flat: flat}
		if flat {
			_, name, err := in.arguments.granularity(seriesSpellings)
			if err != nil {
				return nil, err
			}
			r.head = object{{"granularity", name}}
		}
		return r, nil
	}
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

// groupSpan checks the range of group_analytics, whose granularity has a default.
func (in *input) groupSpan(n *node) error {
	start, err := in.instant("start", n.channel.Zone)
	if err != nil {
		return err
	}
	end, err := in.instant("end", n.channel.Zone)
	if err != nil {
		return err
	}
	if end <= start {
		return errParam("Param end must be after start - got start %d and end %d", start, end)
	}
	if in.has("granularity") {
		if _, _, err := in.arguments.granularity(dailySpelling); err != nil {
			return err
		}
	}
	return in.ids("group_ids", 1)
}
