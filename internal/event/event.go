package event

import (
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"waybill"
	"waybill/internal/dialect"
	"waybill/internal/ndjson"
	"waybill/internal/spelling"
)

// An Object is an event in Waybill's own format. Channel, message, status and
// at are required.
type Object struct {
	Channel   string      `json:"channel" doc:"ID of the channel in the directory." example:"cams-demo"`
	Message   string      `json:"message" doc:"The vendor's ID of the message." example:"m-1"`
	Status    string      `json:"status" enum:"accepted,sent,delivered,read,played,failed,clicked" doc:"What happened to it."`
	At        ndjson.Time `json:"at" doc:"When. Whole seconds are kept." example:"\"2026-11-20T10:00:00Z\""`
	Sender    string      `json:"sender,omitzero" doc:"Our phone number, kept as digits; what has letters stays as it is." example:"8613800000000"`
	Recipient string      `json:"recipient,omitzero" doc:"Whom it went to. It tells the country." example:"6281234567890"`
	Country   string      `json:"country,omitzero" doc:"ISO 3166-1 alpha-2; derived from the recipient when absent." example:"ID"`
	Kind      string      `json:"kind,omitzero" enum:"session,template,inbound" doc:"What sort of message it is; concluded when absent."`
	Template  string      `json:"template,omitzero" doc:"The vendor's ID of the template." example:"1100"`
	Language  string      `json:"language,omitzero" doc:"Language of the template." example:"en"`
	Category  string      `json:"category,omitzero" doc:"Category of the template." example:"MARKETING"`
	Campaign  string      `json:"campaign,omitzero" doc:"The campaign it belongs to." example:"c-7"`
	Segment   string      `json:"segment,omitzero" doc:"The segment it belongs to." example:"s-2"`
	Rev       int64       `json:"rev,omitzero" minimum:"0" doc:"The labels of a larger revision correct those of a smaller one." example:"1"`
	Button    button      `json:"button,omitzero" doc:"With status clicked: what was clicked."`
	Click     string      `json:"click,omitzero" doc:"With status clicked: the ID of the click." example:"c-1"`
	Error     reason      `json:"error,omitzero" doc:"With status failed: why."`
}

type button struct {
	Type string `json:"type,omitzero" doc:"The vendor's word for the sort of button." example:"quick_reply_button"`
	Text string `json:"text,omitzero" doc:"What stands on it." example:"Yes"`
}

type reason struct {
	Code  code   `json:"code,omitzero" doc:"The vendor's error code." example:"131026"`
	Title string `json:"title,omitzero" doc:"The vendor's words." example:"Undeliverable"`
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
func (w *Object) event() (waybill.Event, error) {
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
func (w *Object) setKind(e *waybill.Event) error {
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

func (w *Object) setLabels(e *waybill.Event) error {
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
