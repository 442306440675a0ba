package waybill

// A Label names one of the properties by which messages are told apart.
type Label uint8

// The labels. Values are the vendors' own; phone numbers are kept as digits and
// countries as ISO 3166-1 alpha-2 codes.
const (
	LabelSender Label = iota // our phone number or page
	LabelTemplate
	LabelLanguage
	LabelCountry // of the person, not of us
	LabelCategory
	LabelCampaign
	LabelSegment
	LabelPricingType
	LabelPricingCategory
	LabelTier

	NumLabels = 10
)

var labelNames = [NumLabels]string{
	"sender", "template", "language", "country", "category",
	"campaign", "segment", "pricing_type", "pricing_category", "tier",
}

func (l Label) String() string { return labelNames[l] }

// A Rank says how much the source of a label value is trusted.
type Rank uint8

// The ranks, least trusted first.
const (
	RankDerived  Rank = iota + 1 // concluded from something else, as a country from a number
	RankCallback                 // from data the sender attached and the vendor echoed
	RankVendor                   // from the vendor's own report
	RankOwn                      // from an event in Waybill's own format
)

// A LabelValue is the value of a label and how it came to be known. The zero
// LabelValue is an absent label.
type LabelValue struct {
	Value string
	Rank  Rank
	Rev   int64 // revision of an own event, by which it corrects earlier ones
}

// beats reports whether v wins over w: by rank, then revision, then value. An
// absent value never wins.
func (v LabelValue) beats(w LabelValue) bool {
	switch {
	case v.Value == "":
		return false
	case v.Rank != w.Rank:
		return v.Rank > w.Rank
	case v.Rev != w.Rev:
		return v.Rev > w.Rev
	}
	return v.Value > w.Value
}

// Labels are the labels of one message, indexed by Label.
type Labels [NumLabels]LabelValue

// Set gives label l a value unless that is empty.
func (ls *Labels) Set(l Label, value string, rank Rank) {
	if value != "" {
		ls[l] = LabelValue{Value: value, Rank: rank}
	}
}

// Values returns the plain values, empty where a label is absent.
func (ls *Labels) Values() [NumLabels]string {
	var values [NumLabels]string
	for l := range ls {
		values[l] = ls[l].Value
	}
	return values
}
