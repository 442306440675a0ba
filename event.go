package waybill

import (
	"cmp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// A Status is what an event reports of a message.
type Status uint8

// The statuses. Played means read, with voice.
const (
	StatusNone Status = iota // labels only
	StatusAccepted
	StatusSent
	StatusDelivered
	StatusRead
	StatusPlayed
	StatusFailed
	StatusClicked
)

var statuses = map[string]Status{
	"accepted": StatusAccepted, "sent": StatusSent, "delivered": StatusDelivered,
	"read": StatusRead, "played": StatusPlayed, "failed": StatusFailed, "clicked": StatusClicked,
}

// ParseStatus returns the status with the given name.
func ParseStatus(name string) (Status, bool) {
	s, ok := statuses[name]
	return s, ok
}

// Bounds of an event. A message may have any number of events.
const (
	MaxMessageID = 512 // bytes
	MaxLabel     = 256 // bytes of a label value, a click ID, a button text
	MaxRev       = 1<<53 - 1

	// EarliestEvent is the first instant an event may carry: 2015-01-01.
	EarliestEvent Instant = 1420070400

	// MaxAhead is how far an event may lie ahead of our clock.
	MaxAhead = 24 * time.Hour
)

// An Event is one report about one message of a channel.
type Event struct {
	Channel   ChannelNumber
	Message   string // the vendor's ID
	Status    Status
	At        Instant
	Labels    Labels
	Recipient string // digits, or what the vendor has instead of a number
	Inbound   bool   // the message was received by us
	Templated bool   // the message is known to be made from a template

	Failure Failure // of StatusFailed
	Click   string  // of StatusClicked: the ID of the click, if it has one
	Button  Button  // of StatusClicked
}

// Validate returns an Invalid error that names the first thing wrong with e,
// with its value. now is the clock that bounds e.At.
func (e *Event) Validate(now time.Time) error {
	switch {
	case e.Channel == 0:
		return Errorf(Invalid, "channel is missing")
	case e.Message == "":
		return Errorf(Invalid, "message is missing")
	case e.Status > StatusClicked:
		return Errorf(Invalid, "status %d is unknown", e.Status)
	}
	if err := checkTime(e.At, now); err != nil {
		return err
	}
	if err := checkText("message", e.Message, MaxMessageID); err != nil {
		return err
	}
	for l := range e.Labels {
		v := &e.Labels[l] // to copy all of them would cost more than to check them
		if v.Value == "" && v.Rev == 0 {
			continue
		}
		if v.Rev < 0 || v.Rev > MaxRev {
			return Errorf(Invalid, "rev %d is not between 0 and %d", v.Rev, int64(MaxRev))
		}
		if err := checkText(Label(l).String(), v.Value, MaxLabel); err != nil {
			return err
		}
	}
	return cmp.Or(
		checkText("recipient", e.Recipient, MaxLabel),
		checkText("error.code", e.Failure.Code, MaxLabel),
		checkText("error.title", e.Failure.Title, MaxLabel),
		checkText("click", e.Click, MaxLabel),
		checkText("button.type", e.Button.Type, MaxLabel),
		checkText("button.text", e.Button.Text, MaxLabel),
	)
}

// Checked are events that Validate has found nothing wrong with. They must stay as
// they are.
type Checked struct{ events []Event }

// Events returns the events, which belong to who had them checked.
func (c Checked) Events() []Event { return c.events }

// A Rejection is an event with which something is wrong.
type Rejection struct {
	Index int // among all that were given
	Err   error
}

// Check returns the valid ones of events, in their order, and the others by Index.
// It copies them only where one is not valid.
func Check(events []Event, now time.Time) (Checked, []Rejection) {
	var rejected []Rejection
	for i := range events {
		if err := events[i].Validate(now); err != nil {
			rejected = append(rejected, Rejection{Index: i, Err: err})
		}
	}
	if len(rejected) == 0 {
		return Checked{events}, nil
	}
	valid := make([]Event, 0, len(events)-len(rejected))
	from := 0
	for _, r := range rejected {
		valid = append(valid, events[from:r.Index]...)
		from = r.Index + 1
	}
	return Checked{append(valid, events[from:]...)}, rejected
}

// checkTime bounds when something was reported to have happened.
func checkTime(at Instant, now time.Time) error {
	switch {
	case at == Never:
		return Errorf(Invalid, "at is missing")
	case at < EarliestEvent:
		return Errorf(Invalid, "at %s is before 2015", at.Time().Format(time.RFC3339))
	case at > InstantOf(now.Add(MaxAhead)):
		return Errorf(Invalid, "at %s is more than a day ahead of the clock", at.Time().Format(time.RFC3339))
	}
	return nil
}

// checkText bounds a text and keeps out what no store or log should hold.
func checkText(name, value string, limit int) error {
	if value == "" {
		return nil
	}
	if len(value) > limit {
		return Errorf(Invalid, "%s has %d bytes, more than %d", name, len(value), limit)
	}
	if isPlain(value) {
		return nil
	}
	if !utf8.ValidString(value) {
		return Errorf(Invalid, "%s %q is not UTF-8", name, value)
	}
	if strings.IndexByte(value, 0) >= 0 {
		return Errorf(Invalid, "%s %q contains a NUL", name, value)
	}
	return nil
}

// isPlain reports whether s is ASCII without a NUL, as nearly all texts are. It looks
// at eight bytes at a time: a byte that is zero, or not ASCII, leaves its highest bit.
func isPlain(s string) bool {
	const ones, high = 0x0101010101010101, 0x8080808080808080
	for ; len(s) >= 8; s = s[8:] {
		word := uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
			uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
		if (word-ones|word)&high != 0 {
			return false
		}
	}
	for i := range len(s) {
		if s[i]-1 >= utf8.RuneSelf-1 {
			return false
		}
	}
	return true
}

// History returns what e alone says of its message.
func (e *Event) History() Message {
	m := Message{Inbound: e.Inbound, Templated: e.Templated}
	for l, v := range e.Labels {
		if v.Value != "" { // an absent label has no rank by which it could win
			m.Labels[l] = v
		}
	}
	switch e.Status {
	case StatusAccepted:
		m.At[Accepted] = e.At
	case StatusSent:
		m.At[Sent] = e.At
	case StatusDelivered:
		m.At[Delivered] = e.At
	case StatusRead, StatusPlayed:
		m.At[Read] = e.At
	case StatusFailed:
		m.At[Failed], m.Failure = e.At, e.Failure
	case StatusClicked:
		id := e.Click
		if id == "" {
			id = ClickID(e.Button, e.At)
		}
		m.Clicks = []Click{{ID: id, At: e.At, Button: e.Button}}
	}
	return m
}

// Digits returns the ASCII digits of a phone number, dropping everything else:
// "+86 138-0000" is "861380000".
func Digits(number string) string {
	isOther := func(r rune) bool { return r < '0' || r > '9' }
	if !strings.ContainsFunc(number, isOther) {
		return number
	}
	return strings.Map(func(r rune) rune {
		if isOther(r) {
			return -1
		}
		return r
	}, number)
}

// Printable reports whether s has no control characters, as identifiers must.
func Printable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}
