package rest

import (
	"reflect"
	"slices"
	"strings"

	"waybill"
	"waybill/internal/directory"
	"waybill/internal/event"
)

// labels are the filters by label and kind. Of the values of one, any may hold; of
// the filters, all must.
type labels struct {
	Sender          []string `query:"sender" doc:"Only messages from these of our numbers or pages. Each label can be given several times, and empty for messages without it." example:"8613800000000"`
	Template        []string `query:"template" doc:"Only messages of these templates." example:"1100"`
	Language        []string `query:"language" doc:"Only messages in these languages." example:"en"`
	Country         []string `query:"country" doc:"Only messages to these countries, in ISO 3166-1 alpha-2." example:"ID"`
	Category        []string `query:"category" doc:"Only messages of these categories. Where a message has none of its own, it is that of its template." example:"MARKETING"`
	Campaign        []string `query:"campaign" doc:"Only messages of these campaigns." example:"c-7"`
	Segment         []string `query:"segment" doc:"Only messages of these segments." example:"s-2"`
	PricingType     []string `query:"pricing_type" doc:"Only messages with these types of price." example:"regular"`
	PricingCategory []string `query:"pricing_category" doc:"Only messages with these categories of price." example:"MARKETING"`
	Tier            []string `query:"tier" doc:"Only messages of these tiers of volume." example:"0:250000"`
	Kind            []string `query:"kind" enum:"session,template,inbound" doc:"Only messages of these kinds."`
	Collected       bool     `query:"collected" doc:"Only messages that the Alibaba operations count." example:"true"`
}

// where returns the filters. The fields stand in the order of the dimensions.
func (l *labels) where() []waybill.Filter {
	var filters []waybill.Filter
	v := reflect.ValueOf(l).Elem()
	for d := range waybill.DimKind + 1 {
		values := slices.Clone(v.Field(int(d)).Interface().([]string))
		for i := range values {
			values[i] = asKept(d, values[i])
		}
		if len(values) > 0 {
			filters = append(filters, waybill.Filter{By: d, Values: values})
		}
	}
	return filters
}

// asKept returns a value as events are kept with it, however a caller spells it.
func asKept(d waybill.Dimension, value string) string {
	switch d {
	case waybill.Dimension(waybill.LabelSender):
		return event.Number(value)
	case waybill.Dimension(waybill.LabelCountry):
		return strings.ToUpper(value)
	}
	return value
}

// dimensionOf returns the dimension with a name of this API: that of an error code
// and of a button is the detail.
func dimensionOf(name string) waybill.Dimension {
	for d := range waybill.DimDetail {
		if d.String() == name {
			return d
		}
	}
	return waybill.DimDetail
}

// Words of this API for the two sorts of detail.
const (
	byError  = "error"
	byButton = "button"
)

// A selection is the channels that a call is about.
type selection []waybill.Channel

// channelsOf returns the channels with the given IDs, or all that the call may be
// about where there are none.
func (a *API) channelsOf(c *call, ids []string) (selection, error) {
	var chosen selection
	for _, id := range ids {
		ch, err := a.channelOf(c, id)
		if err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(chosen, func(o waybill.Channel) bool { return o.ID == ch.ID }) {
			chosen = append(chosen, ch)
		}
	}
	if len(ids) > 0 {
		return chosen, nil
	}
	return a.channels(c), nil
}

func (s selection) numbers() []waybill.ChannelNumber {
	numbers := make([]waybill.ChannelNumber, len(s))
	for i := range s {
		numbers[i] = s[i].Number
	}
	return numbers
}

// categories returns the categories of the templates of all channels.
func (s selection) categories(view *directory.View) map[waybill.TemplateRef]string {
	all := make(map[waybill.TemplateRef]string)
	for i := range s {
		for ref, category := range directory.Categories(s[i].Number, view.Templates(s[i].ID)) {
			all[ref] = category
		}
	}
	return all
}

// buttonName returns one text for a button: its type, a colon, its text. Colons of
// the type have a backslash before them, and so have backslashes.
func buttonName(b waybill.Button) string {
	return strings.NewReplacer(`\`, `\\`, `:`, `\:`).Replace(b.Type) + ":" + b.Text
}

// parseButton returns the button with a name.
func parseButton(name string) (waybill.Button, error) {
	var b strings.Builder
	for i := 0; i < len(name); i++ {
		switch {
		case name[i] == ':':
			return waybill.Button{Type: b.String(), Text: name[i+1:]}, nil
		case name[i] == '\\' && i+1 < len(name):
			i++
		}
		b.WriteByte(name[i])
	}
	return waybill.Button{}, waybill.Errorf(waybill.Invalid, "button %s has no colon between its type and its text", cut(name))
}

// detailName returns the name of a detail by its key, and which of the two it is.
func detailName(key string) (name, by string) {
	kind, text, isButton := strings.Cut(key, "\x00")
	if !isButton {
		return key, byError
	}
	return buttonName(waybill.Button{Type: kind, Text: text}), byButton
}
