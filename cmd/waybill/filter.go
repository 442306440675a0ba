package main

import "net/url"

// filterFlags say which messages are meant. Each is a parameter of the API of the
// same name, with _ for -.
type filterFlags struct {
	Channel []string `env:"-" help:"ID of a channel; all where there is none. It and each label can be given several times." sep:"none" placeholder:"ID"`

	Sender          []string `env:"-" group:"Labels" help:"Our phone number or page." sep:"none" placeholder:"NUMBER"`
	Template        []string `env:"-" group:"Labels" help:"Code of a template." sep:"none" placeholder:"CODE"`
	Language        []string `env:"-" group:"Labels" help:"Language of a template." sep:"none" placeholder:"CODE"`
	Country         []string `env:"-" group:"Labels" help:"Country of the person, in two letters." sep:"none" placeholder:"CODE"`
	Category        []string `env:"-" group:"Labels" help:"Category, such as MARKETING." sep:"none" placeholder:"NAME"`
	Campaign        []string `env:"-" group:"Labels" help:"Campaign." sep:"none" placeholder:"ID"`
	Segment         []string `env:"-" group:"Labels" help:"Segment." sep:"none" placeholder:"ID"`
	PricingType     []string `env:"-" group:"Labels" help:"Type of price." sep:"none" placeholder:"NAME"`
	PricingCategory []string `env:"-" group:"Labels" help:"Category of price." sep:"none" placeholder:"NAME"`
	Tier            []string `env:"-" group:"Labels" help:"Tier of volume." sep:"none" placeholder:"NAME"`
	Kind            []string `env:"-" group:"Labels" help:"Sort of message: ${enum}." enum:"session,template,inbound" placeholder:"KIND"`

	Collected bool   `env:"-" help:"Only messages that the Alibaba operations count."`
	Basis     string `env:"-" help:"When a message counts: each stage at its own time, or all of them when it was sent (${enum})." enum:"event,send" default:"event"`
}

// add adds the filters to the parameters of a call.
func (f *filterFlags) add(q url.Values) {
	for name, values := range map[string][]string{
		"channel": f.Channel, "sender": f.Sender, "template": f.Template, "language": f.Language, "country": f.Country,
		"category": f.Category, "campaign": f.Campaign, "segment": f.Segment, "pricing_type": f.PricingType,
		"pricing_category": f.PricingCategory, "tier": f.Tier, "kind": f.Kind,
	} {
		if len(values) > 0 {
			q[name] = values
		}
	}
	if f.Collected {
		q.Set("collected", "true")
	}
	q.Set("basis", f.Basis)
}

// rangeFlags say which time is meant.
type rangeFlags struct {
	From     string `env:"-" help:"The start, which counts: a date, or a time in RFC 3339." placeholder:"TIME"`
	To       string `env:"-" help:"The end, which does not." placeholder:"TIME"`
	Last     string `env:"-" help:"So many hours or days up to now instead, such as 24h or 7d." placeholder:"SPAN"`
	TimeZone string `env:"-" help:"Zone of dates and days; that of the channels by default." placeholder:"ZONE"`
}

// add adds the range to the parameters of a call. Without one it is a week.
func (f *rangeFlags) add(q url.Values) {
	for name, value := range map[string]string{"from": f.From, "to": f.To, "last": f.Last, "time_zone": f.TimeZone} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if f.From == "" && f.To == "" && f.Last == "" {
		q.Set("last", "7d")
	}
}
