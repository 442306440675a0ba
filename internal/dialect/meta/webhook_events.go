package meta

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"waybill"
	"waybill/internal/dialect"
)

// A mapping turns the statuses and messages of one change into events. The
// channel is not known yet.
type mapping struct {
	value  *changeValue
	sender string
	report *report
	tally  *tally
}

// grow makes room for n more events.
func (m *mapping) grow(n int) { m.report.events = slices.Grow(m.report.events, n) }

// add appends an event that everything else is filled into.
func (m *mapping) add(id string, s waybill.Status, at waybill.Instant) *waybill.Event {
	m.report.events = append(m.report.events, waybill.Event{Message: id, Status: s, At: at})
	e := &m.report.events[len(m.report.events)-1]
	e.Labels.Set(waybill.LabelSender, m.sender, waybill.RankVendor)
	return e
}

// stageStatus returns the status with the given name, if it is a stage of a message.
// Others occur, such as "deleted" and "warning", and say nothing of its delivery.
func stageStatus(name string) (s waybill.Status, ok bool) {
	switch name {
	case "sent":
		return waybill.StatusSent, true
	case "delivered":
		return waybill.StatusDelivered, true
	case "read":
		return waybill.StatusRead, true
	case "played":
		return waybill.StatusPlayed, true
	case "failed":
		return waybill.StatusFailed, true
	}
	return waybill.StatusNone, false
}

// status adds the event of one status. A message to a group has one status per
// participant; its recipient is the group, which is in no country.
func (m *mapping) status(s *wireStatus) {
	status, ok := stageStatus(s.status)
	if !ok || s.kind != "" && s.kind != "message" {
		m.tally.unknownStatus++
		return
	}
	e := m.add(s.id, status, s.at)
	if s.recipientType == "group" {
		e.Recipient = clip(s.recipient)
	} else {
		m.person(e, s.recipient, s.userID)
	}
	if status == waybill.StatusFailed {
		e.Failure = waybill.Failure{Code: clip(s.errorCode), Title: clip(s.errorTitle)}
	}
	pricing(e, s)
	if s.callback != "" {
		m.report.callbacks = append(m.report.callbacks, attachment{len(m.report.events) - 1, s.callback})
	}
}

// person names the person at the other end: by number if there is any, else by
// user ID. Either tells the country.
func (m *mapping) person(e *waybill.Event, id, userID string) {
	if userID == "" && isUserID(id) {
		userID = id
	}
	number := phone(id)
	if number == "" {
		number = m.value.numbers[userID]
	}
	country := userCountry(userID)
	switch {
	case number != "":
		e.Recipient, country = number, dialect.CountryOf(number)
	case userID != "":
		e.Recipient = clip(userID)
	default:
		e.Recipient = clip(id)
	}
	e.Labels.Set(waybill.LabelCountry, country, waybill.RankDerived)
}

// pricing labels e with what Meta says of its price, and with what follows from
// that for its category. Only the prices of templates show a template: under
// conversation-based pricing (CBP) "utility" is the category of a conversation,
// in which other messages go as well; under per-message pricing (PMP) it is the
// message's own.
//
// https://developers.facebook.com/documentation/business-messaging/whatsapp/pricing
func pricing(e *waybill.Event, s *wireStatus) {
	category := upper(s.pricingCategory)
	e.Labels.Set(waybill.LabelPricingType, upper(s.pricingType), waybill.RankVendor)
	e.Labels.Set(waybill.LabelPricingCategory, category, waybill.RankVendor)
	e.Labels.Set(waybill.LabelTier, tier(s.pricingTier), waybill.RankVendor)
	switch category {
	case "MARKETING", "MARKETING_LITE":
		category = "MARKETING"
	case "AUTHENTICATION", "AUTHENTICATION_INTERNATIONAL":
		category = "AUTHENTICATION"
	case "UTILITY":
		if s.pricingModel != "PMP" {
			return
		}
	default:
		return
	}
	e.Templated = true
	e.Labels.Set(waybill.LabelCategory, category, waybill.RankDerived)
}

// tier returns a tier such as "0:750000" or "0:MAX", and "" for what is none. Meta
// documents tiers in its analytics and not in its webhooks; a partner may add them.
func tier(text string) string {
	const maxTier = 32
	from, to, ok := strings.Cut(text, ":")
	if !ok || len(text) > maxTier || from == "" || strings.Trim(from, "0123456789") != "" ||
		to == "" || to != "MAX" && strings.Trim(to, "0123456789") != "" {
		return ""
	}
	return text
}

// notMessages are the types under messages that are not something that a person
// wrote to us: notices of the system, and changes of an earlier message.
var notMessages = []string{"system", "reaction", "edit", "revoke", "request_welcome"}

// message adds the event of a received message, and that of the click that it
// may be.
func (m *mapping) message(w *wireMessage) {
	kind := w.kind
	if kind == "unsupported" && w.unsupported != "" {
		kind = w.unsupported
	}
	if slices.Contains(notMessages, kind) {
		m.tally.ignored++
		return
	}
	e := m.add(w.id, waybill.StatusDelivered, w.at)
	e.Inbound = true
	m.person(e, w.from, w.userID)
	if button, ok := w.button(); ok && m.answersUs(w) {
		m.click(w, button)
	}
}

