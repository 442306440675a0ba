package event

import (
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"waybill"
	"waybill/internal/dialect"
	"waybill/internal/ndjson"
	"waybill/internal/spelling"
)

// A wireEvent is an event in Waybill's own format. Channel, message, status and
// at are required.
type wireEvent struct {
	Channel   string      `json:"channel"`
	Message   string      `json:"message"`
	Status    string      `json:"status"` // accepted, sent, delivered, read, played, failed, clicked
	At        ndjson.Time `json:"at"`
	Sender    string      `json:"sender"`
	Recipient string      `json:"recipient"`
	Country   string      `json:"country"` // ISO 3166-1 alpha-2; derived from the recipient if empty
	Kind      string      `json:"kind"`    // session, template, inbound; concluded from the rest if empty
	Template  string      `json:"template"`
	Language  string      `json:"language"`
	Category  string      `json:"category"`
	Campaign  string      `json:"campaign"`
	Segment   string      `json:"segment"`
	Rev       int64       `json:"rev"`    // a larger one corrects the labels of a smaller one
	Button    button      `json:"button"` // with status clicked
	Click     string      `json:"click"`  // with status clicked
	Error     reason      `json:"error"`  // with status failed
}

type button struct {
	Type string `json:"type"`
	Text string `json:"text"`
}

type reason struct {
	Code  code   `json:"code"`
	Title string `json:"title"`
}

// fields are the names that an event, or an object in it, may have.
func fields(object string) []string {
	switch object {
	case "button":
		return []string{"type", "text"}
	case "error":
		return []string{"code", "title"}
	}
	return []string{
		"channel", "message", "status", "at", "sender", "recipient", "country", "kind", "template",
		"language", "category", "campaign", "segment", "rev", "button", "click", "error",
	}
}

func statusNames() []string {
	return []string{"accepted", "sent", "delivered", "read", "played", "failed", "clicked"}
}

func kindNames() []string { return []string{"session", "template", "inbound"} }

// event returns w in the terms of the domain, without its channel. The recorder
// checks the rest.
func (w *wireEvent) event() (waybill.Event, error) {
	e := waybill.Event{
		Message: w.Message, At: w.At.Instant, Recipient: Number(w.Recipient),
		Failure: waybill.Failure{Code: string(w.Error.Code), Title: w.Error.Title},
		Click:   w.Click, Button: waybill.Button{Type: w.Button.Type, Text: w.Button.Text},
	}
	switch {
	case w.Message == "":
		return e, waybill.Errorf(waybill.Invalid, "message is missing")
	case w.Status == "":
		return e, waybill.Errorf(waybill.Invalid, "status is missing")
	case !w.At.Given:
		return e, waybill.Errorf(waybill.Invalid, "at is missing")
	}
	var ok bool
	if e.Status, ok = waybill.ParseStatus(w.Status); !ok {
		return e, unknown("status", w.Status, statusNames())
	}
	if err := w.setKind(&e); err != nil {
		return e, err
	}
	return e, w.setLabels(&e)
}

// setKind passes on what w says outright of the kind. That a message is of a
// session cannot be said, since a template or category label says otherwise.
func (w *wireEvent) setKind(e *waybill.Event) error {
	switch w.Kind {
	case "":
	case waybill.KindInbound.String():
		e.Inbound = true
	case waybill.KindTemplate.String():
		e.Templated = true
	case waybill.KindSession.String():
		if w.Template != "" {
			return waybill.Errorf(waybill.Invalid, "kind session contradicts template %s", ndjson.Cut(w.Template))
		}
		if w.Category != "" {
			return waybill.Errorf(waybill.Invalid, "kind session contradicts category %s, which templates have", ndjson.Cut(w.Category))
		}
	default:
		return unknown("kind", w.Kind, kindNames())
	}
	return nil
}

func (w *wireEvent) setLabels(e *waybill.Event) error {
	set := func(l waybill.Label, value string) {
		if value != "" {
			e.Labels[l] = waybill.LabelValue{Value: value, Rank: waybill.RankOwn, Rev: w.Rev}
		}
	}
	set(waybill.LabelSender, Number(w.Sender))
	set(waybill.LabelTemplate, w.Template)
	set(waybill.LabelLanguage, w.Language)
	set(waybill.LabelCategory, strings.ToUpper(w.Category))
	set(waybill.LabelCampaign, w.Campaign)
	set(waybill.LabelSegment, w.Segment)
	if w.Country == "" {
		e.Labels.Set(waybill.LabelCountry, dialect.CountryOf(e.Recipient), waybill.RankDerived)
	} else {
		country := strings.ToUpper(w.Country)
		if !alpha2(country) {
			return waybill.Errorf(waybill.Invalid, "country %s is no ISO 3166-1 code of two letters", ndjson.Cut(w.Country))
		}
		set(waybill.LabelCountry, country)
	}
	if w.Rev < 0 || w.Rev > waybill.MaxRev {
		return waybill.Errorf(waybill.Invalid, "rev %d is not between 0 and %d", w.Rev, int64(waybill.MaxRev))
	}
	return nil
}

// Number returns a phone number as digits, as it is kept. What has letters, or no digits, is an
// ID of another sort and stays as it is.
func Number(text string) string {
	if isDigits(text) {
		return text
	}
	isLetter := func(r rune) bool { return r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' || r > '~' }
	if strings.ContainsFunc(text, isLetter) {
		return text
	}
	if digits := waybill.Digits(text); digits != "" {
		return digits
	}
	return text
}

func isDigits(s string) bool {
	for i := range len(s) {
		if s[i]-'0' > 9 {
			return false
		}
	}
	return true
}

func alpha2(s string) bool {
	return len(s) == 2 && s[0] >= 'A' && s[0] <= 'Z' && s[1] >= 'A' && s[1] <= 'Z'
}

// unknown returns the error of a value that is none of the known ones.
func unknown(field, value string, known []string) error {
	if guess := spelling.Closest(value, known); guess != "" {
		return waybill.Errorf(waybill.Invalid, "%s %s is unknown, did you mean %q?", field, ndjson.Cut(value), guess)
	}
	return waybill.Errorf(waybill.Invalid, "%s %s is not one of %s", field, ndjson.Cut(value), strings.Join(known, ", "))
}

// A code is an error code of a vendor, given as a string or a number.
type code string

// UnmarshalJSONFrom reads a code.
func (c *code) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	v, err := d.ReadValue()
	if err != nil {
		return err
	}
	switch v.Kind() {
	case jsontext.KindNull:
	case jsontext.KindNumber:
		*c = code(v)
	case jsontext.KindString:
		text, err := jsontext.AppendUnquote(nil, v)
		*c = code(text)
		return err
	default:
		return waybill.Errorf(waybill.Invalid, "error.code is %s, not a string or a number", ndjson.SortOf(v.Kind()))
	}
	return nil
}
