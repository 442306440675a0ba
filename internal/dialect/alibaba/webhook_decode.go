package alibaba

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"waybill"
	"waybill/internal/dialect"
	"waybill/internal/directory"
)

// maxDepth bounds the nesting of a push. Reports have two levels.
const maxDepth = 32

// A batch is what one push makes Waybill remember, and a tally of the rest.
type batch struct {
	channel  *waybill.Channel
	received waybill.Instant
	events   []waybill.Event
	facts    []directory.TemplateFact

	malformed     int // reports that lack an ID or a time, or have another shape
	unknownStatus int // statuses that are no stage of a message
	ignored       int // reports that count nothing
	foreign       int // reports about another channel
}

// decodeReceipts returns what a push reports about a channel: an array of
// reports, or one. What is wrong with one report leaves the others alone; a body
// that is no JSON at all is Invalid.
func decodeReceipts(body []byte, c *waybill.Channel, received waybill.Instant) (batch, error) {
	b := batch{channel: c, received: received}
	if err := dialect.CheckDepth(body, maxDepth); err != nil {
		return batch{}, err
	}
	body = bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")))
	list := []json.RawMessage{body}
	if len(body) > 0 && body[0] == '[' {
		list = nil
		if err := json.Unmarshal(body, &list); err != nil {
			return batch{}, waybill.Errorf(waybill.Invalid, "the body is no JSON: %v", err)
		}
	} else if !json.Valid(body) {
		return batch{}, waybill.Errorf(waybill.Invalid, "the body is no JSON array of reports")
	}
	for _, text := range list {
		if r, ok := parseReport(text); ok {
			b.add(r)
		} else {
			b.malformed++
		}
	}
	return b, nil
}

// A report has the fields of one report by name, in lower case. All values are
// text: numbers as they are written, what is nested as JSON.
type report map[string]string

// parseReport reads one report. Some of the vendor's have blanks after a name.
func parseReport(text []byte) (report, bool) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(text, &fields); err != nil || fields == nil {
		return nil, false
	}
	r := make(report, len(fields))
	for name, raw := range fields {
		name = strings.ToLower(strings.TrimSpace(name))
		// Of two spellings of a name the result must not depend on the order.
		if value := textOf(raw); value > r[name] {
			r[name] = value
		}
	}
	return r, true
}

// textOf returns a value of JSON as text.
func textOf(raw json.RawMessage) string {
	if len(raw) > 0 && raw[0] == '"' {
		var s string
		if json.Unmarshal(raw, &s) == nil {
			return s
		}
	}
	if string(raw) == "null" {
		return ""
	}
	return string(raw)
}

// text returns a field without the blanks around it.
func (r report) text(name string) string { return strings.TrimSpace(r[name]) }

// word returns a field in a form in which words are compared.
func (r report) word(name string) string { return strings.ToLower(r.text(name)) }

// at returns the time of the report, which is in milliseconds.
func (r report) at() (waybill.Instant, bool) {
	text := r.text("timestamp")
	ms, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		// Some encoders of JSON write large numbers with an exponent.
		f, err := strconv.ParseFloat(text, 64)
		if err != nil || math.Abs(f) > 1<<53 {
			return waybill.Never, false
		}
		ms = int64(f)
	}
	at := waybill.Instant(math.Floor(float64(ms) / 1000))
	return at, at > 0
}

// clip cuts a text to what an event can hold, between characters.
func clip(s string) string {
	s = strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "\uFFFD")
	if len(s) <= waybill.MaxLabel {
		return s
	}
	cut := waybill.MaxLabel
	for !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut]
}