// button returns what was pressed, if the message is a press of a button. A form
// that was filled in (nfm_reply) is none.
func (w *wireMessage) button() (waybill.Button, bool) {
	const quickReply = "quick_reply_button" // as template_analytics has it
	switch {
	case w.kind == "button":
		return waybill.Button{Type: quickReply, Text: clip(w.buttonText)}, true
	case w.kind == "interactive" && (w.replyKind == "button_reply" || w.replyKind == "list_reply"):
		return waybill.Button{Type: quickReply, Text: clip(w.replyTitle)}, true
	}
	return waybill.Button{}, false
}

// answersUs reports whether the message that w answers is known and ours.
func (m *mapping) answersUs(w *wireMessage) bool {
	if w.contextID == "" || w.contextID == w.id {
		return false
	}
	from := w.contextFrom
	return from == "" || from == m.value.numberID || m.sender != "" && phone(from) == m.sender
}

// click adds the click on the message that w answers. A message of type button
// comes from a quick reply button, which only templates have.
//
// https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages/button
func (m *mapping) click(w *wireMessage, button waybill.Button) {
	e := m.add(w.contextID, waybill.StatusClicked, w.at)
	e.Button = button
	if len(w.id) <= waybill.MaxLabel {
		e.Click = w.id
	}
	e.Templated = w.kind == "button"
	if w.group != "" {
		e.Recipient = clip(w.group)
		return
	}
	m.person(e, w.from, w.userID)
}

// instant reads a time in seconds, rounded down. A number so large that the
// seconds would lie thousands of years ahead is in milliseconds. What is no time
// becomes Never.
func instant(text string) waybill.Instant {
	const firstMilli = 100_000_000_000
	if n, ok := tenDigits(text); ok {
		return n
	}
	whole, fraction, _ := strings.Cut(text, ".")
	if !digits(fraction) {
		return waybill.Never
	}
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || n <= 0 {
		return waybill.Never
	}
	if n >= firstMilli {
		n /= 1000
	}
	return waybill.Instant(n)
}

// tenDigits reads a time as nearly all are written.
func tenDigits(text string) (n waybill.Instant, ok bool) {
	if len(text) != 10 || text[0] == '0' || !digits(text) {
		return 0, false
	}
	for i := range len(text) {
		n = 10*n + waybill.Instant(text[i]-'0')
	}
	return n, true
}

// phone returns the digits of a phone number, which may be written with the
// usual punctuation, or "" for what is no number.
func phone(text string) string {
	const maxDigits = 20
	if !digits(text) && strings.Trim(text, "0123456789+()-. ") != "" {
		return ""
	}
	if digits := waybill.Digits(text); len(digits) <= maxDigits {
		return digits
	}
	return ""
}

// digits reports whether text has nothing but digits, if it has anything.
func digits(text string) bool {
	for i := range len(text) {
		if text[i] < '0' || text[i] > '9' {
			return false
		}
	}
	return true
}

// isUserID reports whether id has the form of a business-scoped user ID, such as
// "US.13491208655302741918", which begins with a country.
//
// https://developers.facebook.com/documentation/business-messaging/whatsapp/business-scoped-user-ids
func isUserID(id string) bool {
	return len(id) > 3 && isUpper(id[0]) && isUpper(id[1]) && id[2] == '.'
}

func isUpper(c byte) bool { return 'A' <= c && c <= 'Z' }

// userCountry returns the country in a business-scoped user ID.
func userCountry(id string) string {
	if !isUserID(id) {
		return ""
	}
	return strings.Clone(id[:2])
}

// upper returns a word of Meta's in its one spelling, such as MARKETING_LITE:
// webhooks have words in lower case and with hyphens as well. What is no word
// becomes "". The words that most webhooks have cost no memory.
func upper(word string) string {
	const maxWord = 64
	switch word {
	case "":
		return ""
	case "regular":
		return "REGULAR"
	case "free_customer_service":
		return "FREE_CUSTOMER_SERVICE"
	case "marketing":
		return "MARKETING"
	case "utility":
		return "UTILITY"
	case "service":
		return "SERVICE"
	case "authentication":
		return "AUTHENTICATION"
	}
	if len(word) > maxWord || strings.ContainsFunc(word, isNoWord) {
		return ""
	}
	return strings.ReplaceAll(strings.ToUpper(word), "-", "_")
}

func isNoWord(r rune) bool {
	return r != '_' && r != '-' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
}

// clip returns text as an event can hold it: without NUL, and cut between
// characters.
func clip(text string) string {
	if strings.IndexByte(text, 0) >= 0 {
		text = strings.ReplaceAll(text, "\x00", "")
	}
	if len(text) <= waybill.MaxLabel {
		return text
	}
	end := waybill.MaxLabel
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end]
}
