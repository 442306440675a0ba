package demo

import (
	"slices"
	"strings"

	"waybill"
)

// A template is what the messages of a flow or campaign are made from.
type template struct {
	name, category string
	codes          []string // by language
	languages      []string
	buttons        []button

	// shared tells that one code stands for all languages.
	shared bool
}

// A button can be pressed below a message.
type button struct {
	kind  string
	texts []string // by language of the template
	rate  float64  // share of readers who press it
	talk  bool     // who presses it wants an answer
}

// The types of buttons, in the vendors' words.
const (
	quickReply = "quick_reply_button"
	urlButton  = "url_button"
	callButton = "phone_number_button"
)

// texts splits the translations of a text.
func texts(all string) []string { return strings.Split(all, "|") }

// code returns the vendor's ID of the template in the given language.
func (t *template) code(language int) string {
	if t.shared {
		return t.codes[0]
	}
	return t.codes[language]
}

// language returns the index of the language that people of a country get: their
// own where the template has it, else its first, which is English or the only one.
func (t *template) language(c *country) int {
	return max(0, slices.Index(t.languages, spoken[c.code]))
}

// spoken names the languages of countries that have one other than English.
var spoken = map[string]string{
	"BR": "pt_BR", "ID": "id", "MX": "es_MX", "DE": "de", "VN": "vi", "CN": "zh_CN",
}

// pressed returns the button as the vendor reports it.
func (b *button) pressed(language int) waybill.Button {
	return waybill.Button{Type: b.kind, Text: b.texts[min(language, len(b.texts)-1)]}
}

// template returns the one with the given name.
func (l *line) template(name string) *template {
	for i := range l.templates {
		if l.templates[i].name == name {
			return &l.templates[i]
		}
	}
	return nil
}

// numbered gives the templates their codes: Meta has one for each language, the
// others have one for all.
func numbered(seed uint64, provider waybill.Provider, list []template) []template {
	for i := range list {
		t := &list[i]
		t.shared = provider != waybill.ProviderWABA
		for _, language := range t.languages {
			switch provider {
			case waybill.ProviderChatapp:
				t.codes = append(t.codes, "1100"+digits(15, seed, "code", t.name))
			case waybill.ProviderWABA:
				t.codes = append(t.codes, leading("123456789", 16, seed, "code", t.name, language))
			default:
				t.codes = append(t.codes, t.name)
			}
		}
	}
	return list
}
